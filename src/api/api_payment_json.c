/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * How payments, refunds and money taken on site look in answers, and what else all handlers of
 * payments share: how a failure is told, and where a payer may be sent back to. Called by the
 * handlers of customers and of staff, so that both see the same members (openapi.yaml).
 */
#include "api/api_payment_json.h"

#include "base/url.h"

/* The same members for customers and staff, for one payment and in lists. */
json_t *api_payment_json(const struct api_request *r, const struct payment *p)
{
    struct arena *a = r->svc.arena;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", p->id.s);
    json_put_str(a, j, "booking_id", p->booking_id.s);
    json_put_str(a, j, "status", payment_state_names[p->state]);
    json_put_int(a, j, "amount", p->amount);
    json_put_int(a, j, "refunded_amount", p->refunded);
    json_put_int(a, j, "due_on_site", p->rest);
    json_put_str(a, j, "currency", p->currency);
    /* Only where another amount was paid than asked for. Once staff have accepted it, amount holds
     * what was paid, and expected_amount what was asked for. */
    if (p->expected_currency != NULL || p->state == PAYMENT_MISMATCH) {
        /* Staff's decision moves the amounts; before it the row still holds what was asked for. */
        bool decided = p->expected_currency != NULL;
        json_put_int(a, j, "expected_amount", decided ? p->expected_amount : p->amount);
        json_put_str(a, j, "expected_currency", decided ? p->expected_currency : p->currency);
        json_put_int_if(a, j, "paid_amount", p->paid_amount >= 0, p->paid_amount);
        json_put_str(a, j, "paid_currency", p->paid_currency);
    }
    json_put_str(a, j, "gateway", config_gateway_name(r->svc.cfg));
    json_put_str(a, j, "gateway_id", p->gateway_id);
    json_put_str(a, j, "redirect_url", p->redirect_url);
    json_put_time(a, j, "created_at", p->created_at);
    return j;
}

/* What of the gateway's answers about it was not understood; NULL: nothing. Staff see the words as
 * they came, so that a person can judge what the program could not (BEHAVIOUR §6). */
static json_t *api_payment_odd_json(const struct api_request *r, struct db_rows odd,
                                    const struct payment *p)
{
    struct arena *a = r->svc.arena;
    json_t *items = NULL;
    for (int i = 0; i < db_count(odd); i++) {
        if (strcmp(db_get_str(odd, i, "payment_id"), p->id.s) != 0)
            continue;
        if (items == NULL)
            items = json_arr(a);
        json_t *j = json_obj(a);
        json_put_str(a, j, "thing", db_get_str(odd, i, "thing"));
        json_put_str(a, j, "value", db_get_str(odd, i, "value"));
        json_put_time(a, j, "first_seen_at", db_get_time(odd, i, "seen_us"));
        json_push(a, items, j);
    }
    return items;
}

/* For staff: each payment of a booking, with what of the gateway's answers was not understood. */
json_t *api_payments_json(const struct api_request *r, struct db_rows rows, struct db_rows odd)
{
    struct arena *a = r->svc.arena;
    json_t *items = json_arr(a);
    for (int i = 0; i < db_count(rows); i++) {
        struct payment p;
        payment_read(rows, i, &p);
        json_t *j = api_payment_json(r, &p), *strange = api_payment_odd_json(r, odd, &p);
        if (strange != NULL)
            json_put(a, j, "not_understood", strange);
        json_push(a, items, j);
    }
    return items;
}

/* Those in doubt and those refused too, each with its fault: staff must see what was not given
 * back. */
json_t *api_refunds_json(struct arena *a, struct db_rows rows)
{
    json_t *items = json_arr(a);
    for (int i = 0; i < db_count(rows); i++) {
        json_t *j = json_obj(a);
        json_put_str(a, j, "id", db_get_str(rows, i, "id"));
        json_put_str(a, j, "payment_id", db_get_str(rows, i, "payment_id"));
        json_put_int(a, j, "amount", db_get_int(rows, i, "amount"));
        json_put_str(a, j, "status", db_get_str(rows, i, "status"));
        json_put_str(a, j, "actor", db_get_str(rows, i, "actor"));
        json_put_str(a, j, "reason", db_get(rows, i, "reason"));
        json_put_str(a, j, "fault", db_get(rows, i, "fault"));
        json_put_bool(a, j, "cancels_booking", db_get_bool(rows, i, "cancels_booking"));
        json_put_time(a, j, "asked_at", db_get_time(rows, i, "asked_us"));
        json_push(a, items, j);
    }
    return items;
}

/* recorded_by is the name of the key: the money is counted against the people at the desk. */
json_t *api_site_payment_json(struct arena *a, const struct site_payment *p)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", p->id.s);
    json_put_str(a, j, "booking_id", p->booking_id.s);
    json_put_str(a, j, "method", site_method_names[p->method]);
    json_put_int(a, j, "amount", p->amount);
    json_put_str(a, j, "currency", p->currency);
    json_put_str(a, j, "recorded_by", p->actor);
    json_put_time(a, j, "created_at", p->created_at);
    return j;
}

json_t *api_site_payments_json(struct arena *a, struct db_rows rows)
{
    json_t *items = json_arr(a);
    for (int i = 0; i < db_count(rows); i++) {
        struct site_payment p;
        site_payment_read(rows, i, &p);
        json_push(a, items, api_site_payment_json(a, &p));
    }
    return items;
}

/* ---- what handlers share ---- */

/* payment_id is shown only when the outcome is unknown: then the client asks about that payment
 * before it tries again (BEHAVIOUR §3). */
enum err api_payment_fault(struct api_request *r, enum err e, const struct payment_fault *fault)
{
    if (e != ERR_OK && fault->retryable)
        api_idem_passing(r);
    if (!err_is_provider(e))
        return e;
    r->problem.payment_id = fault->unknown ? fault->payment_id : NULL;
    return api_provider_failed(r, e, fault->unknown, fault->retry_after_s);
}

/* Only origins that the operator listed: an open redirect would let anybody send our users, under
 * our name, to a page of theirs. Scheme, host and port are compared, as browsers do. */
bool api_payment_return_url_fit(struct api_request *r, const char *text)
{
    const struct config *cfg = r->svc.cfg;
    struct url url, allowed;
    bool fit = false;
    const char *origin = url_parse(str_of(text), &url) ? url_origin(r->svc.arena, &url) : "";
    for (size_t i = 0; i < cfg->payments.return_origins_n; i++)
        fit |= url_parse(str_of(cfg->payments.return_origins[i]), &allowed) &&
               strcmp(url_origin(r->svc.arena, &allowed), origin) == 0;
    if (!fit)
        api_fault(r, "/return_url", "must be of an origin that payments.return_origins lists");
    return fit;
}
