#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# The list of all keys in bookingd.yaml(5) is what config.def says: `make doc` writes it anew.
root=${srcdir:-.}
./src/domain/mkkeys <"$root/doc/bookingd.yaml.5" | diff -u "$root/doc/bookingd.yaml.5" - && exit 0
echo "the list of keys in doc/bookingd.yaml.5 is stale: make doc"
exit 1
