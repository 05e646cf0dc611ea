/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The gateway's invoices: create, bulk, fetch, list, update, cancel. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/url.h"
#include "sim_moyasar.h"
#include "sim_moyasar_list.h"

#define BULK_MAX 50
#define AMOUNT_MIN 100

static json_t *invoice_shown(struct sim_request *r, struct sim_invoice *v)
{
    json_t *j = sim_invoice_json(r->arena, v);
    if (r->fault.kind == SIM_BARE)
        json_put(r->arena, j, "payments", json_arr(r->arena));
    return j;
}

static void invoice_reply(struct sim_request *r, struct sim_reply *out, int status,
                          struct sim_invoice *v)
{
    sim_reply_json(r, out, status, invoice_shown(r, v));
}

/* The invoice of the path; NULL: not found, and answered. */
static struct sim_invoice *invoice_named(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = sim_invoice_find(r->tail);
    if (v == NULL)
        sim_not_found(r, out);
    return v;
}

/* ---- what may be asked for ---- */

static void invoice_check_url(struct sim_request *r, const json_t *in, const char *field,
                              json_t *errors)
{
    const json_t *value = json_object_get(in, field);
    struct url u;
    if (value != NULL && !json_is_null(value) && !url_parse(str_of(json_string_value(value)), &u))
        sim_complain(r, errors, field, "The value must be a valid URL.");
}

static struct wall invoice_check_expiry(struct sim_request *r, const json_t *in, json_t *errors)
{
    const json_t *value = json_object_get(in, "expired_at");
    const char *text = json_string_value(value);
    struct wall at = {0}, now = wall_now();
    char written[WALL_RFC3339_MAX];
    if (value == NULL || json_is_null(value))
        return at;
    if (text == NULL || !sim_time_parse(r->arena, text, &at))
        sim_complain(r, errors, "expired_at", "The value is not a valid date.");
    else if (at.us <= now.us)
        sim_complain(r, errors, "expired_at",
                     arena_printf(r->arena,
                                  "The value must be greater than or equal to %.10s %.8s +0000.",
                                  wall_format(now, written), wall_format(now, written) + 11));
    return at;
}

static void invoice_check_fields(struct sim_request *r, const json_t *in, json_t *errors)
{
    const json_t *amount = json_object_get(in, "amount");
    const char *currency = sim_text(in, "currency"), *description = sim_text(in, "description");
    if (!json_is_integer(amount))
        sim_complain(r, errors, "amount",
                     amount == NULL ? "The value is required." : "The value must be an integer.");
    else if (json_integer_value(amount) < AMOUNT_MIN)
        sim_complain(r, errors, "amount", "The value must be greater than or equal to 100.");
    if (currency == NULL || !num_currency_known(str_of(currency)))
        sim_complain(r, errors, "currency",
                     currency == NULL ? "The value is required."
                                      : "The value is not a known currency.");
    if (description == NULL || *description == '\0')
        sim_complain(r, errors, "description", "The value is required.");
    invoice_check_url(r, in, "callback_url", errors);
    invoice_check_url(r, in, "success_url", errors);
    invoice_check_url(r, in, "back_url", errors);
    (void)invoice_check_expiry(r, in, errors);
    (void)sim_metadata(r, in, errors);
}

/* From what check_invoice found no fault with. */
static struct sim_invoice *invoice_add_new(struct sim_request *r, const json_t *in)
{
    json_t *none = json_obj(r->arena), *metadata = sim_metadata(r, in, none);
    struct sim_invoice *v = sim_invoice_new();
    v->amount = json_integer_value(json_object_get(in, "amount"));
    snprintf(v->currency, sizeof v->currency, "%s", sim_text(in, "currency"));
    v->description = sim_copy(sim_text(in, "description"));
    v->callback_url = sim_copy(sim_text(in, "callback_url"));
    v->success_url = sim_copy(sim_text(in, "success_url"));
    v->back_url = sim_copy(sim_text(in, "back_url"));
    v->expires = invoice_check_expiry(r, in, none);
    v->metadata = metadata != NULL ? json_incref(metadata) : NULL;
    return v;
}

/* ---- the calls ---- */

void sim_invoice_create(struct sim_request *r, struct sim_reply *out)
{
    json_t *errors = json_obj(r->arena), *in = sim_sent(r, out);
    if (in == NULL)
        return;
    invoice_check_fields(r, in, errors);
    if (!sim_complained(r, out, errors))
        invoice_reply(r, out, 201, invoice_add_new(r, in));
}

/* All or none. */
void sim_invoice_bulk(struct sim_request *r, struct sim_reply *out)
{
    struct arena *a = r->arena;
    json_t *errors = json_obj(a), *in = sim_sent(r, out), *made = json_arr(a), *j = json_obj(a);
    if (in == NULL)
        return;
    const json_t *list = json_object_get(in, "invoices");
    size_t n = json_array_size(list);
    if (n < 1 || n > BULK_MAX)
        sim_complain(r, errors, "invoices", "The value must be a list of 1 to 50 invoices.");
    for (size_t i = 0; i < n && n <= BULK_MAX; i++)
        invoice_check_fields(r, json_array_get(list, i), errors);
    if (sim_complained(r, out, errors))
        return;
    for (size_t i = 0; i < n; i++)
        json_push(a, made, sim_invoice_json(a, invoice_add_new(r, json_array_get(list, i))));
    json_put(a, j, "invoices", made);
    sim_reply_json(r, out, 201, j);
}

void sim_invoice_list(struct sim_request *r, struct sim_reply *out)
{
    struct sim_list l;
    if (!sim_list_begin(r, out, &l))
        return;
    for (struct sim_invoice *v = sim_invoices; v != NULL; v = v->next) {
        sim_invoice_refresh(v);
        struct sim_row row = {.id = v->id,
                              .status = v->status,
                              .created = v->created,
                              .updated = v->updated,
                              .metadata = v->metadata,
                              .masked = "",
                              .reference = ""};
        if (sim_list_takes(r, &l, &row))
            json_push(r->arena, l.items, invoice_shown(r, v));
    }
    sim_list_end(r, out, &l, "invoices");
}

void sim_invoice_fetch(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = invoice_named(r, out);
    if (v != NULL)
        invoice_reply(r, out, 200, v);
}

/* Metadata alone can be changed; what else is sent is passed over. */
void sim_invoice_update(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = invoice_named(r, out);
    json_t *in = v != NULL ? sim_sent(r, out) : NULL, *errors = json_obj(r->arena);
    if (in == NULL)
        return;
    json_t *metadata = sim_metadata(r, in, errors);
    if (sim_complained(r, out, errors))
        return;
    if (metadata != NULL) {
        json_decref(v->metadata);
        v->metadata = json_incref(metadata);
        v->updated = wall_now();
    }
    invoice_reply(r, out, 200, v);
}

void sim_invoice_cancel(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = invoice_named(r, out);
    if (v == NULL)
        return;
    if (strcmp(v->status, "initiated") != 0) {
        sim_refuse(r, out, 400, "invalid_request_error",
                   arena_printf(r->arena, "Cancel failed. The Invoice is already %s.", v->status));
        return;
    }
    v->status = "canceled";
    v->updated = wall_now();
    invoice_reply(r, out, 200, v);
}
