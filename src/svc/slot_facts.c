/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads what src/svc/sql/slot_facts.sql tells about a service and its resources into the form that
 * domain/slots.c works on: the rules of the service, and for each resource its openings, closures
 * and bookings. Called by the slot search and by whoever places a booking. Everything is in
 * instants; PostgreSQL has turned the venue's wall times into them.
 */
#include "slot_facts.h"

#include <string.h>

#include "svc/svc_sql.h"

/* Three statements with the same six parameters, so that a search and a booking ask the same
 * questions and cannot disagree. */
void slot_facts_add(struct db_batch *b, const struct slot_question *q, struct slot_results *out)
{
    const char *const params[] = {q->service_id, q->booking_id, q->resource_id,
                                  q->starts_at,  q->from,       q->to};
    const int n = (int)ARRAY_LEN(params);
    out->service = db_add(b, &stmt_slot_service, params, n);
    out->resources = db_add(b, &stmt_slot_resources, params, n);
    out->times = db_add(b, &stmt_slot_times, params, n);
}

/* Times are microseconds of UTC: the database has done all arithmetic with time zones. party 1 is
 * only a start; the caller sets it. */
static void slot_facts_read_service(struct db_rows rows, struct slot_facts *out)
{
    *out = (struct slot_facts){
        .venue_id = db_get_uuid(rows, 0, "venue_id"),
        .service_id = db_get_uuid(rows, 0, "id"),
        .service = BOOKING_READ_NAME(rows, 0, "service"),
        .venue = BOOKING_READ_NAME(rows, 0, "venue"),
        .venue_locale = booking_locale_of(db_get_str(rows, 0, "venue_locale")),
        .currency = db_get_str(rows, 0, "currency"),
        .payment = db_get_str(rows, 0, "payment"),
        .active = db_get_bool(rows, 0, "active"),
        .resource_known = db_get_bool(rows, 0, "resource_known"),
        .price = db_get_int(rows, 0, "price"),
        .deposit_amount = db_get_int(rows, 0, "deposit_amount"),
        .deposit_percent = db_get_int(rows, 0, "deposit_percent"),
        .free_cancellation_minutes = db_get_int(rows, 0, "free_cancellation_minutes"),
        .days = db_get_int(rows, 0, "days"),
        .now_us = db_get_int(rows, 0, "now_us"),
        .begins_us = db_get_int(rows, 0, "begins_us"),
        .ends_us = db_get_int(rows, 0, "ends_us"),
        .starts_wall = db_get(rows, 0, "starts_wall"),
        .ends_wall = db_get(rows, 0, "ends_wall"),
        .rule =
            {
                .duration_us = db_get_int(rows, 0, "duration_us"),
                .step_us = db_get_int(rows, 0, "step_us"),
                .before_us = db_get_int(rows, 0, "before_us"),
                .after_us = db_get_int(rows, 0, "after_us"),
                .earliest_us = db_get_int(rows, 0, "earliest_us"),
                .latest_us = db_get_int(rows, 0, "latest_us"),
                .party = 1,
            },
    };
    if (!db_is_null(rows, 0, "max_party_size"))
        out->max_party_size = db_get_int(rows, 0, "max_party_size");
}

/* The rows of one kind in the result of slot_times, and where the search for a candidate's goes
 * on. */
struct slot_rows {
    struct db_rows rows;
    int at, end;
};

/* Kinds lie one behind the other. */
static struct slot_rows slot_facts_rows_of(struct db_rows rows, char kind)
{
    struct slot_rows k = {.rows = rows};
    while (k.at < db_count(rows) && db_get_str(rows, k.at, "kind")[0] != kind)
        k.at++;
    for (k.end = k.at; k.end < db_count(rows) && db_get_str(rows, k.end, "kind")[0] == kind;)
        k.end++;
    return k;
}

/* How many rows are of one candidate: they are in the order of resource ids, as the candidates are.
 * k->at is behind them afterwards; rows of others (a link that was removed meanwhile) are passed
 * over. */
static int slot_facts_count_rows(struct slot_rows *k, const char *id)
{
    while (k->at < k->end && strcmp(db_get_str(k->rows, k->at, "resource_id"), id) < 0)
        k->at++;
    const int first = k->at;
    while (k->at < k->end && strcmp(db_get_str(k->rows, k->at, "resource_id"), id) == 0)
        k->at++;
    return k->at - first;
}

/* Openings are instants already, special hours and changes of the clock included. */
static void slot_facts_read_openings(struct arena *a, struct db_rows rows, struct slot_facts *f)
{
    struct slot_rows kind = slot_facts_rows_of(rows, 'o');
    for (size_t i = 0; i < f->candidates_n; i++) {
        struct slot_resource *r = &f->candidates[i].facts;
        const int n = slot_facts_count_rows(&kind, f->candidates[i].id.s);
        r->openings = arena_array(a, (size_t)n, sizeof(*r->openings));
        r->openings_n = (size_t)n;
        for (int k = 0; k < n; k++)
            r->openings[k] = (struct slot_opening){
                .from_us = db_get_int(rows, kind.at - n + k, "from_us"),
                .to_us = db_get_int(rows, kind.at - n + k, "to_us"),
            };
    }
}

/* Closures of the venue count for each candidate. */
static void slot_facts_read_closures(struct arena *a, struct db_rows rows, struct slot_facts *f)
{
    const struct slot_rows kind = slot_facts_rows_of(rows, 'c');
    for (size_t i = 0; i < f->candidates_n; i++) {
        struct slot_resource *r = &f->candidates[i].facts;
        r->closures = arena_array(a, (size_t)(kind.end - kind.at), sizeof(*r->closures));
        for (int k = kind.at; k < kind.end; k++) {
            const char *whose = db_get(rows, k, "resource_id");
            if (whose == NULL || strcmp(whose, f->candidates[i].id.s) == 0)
                r->closures[r->closures_n++] = (struct slot_range){db_get_int(rows, k, "from_us"),
                                                                   db_get_int(rows, k, "to_us")};
        }
    }
}

/* levels has two entries per booking: the number of people changes where one begins and where it
 * ends. */
static void slot_facts_read_busy(struct arena *a, struct db_rows rows, struct slot_facts *f)
{
    struct slot_rows kind = slot_facts_rows_of(rows, 'b');
    for (size_t i = 0; i < f->candidates_n; i++) {
        struct slot_resource *r = &f->candidates[i].facts;
        const int n = slot_facts_count_rows(&kind, f->candidates[i].id.s);
        r->busy = arena_array(a, (size_t)n, sizeof(*r->busy));
        r->busy_n = (size_t)n;
        r->levels = arena_array(a, (size_t)n * 2, sizeof(*r->levels));
        for (int k = 0; k < n; k++)
            r->busy[k] = (struct slot_busy){
                .from_us = db_get_int(rows, kind.at - n + k, "from_us"),
                .to_us = db_get_int(rows, kind.at - n + k, "to_us"),
                .people = (int32_t)db_get_int(rows, kind.at - n + k, "people"),
            };
    }
}

/* Called when the batch has run. Sorting and summing happen once here, not at every start that is
 * judged. */
enum err slot_facts_read(struct arena *a, struct db_batch *b, const struct slot_results *r,
                         struct slot_facts *out)
{
    if (db_count(db_result(b, r->service)) == 0)
        return ERR_NOT_FOUND;
    slot_facts_read_service(db_result(b, r->service), out);
    struct db_rows rows = db_result(b, r->resources);
    out->candidates_n = (size_t)db_count(rows);
    out->candidates = arena_array(a, out->candidates_n, sizeof(*out->candidates));
    for (size_t i = 0; i < out->candidates_n; i++)
        out->candidates[i] = (struct slot_candidate){
            .id = db_get_uuid(rows, (int)i, "id"),
            .name = BOOKING_READ_NAME(rows, (int)i, "name"),
            .booked_us = db_get_int(rows, (int)i, "booked_us"),
            .facts = {.capacity = (int32_t)db_get_int(rows, (int)i, "capacity")},
        };
    rows = db_result(b, r->times);
    slot_facts_read_openings(a, rows, out);
    slot_facts_read_closures(a, rows, out);
    slot_facts_read_busy(a, rows, out);
    for (size_t i = 0; i < out->candidates_n; i++)
        slot_resource_prepare(&out->candidates[i].facts);
    return ERR_OK;
}
