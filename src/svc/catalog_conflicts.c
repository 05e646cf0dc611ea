/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The bookings that a change of the catalogue leaves without their hours, place or service. Called
 * by the writes of src/svc/catalog_staff.c and catalog_special.c, in the transaction of the change.
 */
#include "svc/catalog_write.h"
#include "svc/svc_sql.h"

int catalog_conflicts_add(struct db_batch *b, const struct conflict_question *q)
{
    return DB_ADD(b, &stmt_catalog_conflicts, q->resources, db_bool(q->hours), db_bool(q->capacity),
                  db_bool(q->retired), q->service_id);
}

/* Two statements: the first finds which bookings they are, the second reads them. Both see the same
 * rows, since the locks are held. */
enum err catalog_conflicts_commit(struct svc *s, struct db_batch *changed, int i,
                                  struct catalog_conflicts *out)
{
    struct db_rows ids = db_result(changed, i);
    const int n = db_count(ids);
    struct sb text;
    sb_init(&text, s->arena, (size_t)n * (UUID_LEN + 1) + 1);
    sb_puts(&text, "");
    for (int row = 0; row < n; row++)
        sb_printf(&text, "%s%s", row > 0 ? "," : "", db_get_str(ids, row, "id"));
    out->total = n > 0 ? db_get_int(ids, 0, "total") : 0;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    const int loaded = DB_ADD(b, &stmt_catalog_conflict_bookings, text.p);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        out->rows = db_result(b, loaded);
    return e;
}
