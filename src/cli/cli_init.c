/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * `bookingd init`: from an empty PostgreSQL to a service that can be started. Secrets and a
 * configuration beside each other, two roles, a database, the schema, the first key of staff.
 *
 * Each step first looks whether it is done, so that a run that was interrupted goes on with the
 * next one, and a repeat changes nothing. Passwords are written to their files before the server
 * has them: a run that ends in between finds them there.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli_init_files.h"
#include "db/db_setup.h"
#include "svc/staff.h"

#define SERVER_MS 30000 /* a connection and a new database, which copies template0 */
#define KEY_MS 15000    /* as for staff-key */
#define OWNER "bookingd_owner"
#define SERVING "bookingd"
#define DATABASE "bookingd"
#define FIRST_KEY "owner"
#define SUPERUSER_ACCOUNT "postgres" /* Debian's, whose socket asks who connects (peer) */

/* What the steps hand on to each other. */
struct init {
    struct cli *c;
    const char *superuser_url; /* NULL: the local socket */
    const char *dir;           /* of the configuration */
    struct arena *arena;
    struct cli_session server; /* of the superuser */
    struct db_setup setup;
    struct db_setup_place place;
    struct db_setup_url superuser;
    bool changed;
};

/* On stderr: stdout is for the staff key alone. `changed` decides what the last line says. */
static void init_say(struct init *in, const char *what, const char *name, bool made)
{
    in->changed |= made;
    cli_error("%s %s: %s", what, name, made ? "made" : "was there");
}

/* ---- the server ---- */

/* Debian lets the account postgres in through the socket, and nobody else. The socket shows who
 * connects at that moment, so root becomes postgres for it and is root again behind it; with a URL,
 * the account of its role. seteuid(2) and not setuid(2): the files that come next are root's to
 * make. */
static enum err init_look(struct init *in)
{
    if (in->superuser_url)
        cli_become_role(in->superuser_url);
    else if (geteuid() == 0)
        cli_become_account(SUPERUSER_ACCOUNT);
    enum err e = db_setup_look(&in->setup, &in->place);
    if (geteuid() != getuid() && e == ERR_OK)
        e = db_setup_look_at_rules(&in->setup, &in->place);
    cli_become_root();
    return geteuid() == getuid() ? e : ERR_INTERNAL;
}

/* The report's own sentence and hint, then what to try when the server could not be reached or
 * refused. */
static int init_fail(enum err e, const struct db_migrate_report *report)
{
    if (report->fault)
        cli_error("%s", report->fault);
    if (report->hint)
        cli_error("hint: %s", report->hint);
    if (e != ERR_FORBIDDEN && e != ERR_DB_UNAVAILABLE)
        return e == ERR_DB_SCHEMA ? EX_CONFIG : cli_failed(e);
    cli_error("run this as root on the database's machine, or give --superuser-url "
              "postgresql://postgres:...@HOST/postgres");
    return e == ERR_FORBIDDEN ? EX_CONFIG : EX_UNAVAILABLE;
}

/* Where the server takes no passwords, the owner of the tables needs an account as well. */
static int init_check_accounts(const struct init *in)
{
    // cppcheck-suppress getpwnamCalled ; single-threaded
    if (!in->place.peer || (getpwnam(SERVING) && getpwnam(OWNER)))
        return CLI_GO_ON;
    cli_error("this PostgreSQL takes no passwords, it asks for accounts (peer): make " SERVING
              " and " OWNER " with systemd-sysusers or useradd --system, or let its pg_hba.conf "
              "have a line: host all all 127.0.0.1/32 scram-sha-256");
    return EX_CONFIG;
}

/* Reached before anything is written: a wrong URL or a missing right changes nothing. */
static int init_open_server(struct init *in)
{
    struct config_report *none;
    struct config *cfg = config_load(NULL, &none); /* defaults: there may be no file yet */
    if (!cfg)
        return 1;
    /* The database postgres is there from the start; ours is made in this session. */
    cfg->database.url = in->superuser_url ? in->superuser_url : "dbname=postgres";
    if (!db_setup_read_url(in->arena, cfg->database.url, &in->superuser)) {
        config_free(cfg);
        return cli_usage(in->c->command, "--superuser-url is not a URL that libpq reads");
    }
    int code = cli_session_start(&in->server, cfg, CLI_ANY_SCHEMA, SERVER_MS);
    if (code != CLI_GO_ON)
        return code;
    in->setup = (struct db_setup){in->server.svc.db, in->arena, in->server.svc.deadline, {0}};
    enum err e = init_look(in);
    return e == ERR_OK ? init_check_accounts(in) : init_fail(e, &in->setup.report);
}

/* ---- files ---- */

/* False after a fault, which was told. */
static bool init_make_file(struct init *in, const char *name, enum init_reader reader,
                           const char *text)
{
    const char *path = arena_printf(in->arena, "%s/%s", in->dir, name);
    enum init_file f = init_file_make(path, reader, text);
    if (f != INIT_FILE_FAILED)
        init_say(in, "file", path, f == INIT_FILE_MADE);
    return f != INIT_FILE_FAILED;
}

/* A socket's directory is a parameter: in the place of a host it would have to be escaped. By
 * account (peer) there is no password, and none in the server. */
static const char *init_url(struct init *in, const char *role)
{
    const char *host = in->place.host, *sslmode = in->superuser.sslmode;
    /* An IPv6 address has colons of its own, so it stands in brackets (RFC 3986 §3.2.2). */
    const bool socket = host[0] == '/', v6 = strchr(host, ':') != NULL;
    const char *colon = in->place.peer ? "" : ":",
               *password = in->place.peer ? "" : init_secret(in->arena);
    return arena_printf(in->arena, "postgresql://%s%s%s@%s%s%s:%s/" DATABASE "%s%s%s%s\n", role,
                        colon, password, v6 ? "[" : "", socket ? "" : host, v6 ? "]" : "",
                        in->place.port, socket ? "?host=" : "", socket ? host : "",
                        !sslmode ? ""
                        : socket ? "&sslmode="
                                 : "?sslmode=",
                        sslmode ? sslmode : "");
}

/* A configuration that is there names its own secrets: none are made beside it. */
static int init_make_files(struct init *in)
{
    struct stat st;
    if (stat(in->c->config_path, &st) == 0) {
        init_say(in, "file", in->c->config_path, false);
        return CLI_GO_ON;
    }
    if (!init_directory(in->dir)) {
        cli_error("cannot make %s: %s", in->dir, strerror(errno));
        return 1;
    }
    const char *secret = arena_printf(in->arena, "%s\n", init_secret(in->arena));
    if (!init_make_file(in, "otp-secret", INIT_FOR_SERVICE, secret) ||
        !init_make_file(in, "database-url", INIT_FOR_SERVICE, init_url(in, SERVING)) ||
        !init_make_file(in, "migrate-url", INIT_FOR_ROOT, init_url(in, OWNER)))
        return 1;
    enum init_file f =
        init_file_make(in->c->config_path, INIT_FOR_GROUP, init_configuration_text());
    if (f != INIT_FILE_FAILED)
        init_say(in, "file", in->c->config_path, f == INIT_FILE_MADE);
    return f == INIT_FILE_FAILED ? 1 : CLI_GO_ON;
}

/* ---- the database ---- */

/* With the password that is in the URL's file; a role that exists keeps its own. */
static enum err init_make_role(struct init *in, const struct db_setup_url *url)
{
    struct db_setup_role role = {.name = url->user ? url->user : SERVING,
                                 .password = url->password};
    enum err e = db_setup_make_role(&in->setup, &role);
    if (e == ERR_OK)
        init_say(in, "role", role.name, role.made);
    return e;
}

/* By what the configuration says, whoever wrote it. Without migrate_url one role does both. */
static int init_make_database(struct init *in, const struct config *cfg, const char **serving)
{
    const char *owner_text = cfg->database.migrate_url && *cfg->database.migrate_url
                                 ? cfg->database.migrate_url
                                 : cfg->database.url;
    struct db_setup_url url, owner;
    bool made = false;
    if (!db_setup_read_url(in->arena, cfg->database.url, &url) ||
        !db_setup_read_url(in->arena, owner_text, &owner))
        return EX_CONFIG;
    const char *name = url.database ? url.database : DATABASE,
               *owner_name = owner.user ? owner.user : SERVING;
    *serving = url.user ? url.user : SERVING;
    if (strcmp(*serving, owner_name) == 0)
        *serving = NULL;
    enum err e = *serving ? init_make_role(in, &owner) : ERR_OK;
    if (e == ERR_OK)
        e = init_make_role(in, &url);
    if (e == ERR_OK)
        e = db_setup_make_database(&in->setup, name, owner_name, &made);
    if (e != ERR_OK)
        return init_fail(e, &in->setup.report);
    init_say(in, "database", name, made);
    return CLI_GO_ON;
}

/* With the same code as `bookingd migrate`. */
static int init_make_schema(struct init *in)
{
    const char *serving = NULL;
    struct config *cfg = cli_config(in->c, true);
    if (!cfg)
        return EX_CONFIG;
    int code = init_make_database(in, cfg, &serving);
    config_free(cfg);
    /* One session at a time: each has shared memory with the addresses of its own hosts. */
    cli_session_close(&in->server);
    if (code != CLI_GO_ON)
        return code;
    bool migrated = false;
    code = cli_migrate_for_init(in->c, serving, &migrated);
    in->changed |= migrated;
    return code == 0 ? CLI_GO_ON : code;
}

/* ---- the first key ---- */

/* A key for all venues that is not revoked. */
static bool init_has_admin(const struct staff_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!keys[i].revoked && !keys[i].venue_id && strcmp(keys[i].role, "admin") == 0)
            return true;
    return false;
}

/* Alone on stdout: it is shown this once. A name that was used is never used again, so whoever
 * revoked the first key makes the next one with staff-key. */
static int init_make_key(struct init *in)
{
    const struct staff_key *keys;
    const char *key;
    struct cli_session s;
    size_t n;
    int code = cli_session_open(&s, in->c, CLI_DATABASE, KEY_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = staff_key_list(&s.svc, &keys, &n);
    const bool there = e == ERR_OK && init_has_admin(keys, n);
    if (e == ERR_OK && !there)
        e = staff_key_create(&s.svc, FIRST_KEY, STAFF_ADMIN, NULL, &key);
    if (e == ERR_OK)
        init_say(in, "staff key", there ? "of an admin" : FIRST_KEY " (on standard output)",
                 !there);
    if (e == ERR_OK && !there)
        puts(key);
    if (e == ERR_STAFF_KEY_EXISTS)
        cli_error("the key '" FIRST_KEY
                  "' was revoked, and there is no other of an admin: bookingd "
                  "staff-key create --name NAME --role admin");
    code = e == ERR_OK ? cli_done() : e == ERR_STAFF_KEY_EXISTS ? 1 : cli_failed(e);
    cli_session_close(&s);
    return code == 0 ? CLI_GO_ON : code;
}

/* Each step returns CLI_GO_ON, or the exit code of the command. */
static int init_run(struct init *in)
{
    /* The key comes last: it needs the schema, and whoever sees it knows that all went well. */
    static int (*const steps[])(struct init *) = {init_open_server, init_make_files,
                                                  init_make_schema, init_make_key};
    int code = CLI_GO_ON;
    for (size_t i = 0; i < ARRAY_LEN(steps) && code == CLI_GO_ON; i++)
        code = steps[i](in);
    cli_session_close(&in->server);
    if (code != CLI_GO_ON)
        return code;
    if (!in->changed)
        cli_error("nothing to do: everything was there");
    cli_error("next: name a provider in %s, then: systemctl enable --now bookingd (or: bookingd -c "
              "%s serve)",
              in->c->config_path, in->c->config_path);
    return 0;
}

/* Files go where the configuration is: the path after -c, else the default. */
int cli_init(struct cli *c)
{
    const char *url = NULL;
    const struct cli_option options[] = {{.name = "superuser-url", .value = &url}, CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    /* A few paths and URLs: one chunk holds them all. */
    struct init in = {.c = c, .superuser_url = url, .arena = arena_new(16 * 1024)};
    if (!in.arena) {
        cli_error("out of memory");
        return 1;
    }
    const char *slash = strrchr(c->config_path, '/');
    in.dir = !slash ? "."
                    : arena_strndup(in.arena, c->config_path,
                                    slash == c->config_path ? 1 : (size_t)(slash - c->config_path));
    code = init_run(&in);
    arena_free(in.arena);
    return code;
}
