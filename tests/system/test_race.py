# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The races of race.py, a few seconds each; `./dev race` runs them for 20."""
import bd
from race import Race  # noqa: F401

if __name__ == "__main__":
    bd.main()
