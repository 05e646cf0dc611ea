/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Free slots of a service, computed by one statement. Called by the handler of slots. */
#include "svc/avail.h"

#include "svc/svc_sql.h"

static void avail_read_slots(struct svc *s, struct db_rows rows, struct avail_answer *out)
{
    int n = db_count(rows);
    struct slot *slots = arena_array(s->arena, (size_t)n, sizeof *slots);
    for (int i = 0; i < n; i++) {
        slots[i] = (struct slot){
            .starts_at = db_get_time(rows, i, "starts_us"),
            .ends_at = db_get_time(rows, i, "ends_us"),
            .resource_id = db_get_uuid(rows, i, "resource_id"),
            .available = db_get_int(rows, i, "available"),
        };
    }
    out->slots = slots;
    out->n = (size_t)n;
}

enum err avail_slots(struct svc *s, const struct avail_query *q, struct avail_answer *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int asked = DB_ADD(b, &stmt_avail_asked, q->service_id, q->from, q->to, q->resource_id);
    int slots = DB_ADD(b, &stmt_avail_slots, q->service_id, q->from, q->to, q->resource_id,
                       db_int(b, q->party_size), db_int(b, AVAIL_DAYS_MAX));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, asked);
    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    int64_t days = db_get_int(rows, 0, "days");
    if (days < 0 || days > AVAIL_DAYS_MAX)
        return ERR_VALIDATION;
    if (!db_get_bool(rows, 0, "resource_known"))
        return ERR_NOT_FOUND;
    avail_read_slots(s, db_result(b, slots), out);
    return ERR_OK;
}
