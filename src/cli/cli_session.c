/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What commands that work on the database share: configuration, connection, and providers when
 * something is to be sent. It builds in one process what the master, the resolver and a worker
 * build together.
 */
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/url.h"
#include "cli_priv.h"
#include "db/db_fit.h"
#include "db/db_setup.h"
#include "db/db_url.h"
#include "ext/ext_client.h"
#include "ext/ext_shared.h"
#include "sys/addrs.h"
#include "sys/log.h"
#include "sys/shm.h"

/* A list of 1000 notifications takes several chunks, a single change one. */
#define ARENA_CHUNK ((size_t)64 * 1024)
#define SHM_SLACK ((size_t)4096) /* alignment of the parts */

/* Frees the report, so that callers can return what this returns. */
struct config *cli_config_refused(const struct cli *c, struct config_report *report)
{
    config_report_print(report, c->config_path, stderr);
    config_report_free(report);
    return NULL;
}

/* Faults are printed here, so that a command only has to return EX_CONFIG. */
struct config *cli_config(const struct cli *c, bool offline)
{
    struct config_report *report;
    struct config *cfg = offline ? config_load_offline(c->config_path, &report)
                                 : config_load(c->config_path, &report);
    return cfg ? cfg : cli_config_refused(c, report);
}

/* Does once what the daemon's resolver does all the time. getaddrinfo() may block for its own time
 * limits. A command may wait; a worker may not. */
static void session_resolve(unsigned i)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct addrs_result found = {.n = 0};
    int rc = getaddrinfo(addrs_name(i), NULL, &hints, &list);
    for (const struct addrinfo *a = rc == 0 ? list : NULL; a && found.n < ADDRS_PER_NAME;
         a = a->ai_next)
        if (getnameinfo(a->ai_addr, a->ai_addrlen, found.text[found.n], ADDR_TEXT_MAX, NULL, 0,
                        NI_NUMERICHOST) == 0)
            found.n++;
    if (rc == 0)
        freeaddrinfo(list);
    if (found.n)
        addrs_store(i, &found);
    else
        cli_error("cannot resolve %s: %s", addrs_name(i), rc ? gai_strerror(rc) : "no address");
}

/* Names of providers are looked up only when something will be sent: a list must work without
 * DNS. */
static void session_open_addresses(const struct config *cfg, bool providers)
{
    char host[256];
    addrs_init(SHM_ANYBODY);
    db_register_hosts(cfg->database.url);
    for (size_t i = 0; providers && i < cfg->providers_n; i++)
        if (url_host(cfg->providers[i].base_url, host, sizeof host))
            addrs_register(host);
    for (unsigned i = 0; i < addrs_count(); i++)
        session_resolve(i);
    addrs_set_first_pass();
}

/* Addresses before the database: its host is looked up there, as a worker does. The shared parts
 * have no master here, so this process makes them. */
static bool session_open_parts(struct cli_session *s, enum cli_needs needs)
{
    bool providers = needs == CLI_PROVIDERS || needs == CLI_NO_DATABASE;
    s->arena = s->svc.arena = arena_new(ARENA_CHUNK);
    s->shared =
        /* Shared memory of a process that shares it with nobody: breakers and addresses live
         * there. */
        s->arena && shm_init(addrs_size() + (providers ? ext_shared_size(s->cfg) : 0) + SHM_SLACK);
    if (!s->shared)
        return false;
    session_open_addresses(s->cfg, providers);
    s->svc.db = db_new(s->cfg);
    if (providers) {
        ext_shared_init(s->cfg, 0);
        s->svc.ext = ext_new(s->cfg);
    }
    return s->svc.db && (!providers || s->svc.ext);
}

/* A socket and no password from anywhere that libpq looks. */
static bool session_is_by_account(struct arena *a, const struct db_setup_url *url)
{
    const char *host = url->host ? url->host : getenv("PGHOST"), *home = getenv("HOME");
    if (url->hostaddr || getenv("PGHOSTADDR") || (host && host[0] && host[0] != '/'))
        return false;
    if (url->password || url->passfile || getenv("PGPASSWORD") || getenv("PGPASSFILE"))
        return false;
    return access(arena_printf(a, "%s/.pgpass", home ? home : "/root"), F_OK) != 0;
}

void cli_become_account(const char *name)
{
    // cppcheck-suppress getpwnamCalled ; single-threaded
    const struct passwd *p = getpwnam(name);
    if (p && seteuid(p->pw_uid) != 0)
        cli_error("cannot become the account %s: %s", name, strerror(errno));
}

/* The server's socket asks whose process connects (peer), and root is no role. */
void cli_become_role(const char *conninfo)
{
    struct db_setup_url url;
    struct arena *a = geteuid() == 0 ? arena_new(4096) : NULL;
    if (a && db_setup_read_url(a, conninfo, &url) && url.user && session_is_by_account(a, &url))
        cli_become_account(url.user);
    arena_free(a);
}

void cli_become_root(void)
{
    if (getuid() == 0 && geteuid() != 0 && seteuid(0) != 0)
        cli_error("cannot take root's rights again: %s", strerror(errno));
}

enum err cli_session_connect(struct svc *s, struct deadline d)
{
    db_require_schema(s->db, true);
    cli_become_role(s->cfg->database.url);
    const enum err e = db_connect(s->db, d);
    cli_become_root(); /* files of providers may be root's alone */
    return e;
}

/* Takes cfg over. On failure everything is closed and the reason is printed; the caller only
 * returns the code. */
int cli_session_start(struct cli_session *s, struct config *cfg, enum cli_needs needs, int64_t ms)
{
    *s = (struct cli_session){.cfg = cfg};
    /* Results go to stdout; records below a warning would only disturb on a terminal. */
    log_init((enum log_format)s->cfg->log.format, LOG_LEVEL_WARN);
    s->svc.cfg = s->cfg;
    /* Rows of history and audit need one. */
    s->svc.request_id = "command-line";
    if (!session_open_parts(s, needs)) {
        cli_error("out of memory");
        cli_session_close(s);
        return 1;
    }
    s->svc.deadline = deadline_in_ms(ms);
    /* Such a command connects by itself: it wants to say what is wrong with the database. */
    if (needs == CLI_ANY_SCHEMA || needs == CLI_NO_DATABASE)
        return CLI_GO_ON;
    /* A command of another version could write rows that the daemon does not understand. */
    enum err e = cli_session_connect(&s->svc, s->svc.deadline);
    if (e == ERR_OK)
        return CLI_GO_ON;
    int code = e == ERR_DB_SCHEMA ? EX_CONFIG : cli_failed(e);
    if (e == ERR_DB_SCHEMA)
        cli_error("%s; run '%s'", db_unfit(s->svc.db)->sentence, db_unfit(s->svc.db)->command);
    cli_session_close(s);
    return code;
}

int cli_session_open(struct cli_session *s, const struct cli *c, enum cli_needs needs, int64_t ms)
{
    struct config *cfg = cli_config(c, needs < CLI_PROVIDERS);
    if (!cfg)
        return EX_CONFIG;
    /* Only the owner may change tables. An empty URL is a file that this account could not read. */
    if (needs == CLI_ANY_SCHEMA && cfg->database.migrate_url) {
        if (*cfg->database.migrate_url == '\0') {
            cli_error("%s: database.migrate_url: this account may not read its file; run this as "
                      "root",
                      c->config_path);
            config_free(cfg);
            return EX_CONFIG;
        }
        cfg->database.url = cfg->database.migrate_url;
    }
    /* The first statement connects, and nothing else needs root. */
    if (needs == CLI_ANY_SCHEMA)
        cli_become_role(cfg->database.url);
    return cli_session_start(s, cfg, needs, ms);
}

/* In the opposite order of opening, and also for a session that was opened in part. */
void cli_session_close(struct cli_session *s)
{
    if (s->svc.ext)
        ext_free(s->svc.ext);
    if (s->svc.db)
        db_free(s->svc.db);
    arena_free(s->arena);
    if (s->shared)
        shm_fini();
    cli_become_root();
    config_free(s->cfg);
    *s = (struct cli_session){.cfg = NULL};
}

/* Exit codes of sysexits.h, as BEHAVIOUR §8 lists them. */
int cli_failed(enum err e)
{
    static const struct {
        enum err err;
        int code;
        const char *text;
    } rows[] = {
        {ERR_DB_UNAVAILABLE, EX_UNAVAILABLE, "the database does not answer"},
        {ERR_DEADLINE, EX_UNAVAILABLE, "the database did not answer in time"},
        {ERR_COMMIT_UNKNOWN, EX_UNAVAILABLE,
         "the connection was lost during the commit: check whether it was done before you repeat "
         "it"},
        {ERR_DB_SCHEMA, EX_CONFIG, "the schema does not fit this version; run 'bookingd migrate'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].err == e) {
            cli_error("%s", rows[i].text);
            return rows[i].code;
        }
    cli_error("failed: %s", err_code(e));
    return 1;
}
