#include "sys/addrs.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "base/ensure.h"
#include "sys/log.h"
#include "sys/shm.h"
#include "sys/twin.h"

#define NAME_MAX_LEN 254 /* RFC 1035 2.3.4 */

struct entry {
    char name[NAME_MAX_LEN];
    TWIN(struct addrs_result) found;
};

struct table {
    unsigned n; /* fixed before fork */
    atomic_bool first_pass;
    struct entry entries[ADDRS_NAMES_MAX];
};

static struct table *table;

size_t addrs_size(void)
{
    return sizeof(struct table);
}

void addrs_init(void)
{
    table = shm_alloc(sizeof(*table));
}

static bool literal(const char *host)
{
    unsigned char raw[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

static int find(const char *host)
{
    for (unsigned i = 0; table && i < table->n; i++)
        if (strcasecmp(table->entries[i].name, host) == 0)
            return (int)i;
    return -1;
}

void addrs_register(const char *host)
{
    ENSURE(table != NULL);
    if (!host || host[0] == '\0' || host[0] == '/' || host[0] == '@' || literal(host) || find(host) >= 0)
        return;
    if (table->n == ADDRS_NAMES_MAX || strlen(host) >= NAME_MAX_LEN) {
        LOG(LOG_ERROR, "addrs.refused", F_STR("host", host),
            F_STR("why", table->n == ADDRS_NAMES_MAX ? "too many host names" : "name too long"));
        return;
    }
    memcpy(table->entries[table->n].name, host, strlen(host) + 1);
    table->n++;
}

unsigned addrs_count(void)
{
    return table ? table->n : 0;
}

const char *addrs_name(unsigned i)
{
    ENSURE(i < addrs_count());
    return table->entries[i].name;
}

void addrs_store(unsigned i, const struct addrs_result *r)
{
    ENSURE(i < addrs_count() && r->n <= ADDRS_PER_NAME);
    TWIN_STORE(&table->entries[i].found, r);
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
    return i >= 0 && TWIN_LOAD(&table->entries[i].found, out) && out->n > 0;
}
