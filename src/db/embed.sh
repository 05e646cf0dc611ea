#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# embed.sh FILE... : the migrations NNNN_name.sql as C, for src/db/db_migrate.c. Order is the order of the arguments.
set -e
cat <<'END'
/* Made by src/db/embed.sh: change the .sql files instead. */
#include "db/db_migrate.h"

const struct db_migration db_migrations[] = {
END
last=0
for f in "$@"; do
    base=$(basename "$f" .sql)
    version=$(expr "$base" : '0*\([0-9]*\)_')
    [ "$version" -eq $((last + 1)) ] || { echo "embed.sh: $f: the number after $last is $((last + 1))" >&2; exit 1; }
    last=$version
    sum=$(sha256sum "$f" | cut -d' ' -f1)
    printf '    {.version = %s,\n     .name = "%s",\n     .checksum = "%s",\n     .sql =\n' "$version" "${base#*_}" "$sum"
    # '?' is escaped because of trigraphs.
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/^/         "/' -e 's/$/\\n"/' "$f"
    printf '    },\n'
done
printf '};\nconst int db_migrations_n = %s;\n' "$last"
