# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A stranger asks for as much as the API gives: a short run of campaigns/volume.py."""
import bd
import volume


class Short(volume.Volume):
    """S1, S3: fewer resources and requests, and no stopwatch: test_limits.py holds who waits for
    whom.
    """

    resources, days, asked, connections = 8, 31, 60, 20
    limit_ms = None


if __name__ == "__main__":
    bd.main()
