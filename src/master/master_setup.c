/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the master does once, before the first fork: sockets, shared memory, limits, privileges.
 * Called by master.c. The order matters: ports below 1024 need root, so sockets come before the
 * change of user; shared memory comes last, so that only its user can have touched it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "base/ensure.h"
#include "base/num.h"
#include "confine/confine.h"
#include "db/db_url.h"
#include "domain/conditions.h"
#include "domain/courier_board.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "ext/ext_shared.h"
#include "ipc/master_state.h"
#include "master_priv.h"
#include "monitor/monitor_shared.h"
#include "sys/addrs.h"
#include "sys/log.h"
#include "sys/shm.h"
#include "sys/wake.h"

/* Room for a reload that asks for more: memory that nobody touches costs nothing. */
#define WORKERS_ROOM_MIN 64
#define WORKERS_ROOM_MAX 1024
/* The API has about fifty rows; ENSURE below says when it has more. */
#define ROUTES_MAX 256

/* The descriptors of many connections; the hard limit is the administrator's word. Not fatal: the
 * dispatcher admits as many connections as there are descriptors for. */
static void raise_limits(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &r) != 0)
            LOG(LOG_LEVEL_WARN, "master.limit_failed", F_STR("reason", strerror(errno)));
    }
}

/* Who to become: an account by its name, or a uid, which need not have an account. */
struct master_user {
    const char *name; /* NULL: no account */
    uid_t uid;
    gid_t gid;
};

/* A number needs no account: containers run under ids that no file names. */
static bool master_setup_find_user(const char *text, struct master_user *out)
{
    int64_t uid;
    const bool number = num_range(str_of(text), 1, UINT32_MAX - 1, &uid);
    // cppcheck-suppress getpwnamCalled ; single-threaded
    // cppcheck-suppress getpwuidCalled
    const struct passwd *p = number ? getpwuid((uid_t)uid) : getpwnam(text);
    *out = (struct master_user){.uid = number ? (uid_t)uid : 0, .gid = number ? (gid_t)uid : 0};
    if (p)
        *out = (struct master_user){p->pw_name, p->pw_uid, p->pw_gid};
    return p || number;
}

/* setuid(0) must fail afterwards, or the change was not final. */
static bool master_setup_become(const struct master_user *u)
{
    const bool groups = u->name ? initgroups(u->name, u->gid) == 0 : setgroups(0, NULL) == 0;
    return groups && setgid(u->gid) == 0 && setuid(u->uid) == 0 && setuid(0) != 0;
}

static bool drop_privileges(struct master *m)
{
    const char *user = m->cfg->server.user;
    const bool named = user && *user;
    struct master_user u;
    if (geteuid() != 0) {
        /* Not a fault: systemd's User= has changed the account already. */
        if (named && !(master_setup_find_user(user, &u) && u.uid == geteuid()))
            LOG(LOG_LEVEL_WARN, "master.user_ignored", F_STR("user", user),
                F_STR("reason", "not started as root"));
        return true;
    }
    if (!named) {
        LOG(LOG_LEVEL_WARN, "master.runs_as_root", F_STR("hint", "set server.user"));
        return true;
    }
    errno = 0;
    const bool found = master_setup_find_user(user, &u);
    if (found && u.uid != 0 && master_setup_become(&u))
        return true;
    LOG(LOG_LEVEL_ERROR, "master.user_refused", F_STR("user", user),
        F_STR("reason", !found  ? "no such user"
                        : errno ? strerror(errno)
                                : "is root"));
    m->exit_code = EX_CONFIG;
    return false;
}

/* Twice the workers: a reload runs both generations for a moment. */
static unsigned workers_room(const struct config *cfg)
{
    unsigned room = 2 * (unsigned)cfg->server.workers;
    if (room < WORKERS_ROOM_MIN)
        room = WORKERS_ROOM_MIN;
    return room < WORKERS_ROOM_MAX ? room : WORKERS_ROOM_MAX;
}

/*
 * libpq looks up the user's name and home when they are not set. Name services may read files and
 * open connections for that, which a confined child may not do; so it is done here, once.
 */
static bool settle_environment(void)
{
    const char *home = getenv("HOME"), *user = getenv("PGUSER");
    // cppcheck-suppress getpwuidCalled ; single-threaded
    const struct passwd *p = getpwuid(geteuid());
    bool good = true;
    if (!home || !*home)
        good = setenv("HOME", p && *p->pw_dir ? p->pw_dir : "/nonexistent", 1) == 0;
    if ((!user || !*user) && p)
        good = good && setenv("PGUSER", p->pw_name, 1) == 0;
    return good;
}

/* One mapping for everything, made before the first fork: no process can be without a part of
 * it. */
static bool make_shared(struct master *m)
{
    static struct metric_route routes[ROUTES_MAX]; /* borrowed by the registry for ever */
    struct master_providers p;
    const unsigned room = m->workers_room = workers_room(m->cfg);
    /* How many slots a number of workers makes is said only by scoreboard_init(); the size needs an
     * upper bound before. */
    const unsigned slots_bound = 2 * (room + COURIERS_MAX + ROLE_COUNT);
    master_describe_providers(m->cfg, &p);
    ENSURE(api_route_table.n <= ROUTES_MAX);
    for (size_t i = 0; i < api_route_table.n; i++) {
        const struct http_route *row = api_route_table.rows[i];
        routes[i] = (struct metric_route){http_method_names[row->method], row->pattern,
                                          row->success_status};
    }
    struct metrics_setup metrics = {.slots = slots_bound,
                                    .providers = p.names,
                                    .providers_n = m->cfg->providers_n,
                                    .provider_ops = p.ops,
                                    .provider_timeouts_ms = p.timeouts_ms,
                                    .routes = routes,
                                    .routes_n = api_route_table.n};
    if (!shm_init(scoreboard_size(room) + metrics_size(&metrics) + addrs_size() + db_shared_size() +
                  ext_shared_size(m->cfg) + protocol_shared_size(slots_bound) +
                  master_state_size() + conditions_size() + monitor_shared_size() +
                  courier_board_size(slots_bound)))
        return false;
    scoreboard_init(room);
    metrics.slots = scoreboard_slots();
    ENSURE(metrics.slots <= slots_bound);
    metrics_init(&metrics);
    addrs_init(ROLE_BIT(ROLE_RESOLVER));
    db_shared_init();
    (void)master_register_names(m->cfg);
    master_use_config(m, m->cfg);
    protocol_shared_init(scoreboard_slots());
    master_state_init();
    conditions_init();
    monitor_shared_init();
    courier_board_init();
    scoreboard_attach(scoreboard_first(ROLE_MASTER));
    metrics_attach(scoreboard_first(ROLE_MASTER));
    return true;
}

bool master_setup(struct master *m)
{
    m->exit_code = 1;
    raise_limits();
    /* Once for all processes: what reads files when it is first used is used here. */
    /* The time zone's file, jansson's seed: a confined child could not read them any more. */
    tzset();
    json_object_seed(0);
    if (!master_listen(m) || !drop_privileges(m))
        return false;
    if (!confine_basics() || !settle_environment()) {
        LOG(LOG_LEVEL_ERROR, "master.privileges_failed", F_STR("reason", strerror(errno)));
        return false;
    }
    if (!confine_prepare(m->cfg))
        return false;
    if (!make_shared(m)) {
        LOG(LOG_LEVEL_ERROR, "master.shared_memory_failed", F_STR("reason", strerror(errno)));
        return false;
    }
    if (pipe2(m->parent_pipe, O_CLOEXEC) != 0 || !wake_init()) {
        LOG(LOG_LEVEL_ERROR, "master.pipe_failed", F_STR("reason", strerror(errno)));
        return false;
    }
    m->exit_code = 0;
    return true;
}
