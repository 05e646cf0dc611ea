/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "sys/addrs.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "base/ensure.h"
#include "sys/log.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

#define NAME_MAX_LEN 254 /* RFC 1035 2.3.4 */

struct entry {
    char name[NAME_MAX_LEN];
    SEQLOCK(struct addrs_result) found;
};

struct table {
    atomic_uint n; /* the master's to change, while no resolver runs */
    atomic_bool first_pass;
    struct entry entries[ADDRS_NAMES_MAX];
};

static struct table *table;
static bool wanted[ADDRS_NAMES_MAX]; /* the master's */

size_t addrs_size(void)
{
    return sizeof(struct table);
}

void addrs_init(void)
{
    table = shm_alloc(sizeof(*table));
    memset(wanted, 0, sizeof(wanted));
}

static bool literal(const char *host)
{
    unsigned char raw[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

static int find(const char *host)
{
    for (unsigned i = 0; i < addrs_count(); i++)
        if (strcasecmp(table->entries[i].name, host) == 0)
            return (int)i;
    return -1;
}

/* The next place, or that of a name which nobody wants any more; -1. */
static int take(void)
{
    const unsigned n = addrs_count();
    if (n < ADDRS_NAMES_MAX)
        return (int)n;
    for (unsigned i = 0; i < n; i++)
        if (!wanted[i])
            return (int)i;
    return -1;
}

bool addrs_register(const char *host)
{
    struct table *const t = table;
    ENSURE(t != NULL);
    if (!host || host[0] == '\0' || host[0] == '/' || host[0] == '@' || literal(host))
        return true;
    int i = find(host);
    if (i < 0) {
        const bool fits = strlen(host) < NAME_MAX_LEN;
        i = fits ? take() : -1;
        if (i < 0) {
            LOG(LOG_LEVEL_ERROR, "addrs.refused", F_STR("host", host),
                F_STR("why", fits ? "too many host names" : "name too long"));
            return false;
        }
        memset(&t->entries[i], 0, sizeof(t->entries[i]));
        memcpy(t->entries[i].name, host, strlen(host) + 1);
        if ((unsigned)i == addrs_count())
            atomic_store_explicit(&t->n, (unsigned)i + 1, memory_order_release);
    }
    wanted[i] = true;
    return true;
}

void addrs_anew(void)
{
    ENSURE(table != NULL);
    memset(wanted, 0, sizeof(wanted));
    atomic_store_explicit(&table->first_pass, false, memory_order_release);
}

unsigned addrs_count(void)
{
    return table ? atomic_load_explicit(&table->n, memory_order_acquire) : 0;
}

const char *addrs_name(unsigned i)
{
    ENSURE(i < addrs_count());
    return table->entries[i].name;
}

void addrs_store(unsigned i, const struct addrs_result *r)
{
    ENSURE(i < addrs_count() && r->n <= ADDRS_PER_NAME);
    SEQLOCK_STORE(&table->entries[i].found, r);
}

void addrs_set_first_pass(void)
{
    ENSURE(table != NULL);
    atomic_store_explicit(&table->first_pass, true, memory_order_release);
}

bool addrs_first_pass(void)
{
    return table && atomic_load_explicit(&table->first_pass, memory_order_acquire);
}

bool addrs_find(const char *host, struct addrs_result *out)
{
    memset(out, 0, sizeof(*out));
    if (literal(host)) {
        size_t n = strlen(host);
        if (n >= ADDR_TEXT_MAX)
            return false;
        out->n = 1;
        memcpy(out->text[0], host, n + 1);
        return true;
    }
    int i = find(host);
    return i >= 0 && SEQLOCK_LOAD(&table->entries[i].found, out) && out->n > 0;
}
