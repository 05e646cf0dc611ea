# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""campaigns/compromised.py for some hundred rounds."""
import bd
from compromised import Compromised

Compromised.rounds, Compromised.reports = 300, 15

if __name__ == "__main__":
    bd.main()
