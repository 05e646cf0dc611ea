/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The gateway's lists: their filters, and pages of 40. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "http/http_path.h"
#include "sim_moyasar.h"
#include "sim_moyasar_list.h"

#define PAGE_SIZE 40

bool sim_time_parse(struct arena *a, const char *text, struct wall *out)
{
    if (wall_date_valid(str_of(text)))
        text = arena_printf(a, "%sT00:00:00Z", text);
    return wall_parse(str_of(text), out);
}

static bool list_read_filter(struct sim_request *r, struct sim_list *l, const char *name,
                             const char *value)
{
    static const char *const stamps[] = {"created", "updated"};
    if (strcmp(name, "id") == 0)
        l->id = value;
    else if (strcmp(name, "status") == 0)
        l->status = value;
    else if (strcmp(name, "card_last_digits") == 0)
        l->last_digits = value;
    else if (strcmp(name, "receipt_no") == 0)
        l->receipt = value;
    else if (strcmp(name, "page") == 0)
        return num_range(str_of(value), 1, 1000000, &l->page);
    for (size_t i = 0; i < ARRAY_LEN(stamps); i++) {
        if (strcmp(name, arena_printf(r->arena, "%s[gt]", stamps[i])) == 0)
            return sim_time_parse(r->arena, value, &l->after[i]);
        if (strcmp(name, arena_printf(r->arena, "%s[lt]", stamps[i])) == 0)
            return sim_time_parse(r->arena, value, &l->before[i]);
    }
    return true; /* what it does not know it passes over */
}

bool sim_list_begin(struct sim_request *r, struct sim_reply *out, struct sim_list *l)
{
    *l = (struct sim_list){
        .items = json_arr(r->arena), .page = 1, .query = ARENA_NEW(r->arena, struct http_query)};
    if (r->head->query.p != NULL && !http_query_parse(r->arena, r->head->query, l->query)) {
        sim_refuse(r, out, 400, "invalid_request_error", "The query is invalid.");
        return false;
    }
    json_t *errors = json_obj(r->arena);
    for (size_t i = 0; i < l->query->n; i++)
        if (!list_read_filter(r, l, l->query->items[i].name, l->query->items[i].value))
            sim_complain(r, errors, l->query->items[i].name, "The value is invalid.");
    return !sim_complained(r, out, errors);
}

/* Numbers and truth values are compared as they are written. */
static bool list_value_is(struct arena *a, const json_t *value, const char *wanted)
{
    const char *text = json_string_value(value);
    if (text == NULL && value != NULL)
        text = json_is_integer(value)
                   ? arena_printf(a, "%lld", (long long)json_integer_value(value))
               : json_is_real(value)  ? arena_printf(a, "%g", json_real_value(value))
               : json_is_true(value)  ? "true"
               : json_is_false(value) ? "false"
                                      : NULL;
    return text != NULL && strcmp(text, wanted) == 0;
}

static bool list_metadata_match(struct sim_request *r, const struct http_query *q,
                                const json_t *metadata)
{
    static const char head[] = "metadata[";
    for (size_t i = 0; i < q->n; i++) {
        struct str name = str_of(q->items[i].name);
        if (!str_starts(name, STR(head)) || name.p[name.n - 1] != ']')
            continue;
        const char *key = arena_strndup(r->arena, name.p + sizeof head - 1, name.n - sizeof head);
        if (!list_value_is(r->arena, json_object_get(metadata, key), q->items[i].value))
            return false;
    }
    return true;
}

static bool list_time_match(const struct sim_list *l, int i, struct wall at)
{
    return (l->after[i].us == 0 || at.us > l->after[i].us) &&
           (l->before[i].us == 0 || at.us < l->before[i].us);
}

static bool list_text_match(const char *wanted, const char *has)
{
    return wanted == NULL || strcmp(wanted, has) == 0;
}

static bool list_digits_match(const char *wanted, const char *masked)
{
    size_t n = strlen(masked);
    return wanted == NULL || (n >= 4 && strcmp(masked + n - 4, wanted) == 0);
}

static bool list_filters_match(struct sim_request *r, const struct sim_list *l,
                               const struct sim_row *row)
{
    return list_text_match(l->id, row->id) && list_text_match(l->status, row->status) &&
           list_text_match(l->receipt, row->reference) &&
           list_digits_match(l->last_digits, row->masked) && list_time_match(l, 0, row->created) &&
           list_time_match(l, 1, row->updated) && list_metadata_match(r, l->query, row->metadata);
}

bool sim_list_takes(struct sim_request *r, struct sim_list *l, const struct sim_row *row)
{
    if (r->fault.kind != SIM_UNFILTERED && !list_filters_match(r, l, row))
        return false;
    int64_t at = l->seen++;
    return at >= (l->page - 1) * PAGE_SIZE && at < l->page * PAGE_SIZE;
}

void sim_list_end(struct sim_request *r, struct sim_reply *out, struct sim_list *l,
                  const char *name)
{
    struct arena *a = r->arena;
    int64_t pages = (l->seen + PAGE_SIZE - 1) / PAGE_SIZE;
    json_t *meta = json_obj(a), *j = json_obj(a);
    json_put_int(a, meta, "current_page", l->page);
    json_put_int_if(a, meta, "next_page", l->page < pages, l->page + 1);
    json_put_int_if(a, meta, "prev_page", l->page > 1, l->page - 1);
    json_put_int(a, meta, "total_pages", pages > 0 ? pages : 1);
    json_put_int(a, meta, "total_count", l->seen);
    json_put(a, j, name, l->items);
    json_put(a, j, "meta", meta);
    sim_reply_json(r, out, 200, j);
}
