/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Where the database is: what database.url says, for those who prepare the processes that connect
 * (the master, confinement, commands).
 */
#ifndef BOOKINGD_DB_DB_URL_H
#define BOOKINGD_DB_DB_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"

/* Whether libpq takes the text as URI or connection string. One that names a `service` is refused:
 * host names must stand in the text. */
bool db_url_valid(const char *url) MUST_CHECK;
/* Why it does not, naming the parameter and never a value; NULL: it is valid. Lives until the next
 * call. */
const char *db_url_fault(const char *url) MUST_CHECK;
/* Whether connections to a host that is not this machine may go without TLS. */
bool db_url_plain(const char *url) MUST_CHECK;
/* Has the host names of a URL looked up (sys/addrs), since libpq is never let near DNS. Before
 * fork; false when there is no room for one. */
bool db_register_hosts(const char *url);
/* Calls fn with the password that a URL has, if it has one. */
void db_password(const char *url, void (*fn)(void *ctx, const char *p, size_t n), void *ctx);
/* Calls fn with each file that libpq reads because the URL or its environment names it
 * (certificates, passwords). */
void db_files(const char *url, void (*fn)(void *ctx, const char *path), void *ctx);
/* Calls fn with each port that connections to the URL go to. */
void db_ports(const char *url, void (*fn)(void *ctx, uint16_t port), void *ctx);

/* What processes tell each other about the hosts: bytes of shared memory, and the taking of them,
 * before fork. Without it each keeps to itself. */
size_t db_shared_size(void);
void db_shared_init(void);

#endif
