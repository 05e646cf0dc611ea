/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Files, ports and signals: Landlock by its bare system calls, which no C library has. Called by
 * confine.c in each child. On a kernel without Landlock nothing is limited here, and the log says
 * so at the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cdefs.h"
#include "base/str.h"
#include "base/url.h"
#include "confine_priv.h"
#include "db/db_url.h"
#include "sys/lookup_files.h"

/* linux/landlock.h, versions 1 to 6: the header of the machine that builds may be older than the
 * kernel that runs. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define FS_READ_FILE (1u << 2)
#define FS_READ_DIR (1u << 3)
#define FS_V1 ((1u << 13) - 1) /* execute, write, read, list, remove, make */
#define FS_REFER (1u << 13)    /* version 2 */
#define FS_TRUNCATE (1u << 14) /* 3 */
#define NET_BIND_TCP (1u << 0) /* 4 */
#define NET_CONNECT_TCP (1u << 1)
#define FS_IOCTL_DEV (1u << 15)       /* 5 */
#define SCOPE_ABSTRACT_UNIX (1u << 0) /* 6 */
#define SCOPE_SIGNAL (1u << 1)

/* The kernel's structs (linux/landlock.h), with the fields that version 6 has; an older kernel is
 * given a shorter length. */
struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct path_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));
struct net_port {
    uint64_t allowed, port;
};

#define DNS_PORT 53
#define W (1u << ROLE_WORKER)
#define C (1u << ROLE_COURIER)
#define M (1u << ROLE_MONITOR)
#define K (1u << ROLE_KEEPER)
#define R (1u << ROLE_RESOLVER)

#define DB (W | C | M | K)          /* libpq, OpenSSL */
#define ALL_BUT_DISPATCHER (DB | R) /* libraries that are loaded late: name services, locales */

/*
 * What may be read, where it is; nothing may be written or executed. Of /etc only what a library
 * reads by itself: beside it are the secrets of this service and of others, and a role that runs as
 * root could read them all. Not /etc/ssl either, where private keys are.
 *
 * A rule is for the file that has the name now. What is replaced while the service runs is a
 * directory here (authorities), is read at the start alone (settings of OpenSSL), or the process
 * is replaced as well (sys/lookup_files.h).
 */
static const struct readable {
    const char *path;
    unsigned roles;
} readables[] = {
    {"/lib", ALL_BUT_DISPATCHER},
    {"/lib64", ALL_BUT_DISPATCHER},
    {"/usr/lib", ALL_BUT_DISPATCHER},
    {"/usr/lib64", ALL_BUT_DISPATCHER},
    {"/usr/local/lib", ALL_BUT_DISPATCHER},
    {"/usr/local/lib64", ALL_BUT_DISPATCHER},
    {"/usr/share/locale", ALL_BUT_DISPATCHER},
    {"/usr/share/zoneinfo", ALL_BUT_DISPATCHER},
    {"/etc/localtime", ALL_BUT_DISPATCHER},
    {"/etc/ld.so.cache", ALL_BUT_DISPATCHER},
    {"/dev/urandom", ALL_BUT_DISPATCHER},
    {"/dev/null", ALL_BUT_DISPATCHER},
    /* authorities of certificates: Debian, Fedora, Arch, Alpine */
    {"/etc/ssl/certs", DB},
    {"/etc/ssl/cert.pem", DB},
    {"/etc/pki/tls/certs", DB},
    {"/etc/pki/tls/cert.pem", DB},
    {"/etc/pki/ca-trust/extracted", DB},
    {"/etc/ca-certificates/extracted", DB},
    {"/usr/share/ca-certificates", DB},
    {"/usr/local/share/ca-certificates", DB},
    /* settings of OpenSSL, and of Kerberos where database.url asks for it */
    {"/etc/ssl/openssl.cnf", DB},
    {"/etc/pki/tls/openssl.cnf", DB},
    {"/etc/crypto-policies/back-ends", DB},
    {"/etc/krb5.conf", DB},
    {"/etc/krb5.conf.d", DB},
    {"/etc/gss", DB},
    /* accounts: libpq's `requirepeer` */
    {"/etc/passwd", DB},
    {"/etc/nsswitch.conf", DB},
    {"/run/systemd/userdb", DB},
    /* where resolv.conf may lead to; lookup_files has the rest */
    {"/run/systemd/resolve", R},
    {"/run/resolvconf", R},
    {"/run/NetworkManager", R},
    {"/run/connman", R},
    {"/run/nscd", R},
    {"/var/lib/sss", R},
};

/* OpenSSL reads them, and libcurl does through it. */
static const char *const certificate_variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};

static long create_ruleset(const struct ruleset_attr *a, size_t size, uint32_t flags)
{
    return syscall(SYS_landlock_create_ruleset, a, size, flags);
}

/* The version is the number of features; 0 also when Landlock is switched off at boot. */
int confine_files_version(void)
{
    long v = create_ruleset(NULL, 0, CREATE_RULESET_VERSION);
    return v > 0 ? (int)v : 0;
}

/* Paths that are not there now are left out: they stay out of reach. O_PATH: the file itself need
 * not be readable by the master. */
static bool confine_files_allow_path(int ruleset, const char *path)
{
    struct stat st;
    struct path_beneath rule = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
    bool good = fstat(rule.parent_fd, &st) == 0;
    rule.allowed = good && S_ISDIR(st.st_mode) ? FS_READ_FILE | FS_READ_DIR : FS_READ_FILE;
    good = good && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
    int error = errno;
    close(rule.parent_fd);
    errno = error;
    return good;
}

struct files {
    int ruleset;
    bool good;
};

static void allow_one(void *ctx, const char *path)
{
    struct files *f = ctx;
    f->good = f->good && confine_files_allow_path(f->ruleset, path);
}

/* What libpq reads of a user's own; the master has seen to it that HOME says where. */
static void allow_home(struct files *f)
{
    static const char *const names[] = {".pgpass", ".postgresql"};
    const char *home = getenv("HOME");
    for (size_t i = 0; home && *home && i < ARRAY_LEN(names); i++) {
        char path[4096];
        if (snprintf(path, sizeof(path), "%s/%s", home, names[i]) < (int)sizeof(path))
            allow_one(f, path);
    }
}

/* By role: the monitor needs no certificates of providers, the dispatcher needs no file at all. */
static void allow_all(struct files *f, enum role role, const struct config *cfg)
{
    const unsigned me = 1u << role;
    for (size_t i = 0; i < ARRAY_LEN(readables); i++) {
        if (readables[i].roles & me)
            allow_one(f, readables[i].path);
    }
    for (size_t i = 0; (me & R) && i < LOOKUP_FILES; i++)
        allow_one(f, lookup_files[i]);
    if (me & DB) {
        db_files(cfg->database.url, allow_one, f);
        allow_home(f);
    }
    if ((me & W) && cfg->database.read_url)
        db_files(cfg->database.read_url, allow_one, f);
    for (size_t i = 0; (me & DB) && i < ARRAY_LEN(certificate_variables); i++) {
        const char *path = getenv(certificate_variables[i]);
        if (path && *path)
            allow_one(f, path);
    }
}

/* ---- ports that TCP connections go to ---- */

static void allow_port(void *ctx, uint16_t port)
{
    struct files *f = ctx;
    const struct net_port rule = {.allowed = NET_CONNECT_TCP, .port = port};
    f->good = f->good && syscall(SYS_landlock_add_rule, f->ruleset, RULE_NET_PORT, &rule, 0) == 0;
}

/* From version 4 on. A worker that is taken over can then not reach other services of the
 * network. */
static void allow_ports(struct files *f, enum role role, const struct config *cfg)
{
    const unsigned me = 1u << role;
    if (me & DB)
        db_ports(cfg->database.url, allow_port, f);
    if ((me & W) && cfg->database.read_url)
        db_ports(cfg->database.read_url, allow_port, f);
    for (size_t i = 0; (me & (W | C | K)) && i < cfg->providers_n; i++) {
        struct url u;
        if (url_parse(str_of(cfg->providers[i].base_url), &u))
            allow_port(f, u.port);
    }
    if (me & R)
        allow_port(f, DNS_PORT); /* answers that are too long for UDP */
}

/* What is "handled" is refused unless a rule allows it; what the kernel does not know must not be
 * named. */
static struct ruleset_attr confine_files_handled_rights(enum role role, int version)
{
    struct ruleset_attr a = {.fs = FS_V1};
    if (version >= 2)
        a.fs |= FS_REFER;
    if (version >= 3)
        a.fs |= FS_TRUNCATE;
    if (version >= 4)
        a.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (version >= 5)
        a.fs |= FS_IOCTL_DEV;
    if (version >= 6)
        /* libpq may connect to an abstract socket of the database; the dispatcher connects to
         * nothing. */
        a.scoped = role == ROLE_DISPATCHER ? SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX : SCOPE_SIGNAL;
    return a;
}

/* Last of all steps in the child: from here on no file can be opened that is not listed. */
bool confine_files_role(enum role role, const struct config *cfg, int version)
{
    const struct ruleset_attr a = confine_files_handled_rights(role, version);
    const size_t size = version >= 6   ? sizeof(a)
                        : version >= 4 ? 2 * sizeof(uint64_t)
                                       : sizeof(uint64_t);
    struct files f = {.ruleset = (int)create_ruleset(&a, size, 0), .good = true};
    if (f.ruleset < 0)
        return false;
    allow_all(&f, role, cfg);
    if (version >= 4)
        allow_ports(&f, role, cfg);
    f.good = f.good && syscall(SYS_landlock_restrict_self, f.ruleset, 0) == 0;
    int error = errno;
    close(f.ruleset);
    errno = error;
    return f.good;
}
