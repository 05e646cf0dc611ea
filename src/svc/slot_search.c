/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The free starts of a service over a range of days. Called by the API's slot routes. The same
 * facts and the same rules decide as when a booking is made (slot_facts.c, domain/slots.c), so a
 * start that is shown can be booked until somebody else takes it. The starts of several resources
 * are merged in order of time as they are needed, so that a page costs its own length and not that
 * of the range.
 */
#include "svc/slot_search.h"

#include <string.h>

#include "slot_facts.h"
#include "svc/svc_sql.h"

/* One resource on its way through the range. */
struct slot_stream {
    const struct slot_candidate *candidate;
    struct slot_walk walk;
    struct slot next;
    bool has_next;
};
/* All resources that may take the service. */
struct slot_merge {
    struct slot_stream *streams; /* by resource id */
    size_t n;
};

/* Each stream is one start ahead, so that the merge can compare. */
static void slot_search_begin(struct arena *a, const struct slot_facts *f, int64_t from_us,
                              struct slot_merge *m)
{
    m->n = f->candidates_n;
    m->streams = arena_array(a, m->n, sizeof(*m->streams));
    for (size_t i = 0; i < m->n; i++) {
        struct slot_stream *st = &m->streams[i];
        st->candidate = &f->candidates[i];
        slot_walk_begin(&st->walk, &st->candidate->facts, &f->rule, from_us, f->ends_us);
        st->has_next = slot_walk_next(&st->walk, &st->next);
    }
}

/* The stream with the earliest start; of equal ones that of the lowest resource. NULL at the end.
 */
static struct slot_stream *slot_search_earliest(struct slot_merge *m)
{
    struct slot_stream *earliest = NULL;
    for (size_t i = 0; i < m->n; i++) {
        struct slot_stream *st = &m->streams[i];
        if (st->has_next && (!earliest || st->next.starts_us < earliest->next.starts_us))
            earliest = st;
    }
    return earliest;
}

/* What both searches ask first, in one round trip. Own bookings may be left out
 * (`exclude_booking`), but only a caller who may see such a booking. */
static enum err slot_search_read(struct svc *s, const struct slot_query *q, bool want_days,
                                 struct slot_facts *f, struct db_rows *days)
{
    struct slot_results results;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    const struct slot_question question = {.service_id = q->service_id,
                                           .booking_id = q->exclude_booking,
                                           .resource_id = q->resource_id,
                                           .from = q->from,
                                           .to = q->to};
    slot_facts_add(b, &question, &results);
    const int seen =
        q->exclude_booking ? DB_ADD(b, &stmt_slot_exclude, q->auth_hash, q->exclude_booking) : -1;
    const int at = want_days ? DB_ADD(b, &stmt_slot_days, q->service_id, q->exclude_booking,
                                      q->resource_id, NULL, q->from, q->to)
                             : -1;
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && seen >= 0 && db_count(db_result(b, seen)) == 0)
        return ERR_NOT_FOUND;
    if (e == ERR_OK)
        e = slot_facts_read(s->arena, b, &results, f);
    if (e != ERR_OK)
        return e;
    if (!f->active)
        return ERR_NOT_FOUND;
    if (f->days < 0 || f->days > SLOT_DAYS_MAX)
        return ERR_VALIDATION;
    if (!f->resource_known)
        return ERR_NOT_FOUND;
    f->rule.party = (int32_t)q->party_size;
    if (f->max_party_size > 0 && q->party_size > f->max_party_size)
        f->candidates_n = 0; /* nothing is offered to a party of that size */
    if (at >= 0)
        *days = db_result(b, at);
    return ERR_OK;
}

/* A page resumes at the time of its cursor, behind the resource named there. One start beyond the
 * page says that there are more. */
enum err slot_search(struct svc *s, const struct slot_query *q, struct slot_page *out)
{
    struct slot_facts f;
    struct db_rows days;
    enum err e = slot_search_read(s, q, false, &f, &days);
    if (e != ERR_OK)
        return e;
    const bool resumes = q->after_resource != NULL && q->after_start.us >= f.begins_us;
    struct slot_merge m;
    slot_search_begin(s->arena, &f, resumes ? q->after_start.us : f.begins_us, &m);
    struct slot_item *items = arena_array(s->arena, q->limit, sizeof(*items));
    *out = (struct slot_page){.items = items};
    for (struct slot_stream *st; (st = slot_search_earliest(&m)) != NULL;
         st->has_next = slot_walk_next(&st->walk, &st->next)) {
        if (resumes && st->next.starts_us == q->after_start.us &&
            strcmp(st->candidate->id.s, q->after_resource) <= 0)
            continue;
        if (out->n == q->limit) {
            out->more = true;
            break;
        }
        items[out->n++] = (struct slot_item){
            .starts_at = {st->next.starts_us},
            .ends_at = {st->next.starts_us + f.rule.duration_us},
            .resource_id = st->candidate->id,
            .available = st->next.available,
        };
    }
    return ERR_OK;
}

/* Takes what begins before the end of the day off each stream. */
static void slot_search_count_day(struct slot_merge *m, int64_t ends_us, struct slot_day *day)
{
    for (struct slot_stream *st = m->streams; st < m->streams + m->n; st++) {
        for (; st->has_next && st->next.starts_us < ends_us;
             st->has_next = slot_walk_next(&st->walk, &st->next)) {
            if (day->starts++ == 0 || st->next.starts_us < day->first.us)
                day->first.us = st->next.starts_us;
        }
    }
}

/* Days are the venue's: the database says when each begins, since a day may have 23 or 25 hours. */
enum err slot_search_days(struct svc *s, const struct slot_query *q, struct slot_day **days,
                          size_t *n)
{
    struct slot_facts f;
    struct db_rows rows;
    enum err e = slot_search_read(s, q, true, &f, &rows);
    if (e != ERR_OK)
        return e;
    *n = (size_t)db_count(rows) - 1; /* the last row is where the last day ends */
    *days = arena_array(s->arena, *n, sizeof(**days));
    struct slot_merge m;
    slot_search_begin(s->arena, &f, f.begins_us, &m);
    for (size_t i = 0; i < *n; i++) {
        struct slot_day *day = &(*days)[i];
        const int64_t ends_us = db_get_int(rows, (int)i + 1, "begins_us");
        day->date = db_get_str(rows, (int)i, "day");
        slot_search_count_day(&m, ends_us, day);
    }
    return ERR_OK;
}
