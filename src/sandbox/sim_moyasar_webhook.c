/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The registration of webhooks, and the log of their deliveries. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "sim_hook.h"
#include "sim_moyasar.h"
#include "sim_moyasar_list.h"

static json_t *webhook_show_json(struct arena *a, const struct sim_webhook *w)
{
    json_t *j = json_obj(a), *events = json_arr(a);
    for (int i = 0; i < SIM_EVENT_COUNT; i++)
        if (w->events & 1u << i)
            json_push_str(a, events, sim_event_names[i]);
    json_put_str(a, j, "id", w->id);
    json_put_str(a, j, "http_method", w->method);
    json_put_str(a, j, "url", w->url);
    json_put_str(a, j, "created_at", sim_time_text(a, w->created));
    json_put(a, j, "events", events);
    return j;
}

static struct sim_webhook *webhook_named(struct sim_request *r, struct sim_reply *out)
{
    for (size_t i = 0; i < SIM_WEBHOOKS_MAX; i++)
        if (sim_webhooks[i].id[0] != '\0' && strcmp(sim_webhooks[i].id, r->tail) == 0)
            return &sim_webhooks[i];
    sim_not_found(r, out);
    return NULL;
}

/* The bit of an event's name, in either spelling of the failed one; 0: none. */
static unsigned webhook_event_bit(const char *name)
{
    if (name != NULL && strcmp(name, "payment_failed") == 0)
        name = sim_event_names[SIM_EVENT_FAILED];
    const int i = name_find(sim_event_names, SIM_EVENT_COUNT, str_of(name));
    return i >= 0 ? 1u << i : 0;
}

/* Without `events` a webhook hears of everything. */
static unsigned webhook_check_events(struct sim_request *r, const json_t *in, json_t *errors)
{
    const json_t *list = json_object_get(in, "events");
    unsigned bits = 0;
    if (list == NULL || json_is_null(list))
        return (1u << SIM_EVENT_COUNT) - 1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        unsigned bit = webhook_event_bit(json_string_value(json_array_get(list, i)));
        if (bit == 0)
            sim_complain(r, errors, "events", "The value is not a known event.");
        bits |= bit;
    }
    if (bits == 0 && json_object_get(errors, "events") == NULL)
        sim_complain(r, errors, "events", "The value must be a list of events.");
    return bits;
}

static void webhook_check_method(struct sim_request *r, const json_t *in, json_t *errors,
                                 char out[8])
{
    static const char *const known[] = {"post", "put", "patch", "get"};
    const char *method = sim_text(in, "http_method");
    snprintf(out, 8, "%.7s", method != NULL ? method : "");
    for (char *c = out; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (name_find(known, ARRAY_LEN(known), str_of(out)) >= 0)
        return;
    sim_complain(r, errors, "http_method",
                 method == NULL ? "The value is required." : "The value is not a known method.");
}

void sim_webhook_create(struct sim_request *r, struct sim_reply *out)
{
    json_t *errors = json_obj(r->arena), *in = sim_sent(r, out);
    struct sim_webhook w = {.created = wall_now()}, *place = NULL;
    if (in == NULL)
        return;
    const char *url = sim_text(in, "url"), *secret = sim_text(in, "shared_secret");
    webhook_check_method(r, in, errors, w.method);
    w.events = webhook_check_events(r, in, errors);
    if (url == NULL || !sim_hook_url_fit(url)) /* the real one wants HTTPS */
        sim_complain(r, errors, "url",
                     url == NULL ? "The value is required."
                                 : "The sandbox calls plain HTTP on loopback only.");
    if (secret == NULL || *secret == '\0')
        sim_complain(r, errors, "shared_secret", "The value is required.");
    for (size_t i = 0; i < SIM_WEBHOOKS_MAX && place == NULL; i++)
        if (sim_webhooks[i].id[0] == '\0')
            place = &sim_webhooks[i];
    if (place == NULL)
        sim_complain(r, errors, "url", "There are too many webhooks.");
    if (sim_complained(r, out, errors))
        return;
    sim_new_id(w.id);
    w.url = sim_copy(url);
    w.secret = sim_copy(secret);
    *place = w;
    sim_reply_json(r, out, 201, webhook_show_json(r->arena, place));
}

/* Not in pages. */
void sim_webhook_list(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena), *items = json_arr(r->arena);
    for (size_t i = 0; i < SIM_WEBHOOKS_MAX; i++)
        if (sim_webhooks[i].id[0] != '\0')
            json_push(r->arena, items, webhook_show_json(r->arena, &sim_webhooks[i]));
    json_put(r->arena, j, "webhooks", items);
    sim_reply_json(r, out, 200, j);
}

void sim_webhook_fetch(struct sim_request *r, struct sim_reply *out)
{
    const struct sim_webhook *w = webhook_named(r, out);
    if (w != NULL)
        sim_reply_json(r, out, 200, webhook_show_json(r->arena, w));
}

void sim_webhook_delete(struct sim_request *r, struct sim_reply *out)
{
    struct sim_webhook *w = webhook_named(r, out);
    if (w == NULL)
        return;
    free(w->url);
    free(w->secret);
    *w = (struct sim_webhook){.url = NULL};
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "message", "Webhook was deleted successfully");
    sim_reply_json(r, out, 200, j);
}

/* This list spells the failed one right; the events themselves do not. */
void sim_webhook_events(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena), *items = json_arr(r->arena);
    for (int i = 0; i < SIM_EVENT_COUNT; i++)
        json_push_str(r->arena, items,
                      i == SIM_EVENT_FAILED ? "payment_failed" : sim_event_names[i]);
    json_put(r->arena, j, "events", items);
    sim_reply_json(r, out, 200, j);
}

void sim_webhook_attempts(struct sim_request *r, struct sim_reply *out)
{
    struct sim_list l;
    if (!sim_list_begin(r, out, &l))
        return;
    json_t *attempt;
    for (size_t i = 0; (attempt = sim_hook_attempt(i)) != NULL; i++) {
        struct sim_row row = {.id = sim_text(attempt, "id"),
                              .status = sim_text(attempt, "result"),
                              .masked = "",
                              .reference = ""};
        if (sim_list_takes(r, &l, &row))
            json_push(r->arena, l.items, attempt);
    }
    sim_list_end(r, out, &l, "webhook_attempts");
}

void sim_webhook_attempt(struct sim_request *r, struct sim_reply *out)
{
    json_t *attempt;
    for (size_t i = 0; (attempt = sim_hook_attempt(i)) != NULL; i++) {
        if (strcmp(sim_text(attempt, "id"), r->tail) == 0) {
            sim_reply_json(r, out, 200, attempt);
            return;
        }
    }
    sim_not_found(r, out);
}
