/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Addresses of provider and database names in shared memory: the resolver process writes,
 * everybody reads (sys/seqlock, single writer). A name keeps its last good addresses when
 * a later lookup fails, so a dead DNS costs nothing (BEHAVIOUR §3).
 */
#ifndef BOOKINGD_SYS_ADDRS_H
#define BOOKINGD_SYS_ADDRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"

/* 16 providers, and the hosts of the database's URL */
#define ADDRS_NAMES_MAX 32
/* more than any connection attempt has time for */
#define ADDRS_PER_NAME 8
/* INET6_ADDRSTRLEN */
#define ADDR_TEXT_MAX 46

struct addrs_result {
    unsigned n;
    char text[ADDRS_PER_NAME][ADDR_TEXT_MAX];
};

/* Bytes of shared memory that addrs_init takes. */
size_t addrs_size(void);
/* Before fork. resolver: the bit of the role that writes the answers (sys/shm.h). */
void addrs_init(unsigned resolver);
/*
 * Registers a host name to be looked up; literal addresses and unix paths need none and are
 * ignored. Before fork, or while no resolver runs: false (logged) when there is no room for it.
 */
bool addrs_register(const char *host);
/*
 * A reload, while no resolver runs: the names that are registered from now on are wanted. One that
 * is not makes room when that is needed; until then it keeps its addresses, for children that go on
 * with the old configuration.
 */
void addrs_anew(void);
unsigned addrs_count(void);
const char *addrs_name(unsigned i);
/* The resolver: stores a successful lookup (r->n at least 1). */
void addrs_store(unsigned i, const struct addrs_result *r);
/* The resolver has been through the list once. */
void addrs_set_first_pass(void);
bool addrs_first_pass(void);
/* Addresses of a host, at once: a literal is its own address. false: none known (yet). */
bool addrs_find(const char *host, struct addrs_result *out) MUST_CHECK;

#endif
