/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The gateway's payments: create with a card, fetch, list, update, refund, capture, void. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/url.h"
#include "base/uuid.h"
#include "sim_hook.h"
#include "sim_moyasar.h"
#include "sim_moyasar_list.h"

#define VOID_WINDOW_US (2 * 3600 * 1000000LL) /* settled by then */

static void gateway_payment_reply(struct sim_request *r, struct sim_reply *out, int status,
                                  const struct sim_payment *p)
{
    sim_reply_json(r, out, status, sim_payment_json(r->arena, p));
}

/* The payment of the path; NULL: not found, and answered. */
static struct sim_payment *gateway_payment_named(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = sim_payment_find(r->tail);
    if (p == NULL)
        sim_not_found(r, out);
    return p;
}

/* ---- create ---- */

static void gateway_check_source(struct sim_request *r, const json_t *source, json_t *errors)
{
    static const char *const members[] = {"name", "number", "month", "year", "cvc"};
    const char *type = sim_text(source, "type");
    if (type == NULL || strcmp(type, "creditcard") != 0) {
        sim_complain(r, errors, "source.type",
                     type == NULL ? "The value is required." : "The sandbox knows cards only.");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(source, members[i]) == NULL)
            sim_complain(r, errors, arena_printf(r->arena, "source.%s", members[i]),
                         "The value is required.");
}

static void gateway_check_payment(struct sim_request *r, const json_t *in, json_t *errors)
{
    const json_t *amount = json_object_get(in, "amount");
    const char *currency = sim_text(in, "currency"), *callback = sim_text(in, "callback_url"),
               *given = sim_text(in, "given_id");
    struct url u;
    struct uuid id;
    if (!json_is_integer(amount) || json_integer_value(amount) <= 0)
        sim_complain(r, errors, "amount", "The value must be a positive integer.");
    if (currency == NULL || !num_currency_known(str_of(currency)))
        sim_complain(r, errors, "currency",
                     currency == NULL ? "The value is required."
                                      : "The value is not a known currency.");
    if (callback == NULL || !url_parse(str_of(callback), &u))
        sim_complain(r, errors, "callback_url",
                     callback == NULL ? "The value is required."
                                      : "The value must be a valid URL.");
    if (given != NULL && (!uuid_parse(str_of(given), &id) || given[14] != '4'))
        sim_complain(r, errors, "given_id", "The value must be a UUID of version 4.");
    gateway_check_source(r, json_object_get(in, "source"), errors);
    (void)sim_metadata(r, in, errors);
}

static bool gateway_is_true(const json_t *j, const char *key)
{
    const char *text = sim_text(j, key);
    return json_is_true(json_object_get(j, key)) || (text != NULL && strcmp(text, "true") == 0);
}

static bool gateway_is_false(const json_t *j, const char *key)
{
    const char *text = sim_text(j, key);
    return json_is_false(json_object_get(j, key)) || (text != NULL && strcmp(text, "false") == 0);
}

/* A decline is a 201 too: the status tells. */
void sim_payment_create(struct sim_request *r, struct sim_reply *out)
{
    json_t *errors = json_obj(r->arena), *in = sim_sent(r, out);
    if (in == NULL)
        return;
    gateway_check_payment(r, in, errors);
    if (sim_complained(r, out, errors))
        return;
    const json_t *source = json_object_get(in, "source");
    struct sim_attempt attempt = {.given_id = sim_text(in, "given_id"),
                                  .amount = json_integer_value(json_object_get(in, "amount")),
                                  .currency = sim_text(in, "currency"),
                                  .card_number = sim_text(source, "number"),
                                  .name = sim_text(source, "name"),
                                  .manual = gateway_is_true(source, "manual")};
    if (attempt.given_id != NULL && sim_payment_find(attempt.given_id) != NULL) {
        sim_refuse(r, out, 400, "used_given_id",
                   "The given_id provided has been already used with a different payment.");
        return;
    }
    struct sim_payment *p = attempt.card_number != NULL ? sim_payment_new(&attempt) : NULL;
    if (p == NULL) {
        sim_complain(r, errors, "source.number", "The value is no card number.");
        (void)sim_complained(r, out, errors);
        return;
    }
    json_t *metadata = sim_metadata(r, in, errors);
    p->metadata = metadata != NULL ? json_incref(metadata) : NULL;
    p->description = sim_copy(sim_text(in, "description"));
    p->callback_url = sim_copy(sim_text(in, "callback_url"));
    (void)sim_payment_decide(p, attempt.card_number, !gateway_is_false(source, "3ds"));
    gateway_payment_reply(r, out, 201, p);
}

/* ---- fetch, list, update ---- */

void sim_payment_list(struct sim_request *r, struct sim_reply *out)
{
    struct sim_list l;
    if (!sim_list_begin(r, out, &l))
        return;
    for (struct sim_payment *p = sim_payments; p != NULL; p = p->next) {
        sim_payment_refresh(p);
        struct sim_row row = {.id = p->id,
                              .status = p->status,
                              .created = p->created,
                              .updated = p->updated,
                              .metadata = p->metadata,
                              .masked = p->masked,
                              .reference = p->reference};
        if (sim_list_takes(r, &l, &row))
            json_push(r->arena, l.items, sim_payment_json(r->arena, p));
    }
    sim_list_end(r, out, &l, "payments");
}

void sim_payment_fetch(struct sim_request *r, struct sim_reply *out)
{
    const struct sim_payment *p = gateway_payment_named(r, out);
    if (p != NULL)
        gateway_payment_reply(r, out, 200, p);
}

/* Description and metadata can be changed; what else is sent is passed over. */
void sim_payment_update(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = gateway_payment_named(r, out);
    json_t *in = p != NULL ? sim_sent(r, out) : NULL, *errors = json_obj(r->arena);
    if (in == NULL)
        return;
    json_t *metadata = sim_metadata(r, in, errors);
    if (sim_complained(r, out, errors))
        return;
    if (sim_text(in, "description") != NULL) {
        free(p->description);
        p->description = sim_copy(sim_text(in, "description"));
    }
    if (metadata != NULL) {
        json_decref(p->metadata);
        p->metadata = json_incref(metadata);
    }
    p->updated = wall_now();
    gateway_payment_reply(r, out, 200, p);
}

/* ---- refund, capture, void ---- */

static bool gateway_has_status(const struct sim_payment *p, const char *status)
{
    return strcmp(p->status, status) == 0;
}

/* What was sent as amount, or `whole` when nothing was. False: refused, and answered. */
static bool gateway_amount_asked(struct sim_request *r, struct sim_reply *out, int64_t whole,
                                 int64_t *amount)
{
    const json_t *in = sim_sent(r, out), *sent = json_object_get(in, "amount");
    if (in == NULL)
        return false;
    *amount = sent == NULL || json_is_null(sent) ? whole : json_integer_value(sent);
    if (*amount > 0 || whole == 0)
        return true;
    json_t *errors = json_obj(r->arena);
    sim_complain(r, errors, "amount", "The value must be a positive integer.");
    (void)sim_complained(r, out, errors);
    return false;
}

/* A partial refund leaves the status alone: the number tells. */
void sim_payment_refund(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = gateway_payment_named(r, out);
    if (p == NULL)
        return;
    int64_t left = (gateway_has_status(p, "captured") ? p->captured : p->amount) - p->refunded,
            amount;
    if (!gateway_amount_asked(r, out, left, &amount))
        return;
    if (!gateway_has_status(p, "paid") && !gateway_has_status(p, "captured")) {
        sim_refuse(r, out, 400, "invalid_request_error",
                   arena_printf(r->arena, "Refund failed. The Payment is %s.", p->status));
        return;
    }
    if (amount > left) {
        sim_refuse(r, out, 400, "invalid_request_error",
                   "Refund failed. The amount exceeds what is left of the Payment.");
        return;
    }
    p->refunded += amount;
    p->refunded_at = p->updated = wall_now();
    if (amount == left) {
        p->status = "refunded";
        sim_invoice_undo(p);
    }
    sim_hook_event(SIM_EVENT_REFUNDED, sim_payment_json(r->arena, p));
    gateway_payment_reply(r, out, 200, p);
}

void sim_payment_capture(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = gateway_payment_named(r, out);
    int64_t amount;
    if (p == NULL || !gateway_amount_asked(r, out, p->amount, &amount))
        return;
    if (!gateway_has_status(p, "authorized") || amount > p->amount) {
        sim_refuse(r, out, 400, "invalid_request_error",
                   "Capture failed. The Payment can not be captured.");
        return;
    }
    p->status = "captured";
    p->captured = amount;
    p->captured_at = p->updated = wall_now();
    sim_hook_event(SIM_EVENT_CAPTURED, sim_payment_json(r->arena, p));
    gateway_payment_reply(r, out, 200, p);
}

void sim_payment_void(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = gateway_payment_named(r, out);
    if (p == NULL)
        return;
    bool taken = gateway_has_status(p, "paid") || gateway_has_status(p, "authorized") ||
                 gateway_has_status(p, "captured");
    if (!taken || p->refunded > 0 || wall_us_between(p->created, wall_now()) > VOID_WINDOW_US) {
        sim_refuse(r, out, 400, "invalid_request_error",
                   "Void failed. The Payment can not be voided.");
        return;
    }
    p->status = "voided";
    p->voided_at = p->updated = wall_now();
    sim_invoice_undo(p);
    sim_hook_event(SIM_EVENT_VOIDED, sim_payment_json(r->arena, p));
    gateway_payment_reply(r, out, 200, p);
}
