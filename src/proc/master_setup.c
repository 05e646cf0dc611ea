/* What the master does once, before the first fork: sockets, shared memory, limits, privileges. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/ensure.h"
#include "db/db.h"
#include "ext/ext_client.h"
#include "master_priv.h"
#include "proc/handover.h"
#include "sys/addrs.h"
#include "sys/board.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "sys/net.h"
#include "sys/shm.h"

#define MONITOR_BACKLOG 64
#define ALIGN_SPARE 4096 /* every part of the shared memory is rounded up to 64 bytes */

static bool refuse_listen(struct master *m, const struct listen_addr *at, const char *why, int code)
{
    LOG(LOG_ERROR, "master.listen_failed", F_STR("listen", at->text), F_STR("why", why));
    m->exit_code = code;
    return false;
}

static void say_listening(const char *what, int fd)
{
    char name[160];
    LOG(LOG_INFO, "master.listening", F_STR("for", what), F_STR("at", net_local_name(fd, name, sizeof(name))));
}

/* Sockets passed by systemd: those of that name; for the API also unnamed ones, so that a plain unit just works. */
static size_t passed(const char *name, int *fds, size_t max)
{
    int n = net_systemd_fds(name, fds, (int)max);
    if (n == 0 && strcmp(name, "http") == 0 && net_systemd_fds("metrics", fds, (int)max) == 0)
        n = net_systemd_fds(NULL, fds, (int)max);
    return n > 0 ? (size_t)n : 0;
}

static bool listen_one(struct master *m, const struct listen_addr *at)
{
    const char *why = "too many sockets";
    size_t room = LISTEN_MAX - m->listen_n;
    if (at->kind == LISTEN_SYSTEMD) {
        size_t n = passed("http", &m->listen_fds[m->listen_n], room);
        if (n == 0)
            return refuse_listen(m, at, "systemd passed no socket named http", EXIT_CONFIG_CODE);
        for (size_t i = 0; i < n; i++)
            say_listening("http", m->listen_fds[m->listen_n + i]);
        m->listen_n += n;
        return true;
    }
    int fd = room > 0 ? net_listen(at, (int)m->cfg->server.backlog, &why) : -1;
    if (fd < 0)
        return refuse_listen(m, at, why, 1);
    m->listen_fds[m->listen_n++] = fd;
    say_listening("http", fd);
    return true;
}

static bool bind_all(struct master *m)
{
    for (size_t i = 0; i < m->cfg->server.listen_n; i++) {
        if (!listen_one(m, &m->cfg->server.listen[i]))
            return false;
    }
    /* A socket that systemd passed under that name stands in for monitor.listen. */
    if (passed("metrics", &m->monitor_fd, 1) == 0) {
        const char *why = "";
        m->monitor_fd = net_listen(&m->cfg->monitor.listen, MONITOR_BACKLOG, &why);
        if (m->monitor_fd < 0)
            return refuse_listen(m, &m->cfg->monitor.listen, why, 1);
    }
    say_listening("metrics", m->monitor_fd);
    return true;
}

static void unlink_path(const struct listen_addr *at)
{
    if (at->kind == LISTEN_UNIX && unlink(at->path) != 0 && errno != ENOENT)
        LOG(LOG_WARN, "master.unlink_failed", F_STR("path", at->path), F_STR("why", strerror(errno)));
}

void master_close_listeners(struct master *m)
{
    for (size_t i = 0; i < m->listen_n; i++)
        close(m->listen_fds[i]);
    if (m->listen_n > 0) {
        for (size_t i = 0; i < m->cfg->server.listen_n; i++)
            unlink_path(&m->cfg->server.listen[i]);
    }
    m->listen_n = 0;
}

/* The descriptors of many connections; the hard limit is the administrator's word. */
static void raise_limits(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &r) != 0)
            LOG(LOG_WARN, "master.limit_failed", F_STR("why", strerror(errno)));
    }
}

static bool drop_privileges(struct master *m)
{
    const char *user = m->cfg->server.user;
    if (geteuid() != 0)
        return true;
    if (!user || !*user) {
        LOG(LOG_WARN, "master.runs_as_root", F_STR("hint", "set server.user"));
        return true;
    }
    errno = 0;
    const struct passwd *p = getpwnam(user);
    if (p && p->pw_uid != 0 && initgroups(user, p->pw_gid) == 0 && setgid(p->pw_gid) == 0 && setuid(p->pw_uid) == 0 &&
        setuid(0) != 0)
        return true;
    LOG(LOG_ERROR, "master.user_refused", F_STR("user", user),
        F_STR("why", !p      ? "no such user"
                     : errno ? strerror(errno)
                             : "is root"));
    m->exit_code = EXIT_CONFIG_CODE;
    return false;
}

/* "https://[::1]:8443/x" -> "::1"; hosts that are names are then looked up by the resolver. */
static void register_url_host(const char *url)
{
    const char *p = strstr(url, "://");
    p = p ? p + 3 : url;
    bool bracket = *p == '[';
    p += bracket;
    size_t n = strcspn(p, bracket ? "]" : ":/");
    char host[256];
    if (n == 0 || n >= sizeof(host))
        return;
    memcpy(host, p, n);
    host[n] = '\0';
    addrs_register(host);
}

static void register_names(const struct config *cfg)
{
    for (size_t i = 0; i < cfg->providers_n; i++)
        register_url_host(cfg->providers[i].base_url);
    db_register_hosts(cfg->database.url);
}

/* The registry borrows names and routes for ever, so they live as long as the master. False: no memory. */
static bool describe_metrics(const struct config *cfg, struct metrics_setup *setup)
{
    const char **providers = calloc(cfg->providers_n + 1, sizeof(*providers));
    struct metric_route *routes = calloc(api_routes_n + 1, sizeof(*routes));
    uint32_t *ops = calloc(cfg->providers_n + 1, sizeof(*ops));
    int64_t *timeouts_ms = calloc(cfg->providers_n + 1, sizeof(*timeouts_ms));
    if (!providers || !routes || !ops || !timeouts_ms) {
        free(timeouts_ms);
        free(ops);
        free(providers);
        free(routes);
        return false;
    }
    for (size_t i = 0; i < cfg->providers_n; i++) {
        providers[i] = cfg->providers[i].name;
        ops[i] = cfg->providers[i].type == PROVIDER_MOYASAR ? METRIC_OPS_PAYMENT : METRIC_OPS_SMS;
        timeouts_ms[i] = cfg->providers[i].timeout_ms;
    }
    for (size_t i = 0; i < api_routes_n; i++)
        routes[i] = (struct metric_route){http_method_names[api_routes[i]->method], api_routes[i]->pattern,
                                          api_routes[i]->success_status};
    setup->providers = providers;
    setup->providers_n = cfg->providers_n;
    setup->provider_ops = ops;
    setup->provider_timeouts_ms = timeouts_ms;
    setup->routes = routes;
    setup->routes_n = api_routes_n;
    return true;
}

static bool make_shared(const struct config *cfg)
{
    static struct metrics_setup metrics;
    const unsigned workers = (unsigned)cfg->server.workers;
    /* How many slots a number of workers makes is said only by board_init(); the size needs an upper bound before. */
    const unsigned slots_bound = 2 * (workers + ROLE_COUNT);
    metrics.slots = slots_bound;
    if (!describe_metrics(cfg, &metrics) ||
        !shm_init(board_size(workers) + metrics_size(&metrics) + addrs_size() + ext_shared_size(cfg) +
                  handover_shared_size(slots_bound) + ALIGN_SPARE))
        return false;
    board_init(workers);
    metrics.slots = board_slots();
    ENSURE(metrics.slots <= slots_bound);
    metrics_init(&metrics);
    addrs_init();
    register_names(cfg);
    ext_shared_init(cfg, board_slots());
    handover_shared_init(board_slots());
    board_attach(board_first(ROLE_MASTER));
    metrics_attach(board_first(ROLE_MASTER));
    return true;
}

bool master_setup(struct master *m)
{
    m->exit_code = 1;
    raise_limits();
    if (!bind_all(m) || !drop_privileges(m))
        return false;
    if (!make_shared(m->cfg)) {
        LOG(LOG_ERROR, "master.shared_memory_failed", F_STR("why", strerror(errno)));
        return false;
    }
    if (pipe2(m->life, O_CLOEXEC) != 0) {
        LOG(LOG_ERROR, "master.pipe_failed", F_STR("why", strerror(errno)));
        return false;
    }
    m->exit_code = 0;
    return true;
}
