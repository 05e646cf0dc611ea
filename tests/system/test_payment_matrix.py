# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A seventh of payment_matrix.py: each call meets each fault; `./dev matrix` runs all of it."""
import bd
from payment_matrix import Matrix  # noqa: F401

if __name__ == "__main__":
    bd.main()
