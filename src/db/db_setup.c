/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Roles and database of a new installation. Called by cli_init.c, with the connection of a
 * superuser.
 *
 * Names go into statements by the server's own format(), so that no text is quoted here. Passwords
 * leave this process only as SCRAM verifiers: the server's log may show statements.
 */
#include "db/db_setup.h"

#include "base/names.h"
#include "db/db_sql.h"
#include "db_migrate_priv.h"

/* The arena frees it: the URL's parts point into it and live as long as the arena. */
static void db_setup_free_options(void *options)
{
    PQconninfoFree(options);
}

/* By libpq's own parser: whatever it accepts when it connects is read here in the same way. */
bool db_setup_read_url(struct arena *a, const char *url, struct db_setup_url *out)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    *out = (struct db_setup_url){.user = NULL};
    if (!options)
        return false;
    arena_defer(a, db_setup_free_options, options);
    static const char *const keywords[] = {"user", "password", "dbname",   "sslmode",
                                           "host", "hostaddr", "passfile", NULL};
    const char **const to[] = {&out->user, &out->password, &out->database, &out->sslmode,
                               &out->host, &out->hostaddr, &out->passfile};
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        const int i = name_find(keywords, NAMES_UNTIL_NULL, str_of(o->keyword));
        if (i >= 0 && o->val && o->val[0])
            *to[i] = o->val;
    }
    return true;
}

/* The only row's column, or "". */
static const char *db_setup_value(const struct migrator *m, int column)
{
    return PQntuples(m->last) == 1 ? PQgetvalue(m->last, 0, column) : "";
}

/* A migrator, because its errors say in one sentence which statement failed, and why. */
static struct migrator db_setup_begin(struct db_setup *s)
{
    s->report = (struct db_migrate_report){0};
    return (struct migrator){
        .db = s->db, .arena = s->arena, .deadline = s->deadline, .report = &s->report};
}

enum err db_setup_look(struct db_setup *s, struct db_setup_place *out)
{
    struct migrator m = db_setup_begin(s);
    struct db *db = s->db;
    enum err e = db_connect(db, s->deadline);
    if (e != ERR_OK)
        return db_migrate_fail(&m, e, "connecting", "the database does not answer");
    /* Statements of one pipeline are one transaction, and CREATE DATABASE refuses to run in one. */
    if (!PQexitPipelineMode(db->conn))
        return db_migrate_fail(&m, ERR_DB_UNAVAILABLE, "connecting", PQerrorMessage(db->conn));
    e = db_migrate_run_params(&m, "looking at the server", stmt_db_setup_look.sql, 0, NULL);
    if (e != ERR_OK)
        return e;
    if (*db_setup_value(&m, 0) != 't')
        return db_migrate_fail(&m, ERR_FORBIDDEN, "this role may not make roles and databases",
                               db_setup_value(&m, 1));
    const char *host = PQhost(db->conn);
    /* The service's role signs in with a password, which Debian asks for over TCP. Through the
     * socket it would ask for an account of the same name (peer). */
    if (!host || (host[0] == '/' && *db_setup_value(&m, 2) == 't'))
        host = "127.0.0.1";
    *out = (struct db_setup_place){arena_strdup(s->arena, host),
                                   arena_strdup(s->arena, PQport(db->conn)), false};
    return ERR_OK;
}

/* The first rule that fits decides, as in the server. Only superusers may read them. */
enum err db_setup_look_at_rules(struct db_setup *s, struct db_setup_place *place)
{
    struct migrator m = db_setup_begin(s);
    const char *socket = PQhost(s->db->conn);
    enum err e =
        db_migrate_run_params(&m, "looking at pg_hba.conf", stmt_db_setup_rules.sql, 0, NULL);
    if (e != ERR_OK || !socket || socket[0] != '/')
        return e;
    if (*db_setup_value(&m, 0) != 't')
        place->host = arena_strdup(s->arena, socket);
    place->peer = place->host[0] == '/' && *db_setup_value(&m, 1) == 't';
    return ERR_OK;
}

/* Runs the statement that `sql` makes of the parameters, the name of what is made first; no row:
 * there is nothing to do. */
static enum err db_setup_run_made(struct migrator *m, const char *sql, int n,
                                  const char *const *params, bool *made)
{
    PGresult *last;
    const char *what = params[0];
    enum err e = db_migrate_run_params(m, what, sql, n, params);
    *made = e == ERR_OK && PQntuples(m->last) == 1;
    if (!*made)
        return e;
    const char *statement = arena_strdup(m->arena, PQgetvalue(m->last, 0, 0));
    return db_migrate_run_text(m, what, statement, &last);
}

/* By SCRAM, which a server of any version that is supported takes. */
static const char *db_setup_verifier(struct migrator *m, const struct db_setup_role *role)
{
    char *text = PQencryptPasswordConn(m->db->conn, role->password, role->name, "scram-sha-256");
    const char *copy = text ? arena_strdup(m->arena, text) : NULL;
    PQfreemem(text);
    return copy;
}

/* LOGIN and nothing else. A role that exists keeps its password: another service may use it. */
enum err db_setup_make_role(struct db_setup *s, struct db_setup_role *role)
{
    struct migrator m = db_setup_begin(s);
    const char *params[] = {role->name, role->password ? db_setup_verifier(&m, role) : NULL};
    if (role->password && !params[1])
        return db_migrate_fail(&m, ERR_INTERNAL, role->name, PQerrorMessage(s->db->conn));
    return db_setup_run_made(&m, stmt_db_setup_role.sql, ARRAY_LEN(params), params, &role->made);
}

/* A role that is no superuser must be a member of the owner to give a database to it. */
static enum err db_setup_join_owner(struct migrator *m, const char *owner)
{
    bool made;
    return db_setup_run_made(m, stmt_db_setup_join.sql, 1, &owner, &made);
}

enum err db_setup_make_database(struct db_setup *s, const char *name, const char *owner, bool *made)
{
    struct migrator m = db_setup_begin(s);
    const char *params[] = {name, owner};
    enum err e = db_setup_join_owner(&m, owner);
    *made = false;
    if (e == ERR_OK)
        e = db_setup_run_made(&m, stmt_db_setup_database.sql, ARRAY_LEN(params), params, made);
    return e;
}
