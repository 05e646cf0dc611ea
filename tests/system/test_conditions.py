# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A small part of campaigns/conditions.py: one fault, without the two minutes of its end."""
import bd
import conditions
import faults


class Small(conditions.Conditions):
    def test_reset(self):
        [fault] = [f for f in faults.FAULTS if f.name == "reset"]
        calls = [faults.Otp, faults.Notification, faults.Create]
        row = self.one("http", fault, calls, recover=False)
        self.assertEqual(row[-1], [], row)


if __name__ == "__main__":
    bd.main()
