/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A worker's second connection, to the standbys of database.read_url, for reads that may be some
 * seconds old. It is opened with the first such read. Whatever is wrong with it, a connection too
 * slow to come, a fault, or a standby that is behind, the caller asks the primary instead.
 */
#ifndef BOOKINGD_DB_DB_READER_H
#define BOOKINGD_DB_DB_READER_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"
#include "domain/config.h"

struct db_reader;

/* NULL: the configuration has no database.read_url. Once per process; db_reader_free() ends it. */
struct db_reader *db_reader_new(const struct config *cfg) MUST_CHECK;
void db_reader_free(struct db_reader *r);
/*
 * The connection for a read that ends before `d`: it is up, and its server was less than
 * database.read_max_lag behind within the last second. NULL: ask the primary. Takes a small part of
 * the time at most. The connection is the reader's own.
 */
struct db *db_reader_take(struct db_reader *r, struct arena *a, struct deadline d);
/* What became of a read on it. After a fault all processes leave the standbys alone for some
 * seconds, but for one that tries. */
void db_reader_succeeded(struct db_reader *r);
void db_reader_failed(struct db_reader *r, const char *reason);
/* The connection, for its figures and db_drop(), whatever its state; NULL without a reader. */
struct db *db_reader_db(struct db_reader *r);

#endif
