# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""campaigns/hammer.py for two seconds."""
import bd
from hammer import Hammer  # noqa: F401

if __name__ == "__main__":
    bd.main()
