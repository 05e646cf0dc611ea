# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The unit under a real systemd as PID 1, where the machine lets one run in namespaces.

The same as campaigns/systemd.py.
"""
import bd
from systemd import Systemd  # noqa: F401

if __name__ == "__main__":
    bd.main()
