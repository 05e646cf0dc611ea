# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The races of campaigns/race.py, a few seconds each."""
import bd
from race import Race  # noqa: F401

if __name__ == "__main__":
    bd.main()
