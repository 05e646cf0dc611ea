/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The resolver: looks up the names of providers and database hosts, for ever, off every request's
 * path. Forked by the master as a role. getaddrinfo() blocks as long as it likes here; TERM and the
 * master's death end the process by their default action meanwhile.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cdefs.h"
#include "base/rng.h"
#include "domain/scoreboard.h"
#include "roles/role_loop.h"
#include "roles/roles.h"
#include "sys/addrs.h"
#include "sys/log.h"
#include "sys/lookup_files.h"

/* getaddrinfo() does not tell a record's time to live; half a minute follows a failover soon
 * enough. */
#define AGAIN_MS 30000 /* a name that answered */
#define LOOKUP_MS \
    60000 /* above what RES_OPTIONS allow with all servers and search domains there can be */
#define FAILED_MS 1000 /* one that did not: doubling up to AGAIN_MS */
/* How often it looks whether a file was replaced: five calls of stat(2), and somebody may wait for
 * the new name server. */
#define FILES_MS 1000

struct name {
    struct deadline next;
    unsigned fails;
};

/* Numeric text of the answers, in getaddrinfo's order, without repeats. */
static void resolver_collect_addresses(const struct addrinfo *list, struct addrs_result *out)
{
    out->n = 0;
    for (const struct addrinfo *a = list; a && out->n < ADDRS_PER_NAME; a = a->ai_next) {
        char text[ADDR_TEXT_MAX];
        bool known = false;
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) !=
            0)
            continue;
        for (unsigned i = 0; i < out->n; i++)
            known = known || strcmp(out->text[i], text) == 0;
        if (!known)
            memcpy(out->text[out->n++], text, sizeof(text));
    }
}

/* Addresses are replaced only by new ones: a name that does not resolve now keeps its last good
 * addresses. */
static void look_up(unsigned i, struct name *n)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct addrs_result found = {.n = 0};
    scoreboard_budget(deadline_in_ms(LOOKUP_MS));
    scoreboard_stage(STAGE_BUSY, addrs_name(i));
    int rc = getaddrinfo(addrs_name(i), NULL, &hints, &list);
    if (rc == 0) {
        resolver_collect_addresses(list, &found);
        freeaddrinfo(list);
    }
    if (found.n > 0) {
        addrs_store(i, &found);
        if (n->fails > 0)
            LOG(LOG_LEVEL_INFO, "resolver.recovered", F_STR("name", addrs_name(i)),
                F_INT("failures", n->fails));
        *n = (struct name){.next = deadline_in_ms(rng_jitter_ms(AGAIN_MS, 0.1))};
        scoreboard_served();
        return;
    }
    int64_t wait = n->fails < 5 ? (int64_t)FAILED_MS << n->fails : AGAIN_MS;
    /* Said once when it begins and then rarely: a dead DNS costs nothing while the last addresses
     * are good. */
    if (n->fails % 20 == 0)
        LOG(LOG_LEVEL_WARN, "resolver.failed", F_STR("name", addrs_name(i)),
            F_STR("reason", rc ? gai_strerror(rc) : "no address"));
    n->fails++;
    n->next = deadline_in_ms(rng_jitter_ms(wait, 0.1));
}

/* One name after the other: they are few, and a lookup that hangs only delays the others' renewal.
 * When the next is due. */
static struct deadline resolver_look_up_due(struct name *names)
{
    struct deadline next = deadline_in_ms(AGAIN_MS);
    for (unsigned i = 0; i < addrs_count(); i++) {
        if (deadline_passed(names[i].next))
            look_up(i, &names[i]);
        next = deadline_min(next, names[i].next);
    }
    addrs_set_first_pass();
    scoreboard_stage(STAGE_IDLE, "");
    return next;
}

/* True: this process may not read a file that look-ups need, since it was put there later. The
 * next one may. */
static bool resolver_is_outdated(const struct lookup_files_seen *seen)
{
    const char *path = lookup_files_replaced(seen);
    if (path)
        LOG(LOG_LEVEL_INFO, "resolver.outdated", F_STR("file", path),
            F_STR("reason", "it was replaced; a new resolver reads it"));
    return path != NULL;
}

int resolver_main(const struct child_env *env)
{
    static struct name names[ADDRS_NAMES_MAX];
    struct lookup_files_seen seen;
    /* Bounds a lookup without touching what an administrator has chosen. */
    /* Two tries of a second per server instead of the library's ten seconds. */
    if (setenv("RES_OPTIONS", "timeout:1 attempts:2", 0) != 0)
        return 1;
    struct role_loop loop = {.env = env, .sig_fd = -1};
    enum role_news news;
    lookup_files_see(&seen);
    scoreboard_stage(STAGE_IDLE, "");
    do {
        const struct deadline next = resolver_look_up_due(names);
        news = role_loop_sleep(&loop, deadline_cap(next, FILES_MS));
        if (news == ROLE_TURNED && resolver_is_outdated(&seen))
            return EXIT_RECYCLE_CODE;
    } while (news == ROLE_TURNED);
    return news == ROLE_BROKEN;
}
