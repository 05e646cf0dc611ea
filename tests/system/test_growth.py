# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""campaigns/growth.py with few rows."""
import bd
from growth import Growth, Purge  # noqa: F401

if __name__ == "__main__":
    bd.main()
