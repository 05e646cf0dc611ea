#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Prints the files of the desk page as C, for src/api/api_desk.c: embed.py FILE..."""
import os
import sys

print('/* Made by src/desk/embed.py. */\n#include "api/api_desk.h"\n')
for path in sys.argv[1:]:
    with open(path, "rb") as f:
        data = f.read()
    name = os.path.basename(path).replace(".", "_")
    print("const size_t %s_len = %d;" % (name, len(data)))
    print("const unsigned char %s[] = {" % name)
    for i in range(0, len(data), 20):
        print("    " + "".join("%d," % b for b in data[i : i + 20]))
    print("};")
