/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Query parameters by the route's table. */
#include "api_priv.h"
#include "base/names.h"
#include "base/num.h"

/* A query on its way into the handler's struct. */
struct reading {
    struct api_request *r;
    const struct api_query_param *param;
    const char *pointer; /* "query:NAME" */
    struct str value;
};

static bool bounded(const struct api_query_param *p)
{
    return p->min != 0 || p->max != 0;
}

static void *field(const struct reading *q)
{
    return (char *)q->r->query_input + q->param->offset;
}

static bool read_string(const struct reading *q)
{
    const struct api_query_param *p = q->param;
    int64_t n = (int64_t)str_utf8_len(q->value);
    if (bounded(p) && (n < p->min || n > p->max)) {
        api_fault(q->r, q->pointer, "must have %lld to %lld characters", (long long)p->min,
                  (long long)p->max);
        return false;
    }
    memcpy(field(q), &q->value.p, sizeof q->value.p);
    return true;
}

static bool read_int(const struct reading *q)
{
    const struct api_query_param *p = q->param;
    int64_t v;
    if (!num_i64(q->value, &v)) {
        api_fault(q->r, q->pointer, "must be an integer");
        return false;
    }
    if (bounded(p) && (v < p->min || v > p->max)) {
        api_fault(q->r, q->pointer, "must be %lld to %lld", (long long)p->min, (long long)p->max);
        return false;
    }
    memcpy(field(q), &v, sizeof v);
    return true;
}

static bool read_bool(const struct reading *q)
{
    bool v = str_eq(q->value, STR("true"));
    if (!v && !str_eq(q->value, STR("false"))) {
        api_fault(q->r, q->pointer, "must be true or false");
        return false;
    }
    memcpy(field(q), &v, sizeof v);
    return true;
}

static bool read_uuid(const struct reading *q)
{
    struct uuid v;
    if (!uuid_parse(q->value, &v)) {
        api_fault(q->r, q->pointer, "must be a UUID");
        return false;
    }
    memcpy(field(q), &v, sizeof v);
    return true;
}

static bool read_time(const struct reading *q)
{
    struct wall v;
    if (!wall_parse(q->value, &v)) {
        api_fault(q->r, q->pointer, "must be an RFC 3339 date-time with an offset");
        return false;
    }
    memcpy(field(q), &v, sizeof v);
    return true;
}

static bool read_choice(const struct reading *q)
{
    static const char *const locales[] = {"ar", "en", NULL};
    const char *const *values = q->param->type == J_LOCALE ? locales : q->param->values;
    const int found = name_find(values, NAMES_UNTIL_NULL, q->value);
    if (found >= 0) {
        memcpy(field(q), &found, sizeof found);
        return true;
    }
    struct sb list;
    sb_init(&list, q->r->svc.arena, 128);
    for (int i = 0; values[i]; i++) {
        sb_printf(&list, "%s\"%s\"", i ? ", " : "", values[i]);
    }
    api_fault(q->r, q->pointer, "must be one of %.*s", STR_ARG(sb_str(&list)));
    return false;
}

static bool (*const readers[])(const struct reading *q) = {
    [J_STRING] = read_string, [J_INT] = read_int,   [J_BOOL] = read_bool,
    [J_UUID] = read_uuid,     [J_TIME] = read_time, [J_LOCALE] = read_choice,
    [J_ENUM] = read_choice,
};

static const struct api_query_param *find(const struct api_route *route, const char *name)
{
    for (const struct api_query_param *p = route->query; p && p->name; p++) {
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

static bool seen_before(const struct http_query *query, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(query->items[i].name, query->items[at].name) == 0)
            return true;
    }
    return false;
}

static void read_item(struct api_request *r, const struct http_query *query, size_t i)
{
    const struct http_query_item *item = &query->items[i];
    const struct api_query_param *p = find(r->route, item->name);
    const char *pointer = arena_printf(r->svc.arena, "query:%.64s", item->name);
    if (!p) {
        if (!r->route->query_open)
            api_fault(r, pointer, "is not a known parameter");
        return;
    }
    if (seen_before(query, i)) {
        api_fault(r, pointer, "is there more than once");
        return;
    }
    const struct reading q = {r, p, pointer, str_of(item->value)};
    if (readers[p->type](&q) && p->present != JSON_NO_PRESENT) {
        const bool yes = true;
        memcpy((char *)r->query_input + p->present, &yes, sizeof yes);
    }
}

enum err api_query(struct api_request *r)
{
    struct arena *a = r->svc.arena;
    if (r->route->query_size)
        r->query_input = arena_alloc(a, r->route->query_size);
    if (!r->head->query.p)
        return ERR_OK;
    struct http_query *query = ARENA_NEW(a, struct http_query);
    if (!http_query_parse(a, r->head->query, query)) {
        if (r->route->query_open && !r->route->query)
            return ERR_OK;
        r->problem.detail = "the query is not well-formed";
        return ERR_BAD_REQUEST;
    }
    unsigned before = r->faults.n;
    for (size_t i = 0; i < query->n; i++)
        read_item(r, query, i);
    return r->faults.n == before ? ERR_OK : ERR_VALIDATION;
}
