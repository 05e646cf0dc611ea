# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# Turns a page into a C string: awk -v name=sim_inbox_page -f page.awk inbox.html
BEGIN { print "/* Made from the page of the same name; edit that. */\n#include \"sim.h\"\nconst char " name "[] =" }
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); print "\"" $0 "\\n\"" }
END { print ";" }
