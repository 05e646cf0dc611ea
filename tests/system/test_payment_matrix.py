# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A seventh of campaigns/matrix.py: each call meets each fault."""
import bd
from matrix import Matrix  # noqa: F401

if __name__ == "__main__":
    bd.main()
