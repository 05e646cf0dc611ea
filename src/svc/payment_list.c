/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Lists of payments for staff; called by the handler of GET /v1/staff/payments. */
#include "svc/payment_list.h"

#include "svc/svc_sql.h"

/* NULL in a filter means any; what the key may see is a predicate of the statement. */
int payment_add_list(struct db_batch *b, const char *key_hash, const struct payment_filter *f)
{
    return DB_ADD(b, &stmt_payment_list, key_hash, f->status, f->booking_id, f->from, f->to,
                  f->after_created, f->after_id, db_int(b, f->limit), f->venue_id);
}

void payment_read_listed(struct db_rows rows, int row, struct payment_listed *out)
{
    *out = (struct payment_listed){
        .booking_state = db_get_str(rows, row, "booking_state"),
        .service = db_get_str(rows, row, "service"),
        .starts_at = db_get_time(rows, row, "starts_us"),
    };
}
