/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The hosts of a URL, and what the processes tell each other about them: for db_connect.c and its
 * neighbours. Nothing here does I/O. */
#ifndef BOOKINGD_DB_DB_HOSTS_H
#define BOOKINGD_DB_DB_HOSTS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cdefs.h"

/* Where a server is in the history of its cluster; number 0: not known. */
struct db_timeline {
    uint32_t cluster, number;
};
/* ---- db_hosts.c: where to connect to, without any name lookup in libpq ---- */

#define DB_HOSTS_MAX 32
struct db_host {
    const char *host, *hostaddr, *port; /* "" where not given */
    int place;                          /* in the URL, whatever the order of asking */
};
struct db_hosts {
    struct db_host *list;
    int n;
    const char *const *keywords, *const *values; /* everything else of the URL, NULL-terminated */
    int params_n;
    bool one_primary; /* several, of which only the one that takes writes will do */
};
/* NULL and *reason when the URL is bad or none of its names has a known address. */
const struct db_hosts *db_hosts_read(struct arena *a, const char *url,
                                     const char **reason) MUST_CHECK;
/* The list from `first` on, and what was before it behind that. */
void db_hosts_turn(const struct db_hosts *h, int first);
/* The host with this number, db_host_id(); -1: it is not in the list. */
int db_hosts_find(const struct db_hosts *h, uint32_t id) MUST_CHECK;
/* Begins an attempt at list[first..]; NULL when memory is out. */
PGconn *db_hosts_start(struct arena *a, const struct db_hosts *h, int first) MUST_CHECK;

/* ---- db_shared.c: what all processes know of the list's hosts ---- */

/* Whether host i of the list gave no answer the last time; the note of that; the host's number. */
bool db_host_silent(int i);
void db_host_silence(int i, bool silent);
uint32_t db_host_id(const struct db_host *h);
/* A session was begun there. */
void db_host_used(uint32_t id);
/* Number of the host with the newest session of all processes; 0: there was none. */
uint32_t db_host_newest(void);
/* That session is elsewhere. */
bool db_primary_moved(uint32_t id);
/* The newest timeline that the keeper has seen; only a call by the keeper changes it. */
struct db_timeline db_timeline_told(void);
void db_timeline_tell(struct db_timeline t);
/* Whether standbys may be read: they may, or this process is the one that tries whether they may
 * again. Then nobody else does for `ms`. */
bool db_reads_allowed(int64_t ms);
/* Nobody reads from them for `ms`; the pause is over. True: that is news. */
bool db_reads_pause(int64_t ms);
bool db_reads_resume(void);
/* Whether this is the first host that is passed over for this timeline, of all processes. */
bool db_host_passed_over(uint32_t newest);

#endif
