#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# analyse.sh BUILD_DIR: clang-tidy, cppcheck and shellcheck over the whole tree with the committed
# configuration.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?build directory}
cflags="$(pkg-config --cflags libpq libcurl jansson yaml-0.1 libssl libcrypto)"
bad=0
echo "clang-tidy"
printf '%s\n' src/*/*.c | xargs -P "$(nproc)" -n 1 sh -c \
    'clang-tidy --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE -DHAVE_CONFIG_H -Iinclude \
        -I'"$build $cflags"' 2>/dev/null' sh || bad=1
echo "cppcheck"
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
    --inline-suppr -j "$(nproc)" \
    --suppress=missingIncludeSystem --library=posix -D_GNU_SOURCE -D__GNUC__ \
    -DMUST_CHECK= -Iinclude -I"$build" src || bad=1
echo "shellcheck"
shellcheck -x dev .ci/run autogen.sh tests/lint/*.sh tests/lib/with-pg tests/lib/under-valgrind \
    tests/fuzz/*.sh || bad=1
exit $bad
