/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The staff's side of the catalog: what a key may see, and the writes with their audit rows. */
#include "svc/audit.h"
#include "svc/catalog.h"

#include "catalog_priv.h"

/* ---- what a key sees ---- */

const struct db_stmt catalog_venue_seen = {
    "catalog_venue_seen", "SELECT " CATALOG_VENUE_COLUMNS
                          " FROM venues v WHERE v.id = $2::uuid AND " SQL_STAFF_SEES("$1", "v.id")};
const struct db_stmt catalog_service_seen = {
    "catalog_service_seen",
    "SELECT " CATALOG_SERVICE_COLUMNS " FROM services s JOIN venues v ON v.id = s.venue_id"
    " WHERE s.id = $2::uuid AND " SQL_STAFF_SEES("$1", "s.venue_id")};
const struct db_stmt catalog_resource_seen = {
    "catalog_resource_seen",
    "SELECT " CATALOG_RESOURCE_COLUMNS
    " FROM resources r WHERE r.id = $2::uuid AND " SQL_STAFF_SEES("$1", "r.venue_id")};
const struct db_stmt catalog_resources_seen = {
    "catalog_resources_seen", "SELECT " CATALOG_RESOURCE_COLUMNS
                              " FROM resources r WHERE r.venue_id = $2::uuid AND " SQL_STAFF_SEES(
                                  "$1", "r.venue_id") " AND ($4::text IS NULL OR (r.name, r.id) > "
                                                      "($4::text, $5::uuid)) ORDER BY r.name, r.id "
                                                      "LIMIT $3::int"};
const struct db_stmt catalog_hours_seen = {
    "catalog_hours_seen", "SELECT h.weekday, h.opens_minute, h.closes_minute FROM opening_hours h"
                          " WHERE h.resource_id = $2::uuid AND " SQL_STAFF_SEES(
                              "$1", "h.venue_id") " ORDER BY h.position"};
const struct db_stmt catalog_closures_seen = {
    "catalog_closures_seen",
    "SELECT " CATALOG_CLOSURE_COLUMNS
    " FROM closures c WHERE c.venue_id = $2::uuid AND c.ends_at > now()"
    " AND " SQL_STAFF_SEES("$1", "c.venue_id") " AND ($4::timestamptz IS NULL OR (c.starts_at, "
                                               "c.id) > ($4::timestamptz, $5::uuid))"
                                               " ORDER BY c.starts_at, c.id LIMIT $3::int"};
const struct db_stmt catalog_closure_seen = {
    "catalog_closure_seen", "SELECT " CATALOG_CLOSURE_COLUMNS " FROM closures c"
                            " WHERE c.id = $2::uuid AND " SQL_STAFF_SEES("$1", "c.venue_id")};

/* ---- writes ---- */

static void audit(struct svc *s, struct db_batch *b, const char *actor, const char *action,
                  const struct uuid *subject, const struct uuid *venue)
{
    audit_add(s, b,
              &(struct audit){
                  .actor = actor, .action = action, .subject = subject->s, .venue_id = venue->s});
}

static const struct db_stmt venue_lock = {
    "catalog_venue_lock", "SELECT 1 FROM venues WHERE id = $1::uuid FOR NO KEY UPDATE"};
static const struct db_stmt service_lock = {
    "catalog_service_lock", "SELECT 1 FROM services WHERE id = $1::uuid FOR NO KEY UPDATE"};
static const struct db_stmt resource_lock = {
    "catalog_resource_lock", "SELECT 1 FROM resources WHERE id = $1::uuid FOR NO KEY UPDATE"};

/* Read by a statement of its own, which sees what the lock was waited for. */
enum err catalog_hold(struct svc *s, enum catalog_kind kind, const char *key_hash, const char *id,
                      struct db_rows *row)
{
    static const struct {
        const struct db_stmt *lock, *seen;
    } kinds[] = {
        [CATALOG_VENUE] = {&venue_lock, &catalog_venue_seen},
        [CATALOG_SERVICE] = {&service_lock, &catalog_service_seen},
        [CATALOG_RESOURCE] = {&resource_lock, &catalog_resource_seen},
    };
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    DB_ADD(b, kinds[kind].lock, id);
    int i = DB_ADD(b, kinds[kind].seen, key_hash, id);
    enum err e = db_run(b, s->deadline);
    *row = e == ERR_OK ? db_result(b, i) : (struct db_rows){0};
    return e == ERR_OK && db_count(*row) == 0 ? ERR_NOT_FOUND : e;
}

/* A change is inside the transaction of its catalog_hold(). */
static struct db_batch *checking(struct svc *s, bool is_new)
{
    return db_batch(s->db, s->arena, is_new ? DB_READ : DB_IN_TX);
}

static struct db_batch *saving(struct svc *s, bool is_new)
{
    return db_batch(s->db, s->arena, is_new ? DB_WHOLE_TX : DB_COMMIT);
}

/* One list of names serves both this check and the arithmetic: PostgreSQL's own. */
static const struct db_stmt zone_known = {
    "catalog_zone_known", "SELECT 1 FROM pg_timezone_names WHERE name = $1"
                          " AND name !~ '^(posix/|right/|(posixrules|localtime|Factory)$)'"};
static const struct db_stmt venue_save = {
    "catalog_venue_save",
    "INSERT INTO venues (id, name, time_zone, currency, active) VALUES ($1::uuid, $2, $3, $4, "
    "$5::boolean)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone,"
    "  currency = excluded.currency, active = excluded.active"};

enum err catalog_save_venue(struct svc *s, const char *actor, const struct venue *v, bool is_new)
{
    struct db_batch *check = checking(s, is_new);
    int known = DB_ADD(check, &zone_known, v->time_zone);
    enum err e = db_run(check, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(check, known)) == 0)
        return ERR_VALIDATION;
    struct db_batch *b = saving(s, is_new);
    DB_ADD(b, &venue_save, v->id.s, v->name, v->time_zone, v->currency, db_bool(v->active));
    audit(s, b, actor, is_new ? "venue.create" : "venue.update", &v->id, &v->id);
    return db_run(b, s->deadline);
}

static const struct db_stmt service_save = {
    "catalog_service_save",
    "INSERT INTO services AS s (venue_id, id, name, duration_minutes, slot_step_minutes, "
    "buffer_before_minutes,"
    "  buffer_after_minutes, price, payment, min_notice_minutes, max_advance_days, "
    "free_cancellation_minutes, active)"
    " VALUES ($1::uuid, $2::uuid, $3, $4::int, $5::int, $6::int, $7::int, $8::bigint, $9, $10::int,"
    "  $11::int, $12::int, $13::boolean)"
    " ON CONFLICT (venue_id, id) DO UPDATE SET name = excluded.name, duration_minutes = "
    "excluded.duration_minutes,"
    "  slot_step_minutes = excluded.slot_step_minutes, buffer_before_minutes = "
    "excluded.buffer_before_minutes,"
    "  buffer_after_minutes = excluded.buffer_after_minutes, price = excluded.price, payment = "
    "excluded.payment,"
    "  min_notice_minutes = excluded.min_notice_minutes, max_advance_days = "
    "excluded.max_advance_days,"
    "  free_cancellation_minutes = excluded.free_cancellation_minutes, active = excluded.active"};
static const struct db_stmt service_unlink = {
    "catalog_service_unlink",
    "DELETE FROM service_resources WHERE venue_id = $1::uuid AND service_id = $2::uuid"};
/* $3: identifiers separated by commas. */
static const struct db_stmt service_link = {
    "catalog_service_link", "INSERT INTO service_resources (venue_id, service_id, resource_id)"
                            " SELECT DISTINCT r.venue_id, $2::uuid, r.id FROM "
                            "unnest(string_to_array($3, ',')::uuid[]) AS wanted(id)"
                            " JOIN resources r ON r.venue_id = $1::uuid AND r.id = wanted.id"};
/* Position (from 0) of the first identifier that names no resource of the venue. */
static const struct db_stmt resources_unknown = {
    "catalog_resources_unknown", "SELECT wanted.n - 1 AS n FROM unnest(string_to_array($2, "
                                 "',')::uuid[]) WITH ORDINALITY AS wanted(id, n)"
                                 " WHERE NOT EXISTS (SELECT 1 FROM resources r WHERE r.venue_id = "
                                 "$1::uuid AND r.id = wanted.id) ORDER BY 1 LIMIT "
                                 "1"};

static const char *join_ids(struct svc *s, const struct service *v)
{
    struct sb sb;
    sb_init(&sb, s->arena, v->resources_n * (UUID_LEN + 1) + 1);
    sb_puts(&sb, "");
    for (size_t i = 0; i < v->resources_n; i++) {
        if (i > 0)
            sb_putc(&sb, ',');
        sb_puts(&sb, v->resource_ids[i].s);
    }
    return sb.p;
}

static enum err check_resources(struct svc *s, struct db_batch *b, const struct service *v,
                                size_t *bad)
{
    int i = DB_ADD(b, &resources_unknown, v->venue_id.s, join_ids(s, v));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK || db_count(db_result(b, i)) == 0)
        return e;
    *bad = (size_t)db_get_int(db_result(b, i), 0, "n");
    return ERR_VALIDATION;
}

enum err catalog_save_service(struct svc *s, const char *actor, struct service *v, bool is_new,
                              bool set_resources, size_t *bad)
{
    if (set_resources && v->resources_n > 0) {
        enum err e = check_resources(s, checking(s, is_new), v, bad);
        if (e != ERR_OK)
            return e;
    }
    struct db_batch *b = saving(s, is_new);
    DB_ADD(b, &service_save, v->venue_id.s, v->id.s, v->name, db_int(b, v->duration_minutes),
           v->grid_follows ? NULL : db_int(b, v->slot_step_minutes),
           db_int(b, v->buffer_before_minutes), db_int(b, v->buffer_after_minutes),
           db_int(b, v->price), service_payment_names[v->payment], db_int(b, v->min_notice_minutes),
           db_int(b, v->max_advance_days), db_int(b, v->free_cancellation_minutes),
           db_bool(v->active));
    if (set_resources) {
        DB_ADD(b, &service_unlink, v->venue_id.s, v->id.s);
        DB_ADD(b, &service_link, v->venue_id.s, v->id.s, join_ids(s, v));
    }
    audit(s, b, actor, is_new ? "service.create" : "service.update", &v->id, &v->venue_id);
    return db_run(b, s->deadline);
}

static const struct db_stmt resource_save = {
    "catalog_resource_save", "INSERT INTO resources (venue_id, id, name, capacity, active) VALUES "
                             "($1::uuid, $2::uuid, $3, $4::int, $5::boolean)"
                             " ON CONFLICT (venue_id, id) DO UPDATE SET name = excluded.name, "
                             "capacity = excluded.capacity, active = "
                             "excluded.active"};

enum err catalog_save_resource(struct svc *s, const char *actor, const struct resource *v,
                               bool is_new)
{
    struct db_batch *b = saving(s, is_new);
    DB_ADD(b, &resource_save, v->venue_id.s, v->id.s, v->name, db_int(b, v->capacity),
           db_bool(v->active));
    audit(s, b, actor, is_new ? "resource.create" : "resource.update", &v->id, &v->venue_id);
    return db_run(b, s->deadline);
}

static const struct db_stmt hours_clear = {
    "catalog_hours_clear",
    "DELETE FROM opening_hours WHERE venue_id = $1::uuid AND resource_id = $2::uuid"};
/* $3, $4, $5: weekdays, opens, closes, separated by commas. */
static const struct db_stmt hours_put = {
    "catalog_hours_put", "INSERT INTO opening_hours (venue_id, resource_id, position, weekday, "
                         "opens_minute, closes_minute)"
                         " SELECT $1::uuid, $2::uuid, h.n, h.weekday, h.opens, h.closes"
                         " FROM unnest(string_to_array($3, ',')::int[], string_to_array($4, "
                         "',')::int[], string_to_array($5, ',')::int[])"
                         " WITH ORDINALITY AS h(weekday, opens, closes, n)"};

enum err catalog_save_hours(struct svc *s, const char *actor, const struct resource *r,
                            const struct opening *items, size_t n)
{
    struct sb weekdays, opens, closes;
    sb_init(&weekdays, s->arena, n * 2 + 1);
    sb_init(&opens, s->arena, n * 5 + 1);
    sb_init(&closes, s->arena, n * 5 + 1);
    for (size_t i = 0; i < n; i++) {
        const char *comma = i > 0 ? "," : "";
        sb_printf(&weekdays, "%s%lld", comma, (long long)items[i].weekday);
        sb_printf(&opens, "%s%lld", comma, (long long)items[i].opens_minute);
        sb_printf(&closes, "%s%lld", comma, (long long)items[i].closes_minute);
    }
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    DB_ADD(b, &resource_lock, r->id.s); /* two weeks written at once would mix without it */
    DB_ADD(b, &hours_clear, r->venue_id.s, r->id.s);
    if (n > 0)
        DB_ADD(b, &hours_put, r->venue_id.s, r->id.s, weekdays.p, opens.p, closes.p);
    audit(s, b, actor, "opening_hours.replace", &r->id, &r->venue_id);
    return db_run(b, s->deadline);
}

static const struct db_stmt closure_add = {
    "catalog_closure_add",
    "INSERT INTO closures (venue_id, id, resource_id, starts_at, ends_at, reason)"
    " VALUES ($1::uuid, $2::uuid, $3::uuid, $4::timestamptz, $5::timestamptz, $6)"};
static const struct db_stmt closure_delete = {
    "catalog_closure_delete", "DELETE FROM closures WHERE venue_id = $1::uuid AND id = $2::uuid"};

enum err catalog_add_closure(struct svc *s, const char *actor, const struct closure *c)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    const char *resource = c->resource_id.s[0] != '\0' ? c->resource_id.s : NULL;
    DB_ADD(b, &closure_add, c->venue_id.s, c->id.s, resource, db_time(b, c->starts_at),
           db_time(b, c->ends_at), c->reason);
    audit(s, b, actor, "closure.create", &c->id, &c->venue_id);
    enum err e = db_run(b, s->deadline);
    return e == ERR_DB_FOREIGN_KEY ? ERR_VALIDATION : e;
}

enum err catalog_delete_closure(struct svc *s, const char *actor, const struct closure *c)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    DB_ADD(b, &closure_delete, c->venue_id.s, c->id.s);
    audit(s, b, actor, "closure.delete", &c->id, &c->venue_id);
    return db_run(b, s->deadline);
}
