/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Makes the roles and the database of an installation: `bookingd init` alone calls it. */
#ifndef BOOKINGD_DB_DB_SETUP_H
#define BOOKINGD_DB_DB_SETUP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "db/db_migrate.h"

/* What a URL says, NULL for what it leaves out. On the arena. */
struct db_setup_url {
    const char *user, *password, *database, *sslmode, *host, *hostaddr, *passfile;
};
/* False: it is no URL that libpq reads. */
bool db_setup_read_url(struct arena *a, const char *url, struct db_setup_url *out) MUST_CHECK;

/* Where others than the superuser reach the server: a socket that asks for the superuser's account
 * (peer) is of no use to them, so 127.0.0.1 is taken where the server listens there. */
struct db_setup_place {
    const char *host, *port;
    bool peer; /* a socket that asks each role's process for the account of that name */
};
/* What the functions below work with; the report is about the last call. */
struct db_setup {
    struct db *db; /* its URL is that of a superuser, or of a role that may make both */
    struct arena *arena;
    struct deadline deadline;
    struct db_migrate_report report;
};
/* Connects and changes nothing. ERR_FORBIDDEN: the role may not; the report says so. */
enum err db_setup_look(struct db_setup *s, struct db_setup_place *out) MUST_CHECK;

/* For a superuser behind db_setup_look(): by the server's pg_hba.conf, 127.0.0.1 only where it
 * takes passwords, else the socket, and whether that is by account. Errors as db_migrate(). */
enum err db_setup_look_at_rules(struct db_setup *s, struct db_setup_place *place) MUST_CHECK;

/* password NULL: the server knows the role by other means. */
struct db_setup_role {
    const char *name, *password;
    bool made; /* out: it was not there */
};
/* After db_setup_look(). A role that is there is left as it is, password included. Errors as
 * db_migrate(). */
enum err db_setup_make_role(struct db_setup *s, struct db_setup_role *role) MUST_CHECK;
/* UTF8, from template0; *made: it was not there. Errors as db_migrate(). */
enum err db_setup_make_database(struct db_setup *s, const char *name, const char *owner,
                                bool *made) MUST_CHECK;

#endif
