/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Addresses of host names, looked up by the resolver so that no other process ever waits for DNS.
 * The master registers the names; the database's and the providers' connections read the addresses.
 */
#include "sys/addrs.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ensure.h"
#include "sys/log.h"
#include "sys/name_rows.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

/* In shared memory as a whole: processes of the configuration before see at once when a name they
 * know lost its row. Changed by the master, while no resolver runs. */
static struct addrs_table {
    struct name_rows names;
    struct name_row rows[ADDRS_NAMES_MAX];
} * addrs_table;
/* Written by the resolver. first_pass: 1 when it is over; no bool, which must not hold anything
 * else. */
static struct addrs_answers {
    SEQLOCK(struct addrs_result) found[ADDRS_NAMES_MAX];
    atomic_uchar first_pass;
} * addrs_answers;

size_t addrs_size(void)
{
    return shm_round(sizeof(*addrs_table)) + shm_round(sizeof(*addrs_answers));
}

static void addrs_clear_row(unsigned row)
{
    memset(&addrs_answers->found[row], 0, sizeof(addrs_answers->found[row]));
}

/* Before the first fork: everybody maps the same table. */
void addrs_init(unsigned resolver)
{
    addrs_table = shm_alloc(sizeof(*addrs_table), SHM_MASTER);
    addrs_answers = shm_alloc(sizeof(*addrs_answers), resolver);
    addrs_table->names.rows = addrs_table->rows;
    addrs_table->names.max = ADDRS_NAMES_MAX;
    addrs_table->names.ignore_case = true; /* RFC 1035 2.3.3 */
    addrs_table->names.clear = addrs_clear_row;
}

/* An address needs no lookup and gets no row. */
static bool addrs_is_literal(const char *host)
{
    unsigned char raw[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

/* A scope ("fe80::1%eth0") is as getnameinfo(3) writes it; inet_pton(3) does not read one. */
static bool addrs_is_possible(const char *text)
{
    char address[ADDR_TEXT_MAX];
    const size_t n = strcspn(text, "%");
    const size_t scope = strspn(text + n, "%0123456789abcdefghijklmnopqrstuvwxyz"
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-");
    memcpy(address, text, n);
    address[n] = '\0';
    return n + scope == strlen(text) && addrs_is_literal(address);
}

/* A path is a socket's directory to libpq, "@" an abstract socket: neither is a name. */
bool addrs_register(const char *host)
{
    ENSURE(addrs_table != NULL);
    if (!host || host[0] == '\0' || host[0] == '/' || host[0] == '@' || addrs_is_literal(host))
        return true;
    if (name_rows_take(&addrs_table->names, host) >= 0)
        return true;
    LOG(LOG_LEVEL_ERROR, "addrs.refused", F_STR("host", host),
        F_STR("reason", strlen(host) < NAME_ROW_SIZE ? "too_many_names" : "name_too_long"));
    return false;
}

/* At a reload. Rows of names that are no longer wanted keep their addresses until their row is
 * needed: old workers may still use them. */
void addrs_anew(void)
{
    ENSURE(addrs_table != NULL);
    name_rows_next(&addrs_table->names, NULL, 0);
    atomic_store_explicit(&addrs_answers->first_pass, 0, memory_order_release);
}

unsigned addrs_count(void)
{
    return addrs_table ? name_rows_count(&addrs_table->names) : 0;
}

const char *addrs_name(unsigned i)
{
    ENSURE(i < addrs_count());
    return addrs_table->rows[i].name;
}

void addrs_store(unsigned i, const struct addrs_result *r)
{
    ENSURE(i < addrs_count() && r->n <= ADDRS_PER_NAME);
    SEQLOCK_STORE(&addrs_answers->found[i], r);
}

/* Workers that start before the first lookup is done would fail their first connect, so readiness
 * waits for this (master). */
void addrs_set_first_pass(void)
{
    ENSURE(addrs_table != NULL);
    atomic_store_explicit(&addrs_answers->first_pass, 1, memory_order_release);
}

bool addrs_first_pass(void)
{
    return addrs_table &&
           atomic_load_explicit(&addrs_answers->first_pass, memory_order_acquire) == 1;
}

/* What is there goes into curl's and libpq's options as it is: nothing but addresses may. */
static bool addrs_are_possible(struct addrs_result *r)
{
    if (r->n == 0 || r->n > ADDRS_PER_NAME)
        return false;
    for (unsigned i = 0; i < r->n; i++)
        if (!memchr(r->text[i], '\0', ADDR_TEXT_MAX) || !addrs_is_possible(r->text[i]))
            return false;
    return true;
}

/* The last good addresses stay when a lookup fails (BEHAVIOUR §3: a dead DNS costs nothing while an
 * address is known). */
bool addrs_find(const char *host, struct addrs_result *out)
{
    memset(out, 0, sizeof(*out));
    if (addrs_is_literal(host)) {
        size_t n = strlen(host);
        if (n >= ADDR_TEXT_MAX)
            return false;
        out->n = 1;
        memcpy(out->text[0], host, n + 1);
        return true;
    }
    int i = addrs_table ? name_rows_find(&addrs_table->names, host) : -1;
    return i >= 0 && SEQLOCK_LOAD(&addrs_answers->found[i], out) && addrs_are_possible(out);
}
