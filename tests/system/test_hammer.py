# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""hammer.py for two seconds; `./dev hammer` runs it for 20."""
import bd
from hammer import Hammer  # noqa: F401

if __name__ == "__main__":
    bd.main()
