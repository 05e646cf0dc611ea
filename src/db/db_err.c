/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What each SQLSTATE means for a caller: the only place that knows them. Called by db_run.c,
 * db_connect.c and db_migrate.c. */
#include <string.h>

#include "db_priv.h"

/* These are answers to a caller's question (is the name taken?), no trouble of the database. */
#define NOT_COUNTED (-1)

/* Whole codes before classes: the first row that fits decides. PostgreSQL manual, appendix A. */
static const struct db_fault faults[] = {
    {"23505", ERR_DB_UNIQUE, NOT_COUNTED, false},
    {"23P01", ERR_DB_EXCLUSION, DB_ERROR_CLASS_CONFLICT, false},
    {"23503", ERR_DB_FOREIGN_KEY, NOT_COUNTED, false},
    {"23514", ERR_DB_CHECK, NOT_COUNTED, false},
    {"40001", ERR_DB_RETRY, DB_ERROR_CLASS_CONFLICT, false},
    {"40P01", ERR_DB_RETRY, DB_ERROR_CLASS_CONFLICT, false},
    {"55P03", ERR_OVERLOADED, DB_ERROR_CLASS_TIMEOUT, false},     /* lock_timeout */
    {"57014", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_TIMEOUT, false}, /* statement_timeout */
    {"57P", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_CONNECTION,
     true}, /* shutdown, crash of another backend, starting up */
    {"25P03", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_TIMEOUT,
     true}, /* idle_in_transaction_session_timeout */
    {"25006", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_CONNECTION,
     true}, /* read only: connect anew, to the new primary */
    {"53", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_OTHER,
     false}, /* disk full, out of memory, too many connections */
    {"58", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_OTHER, true}, /* the server's system fails */
    {"08", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_CONNECTION, true},
    {"28", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_CONNECTION, true}, /* refused by pg_hba or password */
    {"3D", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_CONNECTION, true}, /* no such database */
    /* Prepared statements that are not what we think: the schema changed, or a pooler got in
       between. */
    {"0A000", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_OTHER, true},
    {"26000", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_OTHER, true},
    {"42P05", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_OTHER, true},
};
/* No SQLSTATE: the connection itself broke. */
static const struct db_fault broken = {"", ERR_DB_UNAVAILABLE, DB_ERROR_CLASS_CONNECTION, true};
/* A statement of ours is wrong: 500, and the log has the server's text. */
static const struct db_fault unexpected = {"", ERR_INTERNAL, DB_ERROR_CLASS_OTHER, false};

const struct db_fault *db_fault_of(const char *sqlstate)
{
    if (!sqlstate)
        return &broken;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        if (strncmp(sqlstate, faults[i].sqlstate, strlen(faults[i].sqlstate)) == 0)
            return &faults[i];
    return &unexpected;
}
