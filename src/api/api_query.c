/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Query parameters by the route's schema. Called by api_input.c before the handler runs. Unknown
 * and repeated parameters are faults: a filter that is spelled wrong must not look like one that
 * found everything. */
#include "api_priv.h"
#include "base/names.h"

/* Each pair is compared: http_query_parse() bounds how many there are. */
static bool api_query_repeated(const struct http_query *query, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(query->items[i].name, query->items[at].name) == 0)
            return true;
    }
    return false;
}

static bool api_query_item(struct api_request *r, const struct http_query *query, size_t i)
{
    const struct http_query_item *item = &query->items[i];
    const struct schema_row *row = schema_find(r->route->query, item->name);
    /* A name may be as long as the head; the fault repeats its beginning only. */
    const char *pointer = arena_printf(r->svc.arena, "query:%.64s", item->name);
    if (!row && r->route->query_open)
        return true;
    if (row && !api_query_repeated(query, i))
        return schema_read_text(row, str_of(item->value), r->query_input, pointer, &r->faults);
    api_fault(r, pointer, row ? "is given more than once" : "is not a known parameter");
    return false;
}

enum err api_query(struct api_request *r)
{
    struct arena *a = r->svc.arena;
    if (r->route->query_size)
        r->query_input = arena_alloc(a, r->route->query_size);
    if (!r->head->query.p)
        return ERR_OK;
    struct http_query *query = ARENA_NEW(a, struct http_query);
    /* A gateway adds parameters of its own in any form; on such routes they are not read at all. */
    if (!http_query_parse(a, r->head->query, query)) {
        if (r->route->query_open && !r->route->query)
            return ERR_OK;
        r->problem.detail = "The query is not well-formed.";
        return ERR_BAD_REQUEST;
    }
    bool good = true;
    for (size_t i = 0; i < query->n; i++)
        good &= api_query_item(r, query, i);
    return good ? ERR_OK : ERR_VALIDATION;
}

/* ---- for handlers ---- */

/* A date that the calendar has, or NULL: a text that is none is a fault and must not reach the
 * database. */
const char *api_query_date(struct api_request *r, const char *text, const char *pointer)
{
    if (!text || wall_date_valid(str_of(text)))
        return text;
    api_fault(r, pointer, "must be a date, YYYY-MM-DD");
    return NULL;
}

/* Every name is looked up, so nothing of the caller's text reaches the array literal. */
const char *api_query_states(struct api_request *r, const char *text, const char *const *names)
{
    if (!text)
        return NULL;
    struct sb list;
    sb_init(&list, r->svc.arena, 128);
    struct str rest = str_of(text);
    while (rest.n > 0) {
        const int i = name_find(names, NAMES_UNTIL_NULL, str_cut(&rest, ','));
        if (i < 0) {
            api_fault(r, "query:status", "must be one or more states, separated by commas");
            return NULL;
        }
        sb_printf(&list, "%s%s", sb_str(&list).n > 0 ? "," : "{", names[i]);
    }
    sb_putc(&list, '}');
    return arena_strndup(r->svc.arena, sb_str(&list).p, sb_str(&list).n);
}
