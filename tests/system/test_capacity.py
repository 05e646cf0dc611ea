# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The model of campaigns/capacity.py, for two thousand operations."""
import bd
from capacity import Capacity  # noqa: F401

if __name__ == "__main__":
    bd.main()
