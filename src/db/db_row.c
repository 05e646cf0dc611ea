/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Typed getters, the only way to read a result. A column that is missing or of another type is a
 * fault of the program and ends it. Called by every service function. */
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "db_batch_priv.h"

/* Only of a batch that has run well: results of a failed one must not be used. */
struct db_rows db_result(const struct db_batch *b, int i)
{
    ENSURE(b->ok && i >= 0 && i < b->n);
    return (struct db_rows){b->results[i]};
}

/* 0 for statements that return no rows. */
int db_count(struct db_rows r)
{
    return PQntuples(r.res);
}

/* Empty for statements that change no rows. */
int64_t db_affected(struct db_rows r)
{
    const char *n = PQcmdTuples((PGresult *)(uintptr_t)r.res); /* libpq forgot the const */
    int64_t v = 0;
    const bool valid = n[0] == '\0' || num_i64(str_of(n), &v);

    ENSURE(valid);
    return v;
}

/* -1 when there is none. PQfnumber() copies the name and begins at the first column each time; rows
 * are read in the order of their columns, so the last one or the next is nearly always right. */
static int db_row_find(const PGresult *res, const char *col)
{
    static int last; /* of whichever result; the names are compared all the same */
    const int n = PQnfields(res);

    for (int i = 0; i < n; i++) {
        const int c = (last + i) % n;
        if (strcmp(PQfname(res, c), col) == 0) {
            last = c;
            return c;
        }
    }
    return -1;
}

/* By name: an order of columns would have to be kept the same in two files. */
static int db_row_column(struct db_rows r, int row, const char *col)
{
    int c = db_row_find(r.res, col);

    ENSURE(c >= 0 && row >= 0 && row < PQntuples(r.res));
    return c;
}

/* For numbers and times, which have no value that means "none". */
bool db_is_null(struct db_rows r, int row, const char *col)
{
    return PQgetisnull(r.res, row, db_row_column(r, row, col)) != 0;
}

/* NULL for NULL. The text belongs to the result, which lives as long as the batch's arena. */
const char *db_get(struct db_rows r, int row, const char *col)
{
    int c = db_row_column(r, row, col);

    return PQgetisnull(r.res, row, c) ? NULL : PQgetvalue(r.res, row, c);
}

/* For columns that are NOT NULL by the schema. */
const char *db_get_str(struct db_rows r, int row, const char *col)
{
    const char *v = db_get(r, row, col);

    ENSURE(v != NULL);
    return v;
}

/* Results come as text: a number that does not fit ends the process instead of becoming another
 * one. */
int64_t db_get_int(struct db_rows r, int row, const char *col)
{
    int64_t v = 0;
    const bool valid = num_i64(str_of(db_get_str(r, row, col)), &v);

    ENSURE(valid);
    return v;
}

bool db_get_bool(struct db_rows r, int row, const char *col)
{
    const char *v = db_get_str(r, row, col);

    ENSURE((v[0] == 't' || v[0] == 'f') && v[1] == '\0');
    return v[0] == 't';
}

/* Statements return times as microseconds since 1970 (extract(epoch ...) * 1e6), so no text of a
 * date is parsed. */
struct wall db_get_time(struct db_rows r, int row, const char *col)
{
    return (struct wall){db_get_int(r, row, col)};
}

struct uuid db_get_uuid(struct db_rows r, int row, const char *col)
{
    struct uuid u;
    const bool valid = uuid_parse(str_of(db_get_str(r, row, col)), &u);

    ENSURE(valid);
    return u;
}
