/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Values that a configuration has, as other modules take them. Texts are borrowed from it. */
#ifndef BOOKINGD_SYS_CONFIG_VALUES_H
#define BOOKINGD_SYS_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum listen_kind { LISTEN_TCP, LISTEN_UNIX, LISTEN_SYSTEMD };
struct listen_addr {
    enum listen_kind kind;
    const char *text; /* as configured, for messages */
    const char *host; /* TCP: a literal address, v6 without brackets (localhost has become
                         127.0.0.1) */
    uint16_t port;    /* TCP; 0 lets the kernel choose */
    const char *path; /* unix; what follows is for its file */
    bool has_mode;
    unsigned mode;            /* 0660; without one as the umask says */
    const char *user, *group; /* names or numbers; NULL: as they are */
};

struct cidr {   /* a network */
    int family; /* AF_INET, AF_INET6; AF_UNIX: all unix sockets */
    unsigned char addr[16];
    unsigned prefix; /* bits */
};

struct cidr_list {
    const struct cidr *networks;
    size_t n;
};

struct rate_limit {
    int64_t count;
    int64_t per_ms;
};

struct config_pair { /* of a mapping of names to texts */
    const char *key;
    const char *value;
};

#endif
