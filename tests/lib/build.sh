# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# For ./dev and the scripts in tests/campaigns: installs Debian packages, builds, runs make check.
# To be sourced; leaves the shell in the top directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
TOP=$PWD
EX_UNAVAILABLE=69 # sysexits.h: packages are missing

# Group, package, what it is for.
PACKAGES='
build gcc                       compiles
build make                      builds
build autoconf                  makes configure
build automake                  makes Makefile.in
build pkg-config                finds libraries
build libc6-dev                 headers of the C library
build libssl-dev                TLS, digests
build libpq-dev                 PostgreSQL client library
build libcurl4-openssl-dev      calls of SMS and payment providers
build libyaml-dev               configuration
build libjansson-dev            JSON
build zlib1g-dev                compressed answers of providers
build libseccomp-dev            filters of system calls
build python3                   demo and tests
run   postgresql                a private server for the demo and each test run
run   postgresql-contrib        the extension btree_gist
run   ca-certificates           certificates of the providers
test  check                     unit tests
test  clang                     second compiler; sanitizers; fuzzing
test  libclang-rt-14-dev        run-time libraries of the sanitizers
test  clang-format              format of the C sources
test  black                     format of the Python sources
test  flake8                    faults of the Python sources
test  python3-phonenumbers      mobile ranges against their metadata
test  valgrind                  memory faults in the unit tests
test  prometheus                promtool: alert rules and metrics page
test  python3-prometheus-client a second reader of the metrics page
test  spin                      the model of a deferred notification
test  mandoc                    faults of the manual pages
test  systemd                   the unit, and its exposure
test  nginx-light               doc/proxy/nginx.conf
test  haproxy                   doc/proxy/haproxy.cfg
test  openssl                   certificates for tests
lint  clang-tidy                static analysis
lint  cppcheck                  static analysis
lint  shellcheck                faults of shell scripts
'

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }

# need GROUP...|PACKAGE...: names those that are missing, with what each is for, and installs them;
# with DEV_NO_INSTALL it names them and stops. A program of the package's name will do: who has a
# newer Node.js cannot install Debian's npm beside it.
need() {
    local word package reason missing=() sudo=()
    for word in "$@"; do
        while read -r package reason; do
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
                command -v "$package" >/dev/null ||
                { missing+=("$package"); printf '  %-26s %s\n' "$package" "$reason"; }
        done < <(awk -v w="$word" '$1 == w { sub(/^[^ ]+ +/, ""); print; n++ }
            END { if (!n) print w " this campaign" }' <<<"$PACKAGES")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ -n "${DEV_NO_INSTALL-}" ] || ! command -v apt-get >/dev/null; then
        printf 'dev: the Debian packages above are missing; nothing was installed\n' >&2
        exit $EX_UNAVAILABLE
    fi
    say "the Debian packages above are missing; installing them (--no-install stops here instead)"
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    command -v "${sudo[@]-env}" >/dev/null || die "run as root, or install sudo"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build [DIR [configure flags...]]: configures DIR when needed and makes all of it.
build() {
    local dir=${1:-build}
    [ $# -gt 0 ] && shift
    [ ! -f config.status ] || die "this tree was configured in place; run make distclean first"
    if [ ! -x configure ] || [ configure.ac -nt configure ] || [ Makefile.am -nt configure ]; then
        say "autogen"
        ./autogen.sh >"$TOP/.autogen.log" 2>&1 || { cat .autogen.log >&2; die "autogen.sh failed"; }
        touch configure
    fi
    mkdir -p "$dir"
    if [ ! -f "$dir/config.status" ] || [ "$*" != "$(cat "$dir/.flags" 2>/dev/null)" ]; then
        say "configure $dir ${*:-}"
        (cd "$dir" && ../configure -q "$@") || die "configure failed; see $dir/config.log"
        printf '%s' "$*" >"$dir/.flags"
    fi
    say "make $dir"
    make -s -C "$dir" -j"$(nproc)" all >"$dir/make.out" ||
        { tail -n 20 "$dir/make.out"; die "make failed in $dir"; }
}

# check_in DIR [make arguments...]: make check in a build directory; shows the logs of what failed.
check_in() {
    local dir=$1 bad='^:test-result: \(FAIL\|XPASS\|ERROR\)'
    shift
    tests/lib/with-pg make -s -C "$dir" -j"$(nproc)" check "$@" >"$dir/check.out" 2>&1 &&
        { tally "$dir"; return; }
    tail -n 60 "$dir/check.out"
    find "$dir/tests" -name '*.trs' -exec grep -l "$bad" {} + 2>/dev/null | while read -r trs; do
        printf '\n---- %s\n' "${trs%.trs}.log"
        tail -n 80 "${trs%.trs}.log"
    done
    tally "$dir"
    die "make check failed in $dir"
}

# Adds the results of one directory to the totals.
PASSED=0 FAILED=0 SKIPPED=0
tally() {
    local p f s
    read -r p f s < <(find "$1/tests" -name '*.trs' -exec cat {} + | awk '
        /^:test-result: PASS/ { p++ } /^:test-result: (FAIL|XPASS|ERROR)/ { f++ }
        /^:test-result: SKIP/ { s++ } END { print p + 0, f + 0, s + 0 }')
    say "$1: $p test programs passed, $f failed, $s skipped"
    PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) SKIPPED=$((SKIPPED + s))
}

# campaign_help "$@": for a script in tests/campaigns: --help prints its head comment.
campaign_help() {
    case ${1-} in
    -h | --help) awk 'NR > 3 && !/^#/ { exit } NR > 3 {
            if (!/shellcheck/) { sub(/^# ?/, ""); print } }' "$0"
        exit 0 ;;
    esac
}
