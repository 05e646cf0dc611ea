/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The master's listening sockets. Called by master_setup.c at the start and by master_reload.c. One
 * that stays over a reload is never closed: clients in its queue would be reset.
 *
 * A place is told by its key, the text of its address. `wanted` is what the configuration in force
 * asks for, `wanted_next` what the one that is being tried asks for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/ensure.h"
#include "master_priv.h"
#include "sys/log.h"
#include "sys/net.h"

/* Few scrapers; the API's backlog is configured. */
#define MONITOR_BACKLOG 64
/* A unix path (107 bytes) or an IPv6 address and its port, with room. */
#define KEY_MAX 160
static const char systemd_key[] = "systemd";

/* Two spellings of one address have the same key, so a reload that only respells it changes
 * nothing. */
static const char *key_of(const struct listen_addr *at, char *buf, size_t size)
{
    if (at->kind == LISTEN_SYSTEMD)
        return systemd_key;
    if (at->kind == LISTEN_UNIX)
        (void)snprintf(buf, size, "unix:%s", at->path);
    else
        (void)snprintf(buf, size, "[%s]:%u", at->host, (unsigned)at->port);
    return buf;
}

/* The address as the kernel has it: with port 0 this line is the only place that says which port it
 * is. */
static void say_listening(const char *what, int fd)
{
    char name[KEY_MAX];
    LOG(LOG_LEVEL_INFO, "master.listening", F_STR("for", what),
        F_STR("at", net_local_name(fd, name, sizeof(name))));
}

/* Forgets the row only; whether the descriptor is closed is the caller's decision. */
static void master_listen_close_socket(struct listener *l)
{
    free(l->key);
    free(l->path);
    *l = (struct listener){.fd = -1};
}

/* The file of a unix socket goes with it: a client would otherwise find a socket that refuses.
 * systemd's sockets are its own. */
static void close_listener(struct listener *l)
{
    if (l->from_systemd)
        return;
    if (l->fd >= 0)
        close(l->fd);
    if (l->path && unlink(l->path) != 0 && errno != ENOENT)
        LOG(LOG_LEVEL_WARN, "master.unlink_failed", F_STR("path", l->path),
            F_STR("reason", strerror(errno)));
    master_listen_close_socket(l);
}

/* Copies of the texts: the configuration that they come from is freed after the next reload. */
static bool master_listen_fill_row(struct listener *l, int fd, const struct listen_addr *at,
                                   const char *key)
{
    *l =
        (struct listener){.fd = fd, .key = strdup(key), .from_systemd = at->kind == LISTEN_SYSTEMD};
    if (at->kind == LISTEN_UNIX)
        l->path = strdup(at->path);
    return l->key && (at->kind != LISTEN_UNIX || l->path);
}

/* Sockets passed by systemd: those of that name; for the API also unnamed ones, so that a plain
 * unit just works. */
static size_t listen_from_systemd(const char *name, int *fds, size_t max)
{
    int n = net_systemd_fds(name, fds, (int)max);
    if (n == 0 && strcmp(name, "http") == 0 && net_systemd_fds("metrics", fds, (int)max) == 0)
        n = net_systemd_fds(NULL, fds, (int)max);
    return n > 0 ? (size_t)n : 0;
}

/* A place keeps its number as long as its socket lives: the dispatcher knows sockets by it. */
static struct listener *free_place(struct master *m)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (m->listeners[i].fd < 0)
            return &m->listeners[i];
    }
    return NULL;
}

/* Takes fd. */
static bool master_listen_add_socket(struct master *m, int fd, const struct listen_addr *at,
                                     const char *key, const char **reason)
{
    struct listener *l = free_place(m);
    if (l && master_listen_fill_row(l, fd, at, key)) {
        l->wanted_next = true;
        say_listening("http", fd);
        return true;
    }
    *reason = l ? "out of memory" : "too many sockets";
    if (l)
        master_listen_close_socket(l);
    if (at->kind != LISTEN_SYSTEMD)
        close(fd);
    return false;
}

/* All sockets that systemd passed share one key: they come and go together. */
static bool add_passed(struct master *m, const struct listen_addr *at, const char **reason)
{
    int fds[LISTENERS_MAX];
    const size_t n = listen_from_systemd("http", fds, LISTENERS_MAX);
    *reason = "systemd passed no socket named http";
    for (size_t i = 0; i < n; i++) {
        if (!master_listen_add_socket(m, fds[i], at, systemd_key, reason))
            return false;
    }
    return n > 0;
}

/* Marks the sockets that are there for this place. */
static bool master_listen_keep_socket(struct master *m, const char *key)
{
    bool found = false;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        struct listener *l = &m->listeners[i];
        if (l->fd < 0 || strcmp(l->key, key) != 0)
            continue;
        l->wanted_next = found = true;
    }
    return found;
}

/* A socket that is there already is kept, whatever its backlog was. */
static bool listen_one(struct master *m, const struct listen_addr *at, int backlog,
                       const char **reason)
{
    char buf[KEY_MAX];
    const char *key = key_of(at, buf, sizeof(buf));
    if (master_listen_keep_socket(m, key))
        return at->kind != LISTEN_UNIX || net_unix_own(at, reason);
    if (at->kind == LISTEN_SYSTEMD)
        return add_passed(m, at, reason);
    /* Bound before the new configuration is in force: an address that is taken refuses the
     * reload. */
    int fd = net_listen(at, backlog, reason);
    return fd >= 0 && master_listen_add_socket(m, fd, at, key, reason);
}

/*
 * A socket that systemd passed and nobody takes would let its clients wait for ever. *at: the first
 * place of server.listen, beside which the passed ones should stand.
 */
static bool master_listen_uses_all_passed(const struct config *cfg, const struct listen_addr **at,
                                          const char **reason)
{
    static const char unused[] = "systemd passed sockets that nothing listens on: say "
                                 "'server.listen: systemd', or stop bookingd.socket";
    int fds[LISTENERS_MAX];
    bool wanted = false;
    size_t taken = listen_from_systemd("metrics", fds, 1);
    for (size_t i = 0; i < cfg->server.listen_n; i++)
        wanted |= cfg->server.listen[i].kind == LISTEN_SYSTEMD;
    if (wanted)
        taken += listen_from_systemd("http", fds, LISTENERS_MAX);
    *at = &cfg->server.listen[0];
    *reason = unused;
    return (size_t)net_systemd_count() <= taken;
}

/* All that cfg wants becomes wanted_next. False: *at cannot be had. */
static bool listen_all(struct master *m, const struct config *cfg, const struct listen_addr **at,
                       const char **reason)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        m->listeners[i].wanted_next = false;
    if (!master_listen_uses_all_passed(cfg, at, reason))
        return false;
    for (size_t i = 0; i < cfg->server.listen_n; i++) {
        *at = &cfg->server.listen[i];
        if (!listen_one(m, *at, (int)cfg->server.backlog, reason))
            return false;
    }
    return true;
}

/* The monitor's socket is made by the master, so that scrapes wait in its queue while a monitor is
 * replaced. */
static bool listen_monitor(struct listener *l, const struct listen_addr *at, const char **reason)
{
    char buf[KEY_MAX];
    int fd = net_listen(at, MONITOR_BACKLOG, reason);
    if (fd < 0)
        return false;
    say_listening("metrics", fd);
    if (master_listen_fill_row(l, fd, at, key_of(at, buf, sizeof(buf))))
        return true;
    *reason = "out of memory";
    close_listener(l);
    return false;
}

/* Exit code 78 only where a restart cannot help: an address in use may be free in a moment. */
bool master_listen(struct master *m)
{
    const struct listen_addr *at = &m->cfg->monitor.listen;
    const char *reason = "";
    int fd;
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        m->listeners[i].fd = -1;
    m->monitor.fd = m->reload.monitor.fd = -1;
    bool good = listen_all(m, m->cfg, &at, &reason);
    if (good) {
        at = &m->cfg->monitor.listen;
        /* A socket that systemd passed under that name stands in for monitor.listen. */
        if (listen_from_systemd("metrics", &fd, 1) > 0) {
            m->monitor = (struct listener){.fd = fd, .from_systemd = true};
            say_listening("metrics", fd);
        } else {
            good = listen_monitor(&m->monitor, at, &reason);
        }
    }
    if (good) {
        master_listen_commit(m);
        return true;
    }
    LOG(LOG_LEVEL_ERROR, "master.listen_failed", F_STR("listen", at->text),
        F_STR("reason", reason));
    const bool lasting =
        at->kind == LISTEN_SYSTEMD || !master_listen_uses_all_passed(m->cfg, &at, &reason);
    m->exit_code = lasting ? EX_CONFIG : 1;
    return false;
}

/* The old monitor goes on serving until the new configuration is in force. */
bool master_listen_next(struct master *m)
{
    const struct config *cfg = m->reload.cfg;
    const struct listen_addr *at = &cfg->monitor.listen;
    const char *reason = "";
    char buf[KEY_MAX];
    bool good = listen_all(m, cfg, &at, &reason);
    if (good) {
        at = &cfg->monitor.listen;
        const bool same =
            m->monitor.from_systemd || strcmp(m->monitor.key, key_of(at, buf, sizeof(buf))) == 0;
        good = same || listen_monitor(&m->reload.monitor, at, &reason);
    }
    if (!good)
        (void)snprintf(m->reload.fault, sizeof(m->reload.fault), "cannot listen on %s: %s",
                       at->text, reason);
    return good;
}

/* What was only bound for the refused configuration. */
void master_listen_undo(struct master *m)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (m->listeners[i].fd >= 0 && !m->listeners[i].wanted)
            close_listener(&m->listeners[i]);
    }
    if (m->reload.monitor.fd >= 0)
        close_listener(&m->reload.monitor);
}

/* Sockets are sent before the order to use them; the dispatcher keeps them by their number. */
bool master_listen_tell(struct master *m)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        struct listener *l = &m->listeners[i];
        if (l->fd < 0 || !l->wanted_next || l->announced)
            continue;
        const struct protocol_order o = {
            .what = PROTOCOL_LISTEN, .epoch = m->reload.epoch, .slot = i};
        if (!master_send(m, &o, NULL, l->fd))
            return false;
        l->announced = true;
    }
    return true;
}

/* After the switch: sockets that nobody wants any more are closed, the others get the new backlog
 * (listen(2) may be called again). */
void master_listen_commit(struct master *m)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        struct listener *l = &m->listeners[i];
        l->wanted = l->wanted_next;
        if (l->fd >= 0 && !l->wanted) {
            l->announced = false; /* the dispatcher has closed its copy */
            close_listener(l);
        } else if (l->fd >= 0 && !l->from_systemd) {
            (void)listen(l->fd, (int)m->cfg->server.backlog); /* it may be another number now */
        }
    }
    if (m->reload.monitor.fd < 0)
        return;
    close_listener(&m->monitor);
    m->monitor = m->reload.monitor;
    m->reload.monitor = (struct listener){.fd = -1};
}

/* A bit per place: LISTENERS_MAX is 32 at most. */
uint32_t master_listen_bits(const struct master *m)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        const struct listener *l = &m->listeners[i];
        bits |= l->fd >= 0 && l->wanted_next ? 1u << i : 0;
    }
    return bits;
}

/* systemd's sockets keep their queue for the next start, so the dispatcher must know them when
 * it stops accepting. */
uint32_t master_listen_systemd(const struct master *m)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        bits |= m->listeners[i].from_systemd ? 1u << i : 0;
    return bits;
}

/* For a new dispatcher, which inherits them and need not be told. */
void master_listen_fds(struct master *m, int fds[LISTENERS_MAX])
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        struct listener *l = &m->listeners[i];
        l->announced = l->fd >= 0 && l->wanted;
        fds[i] = l->announced ? l->fd : -1;
    }
}

/* Called when a stop begins: systemd may then hand its sockets to the next start. */
void master_close_listeners(struct master *m)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (m->listeners[i].from_systemd) {
            close(m->listeners[i].fd);
            master_listen_close_socket(&m->listeners[i]);
        } else if (m->listeners[i].fd >= 0) {
            close_listener(&m->listeners[i]);
        }
    }
}
