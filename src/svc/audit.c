/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The audit log of staff: rows are added to the transaction of the change that they tell of. Called
 * by the services that staff use, and by the list of /v1/staff/audit. */
#include "svc/audit.h"

#include "svc/svc_sql.h"

/* In the batch of the change: no change of staff exists without its row. */
void audit_add(struct svc *s, struct db_batch *b, const struct audit *entry)
{
    struct uuid id = uuid_new();
    DB_ADD(b, &stmt_audit_insert, arena_strdup(s->arena, id.s), entry->venue_id, entry->actor,
           entry->action, entry->subject, entry->detail, s->request_id, s->own_request_id);
}

/* The key's hash is a predicate: a key of one venue sees that venue's rows. */
int audit_list_add(struct db_batch *b, const char *key_hash, const char *after_us,
                   const char *after_id, int64_t rows)
{
    return DB_ADD(b, &stmt_audit_list, key_hash, after_us, after_id, db_int(b, rows));
}

void audit_read(struct db_rows rows, int row, struct audit_entry *out)
{
    *out = (struct audit_entry){
        .id = db_get_str(rows, row, "id"),
        .cursor_us = db_get_str(rows, row, "at_us"),
        .at = db_get_time(rows, row, "at_us"),
        .actor = db_get_str(rows, row, "actor"),
        .action = db_get_str(rows, row, "action"),
        .subject = db_get_str(rows, row, "subject"),
        .detail = db_get(rows, row, "detail"),
        .request_id = db_get(rows, row, "request_id"),
        .own_request_id = db_get(rows, row, "own_request_id"),
    };
}
