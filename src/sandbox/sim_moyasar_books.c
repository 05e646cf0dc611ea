/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Invoices and payments of the simulated gateway: kept in memory, shaped as recorded answers of the
 * real one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "sim_hook.h"
#include "sim_moyasar.h"

#define BOOKS_MAX 20000                 /* of either kind */
#define PAY_WINDOW_US (900 * 1000000LL) /* a payer who has not finished by then has failed */

struct sim_invoice *sim_invoices;
struct sim_payment *sim_payments;
static struct sim_invoice *oldest_invoice;
static struct sim_payment *oldest_payment;
static size_t invoices_n, payments_n;
static char base_url[256];

static const struct sim_card cards[] = {
    {"4201320111111010", "mada", NULL, "00", false},
    {"4111111111111111", "visa", NULL, "00", false},
    {"4111114005765430", "visa", NULL, "00", true},
    {"5421080101000000", "master", NULL, "00", false},
    {"340000000900000", "amex", NULL, "00", false},
    {"4201320000311101", "mada", "INSUFFICIENT FUNDS", "51", true},
    {"5457210001000092", "master", "INSUFFICIENT FUNDS", "51", true},
};

const struct sim_card *sim_card_find(const char *number)
{
    for (size_t i = 0; i < ARRAY_LEN(cards); i++)
        if (strcmp(cards[i].number, number) == 0)
            return &cards[i];
    return NULL;
}

static void *books_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL) {
        fputs("bookingd-sandbox: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void books_new_digits(char *out, size_t n)
{
    unsigned char b[16];
    rng_bytes(b, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)('0' + b[i] % 10);
    out[n] = '\0';
}

void sim_base_set(const struct http_head *head)
{
    struct str host = http_header(head, "Host");
    snprintf(base_url, sizeof base_url, "http://%.*s", STR_ARG(host));
}

const char *sim_base_url(void)
{
    return base_url;
}

/* ---- keeping ---- */

static void books_forget_invoice(struct sim_invoice *v)
{
    oldest_invoice = v->prev;
    v->prev->next = NULL;
    free(v->description);
    free(v->callback_url);
    free(v->success_url);
    free(v->back_url);
    json_decref(v->metadata);
    free(v);
    invoices_n--;
}

struct sim_invoice *sim_invoice_new(void)
{
    if (invoices_n >= BOOKS_MAX)
        books_forget_invoice(oldest_invoice);
    struct sim_invoice *v = books_alloc(sizeof *v);
    sim_new_id(v->id);
    v->status = "initiated";
    v->created = v->updated = wall_now();
    v->next = sim_invoices;
    if (sim_invoices != NULL)
        sim_invoices->prev = v;
    else
        oldest_invoice = v;
    sim_invoices = v;
    invoices_n++;
    return v;
}

static void books_forget_payment(struct sim_payment *p)
{
    oldest_payment = p->prev;
    p->prev->next = NULL;
    free(p->description);
    free(p->callback_url);
    free(p->name);
    json_decref(p->metadata);
    free(p);
    payments_n--;
}

static void books_keep_payment(struct sim_payment *p)
{
    if (payments_n >= BOOKS_MAX)
        books_forget_payment(oldest_payment);
    p->next = sim_payments;
    if (sim_payments != NULL)
        sim_payments->prev = p;
    else
        oldest_payment = p;
    sim_payments = p;
    payments_n++;
}

struct sim_invoice *sim_invoice_find(const char *id)
{
    for (struct sim_invoice *v = sim_invoices; v != NULL; v = v->next) {
        if (strcmp(v->id, id) == 0) {
            sim_invoice_refresh(v);
            return v;
        }
    }
    return NULL;
}

struct sim_payment *sim_payment_find(const char *id)
{
    for (struct sim_payment *p = sim_payments; p != NULL; p = p->next) {
        if (strcmp(p->id, id) == 0) {
            sim_payment_refresh(p);
            return p;
        }
    }
    return NULL;
}

void sim_invoice_refresh(struct sim_invoice *v)
{
    if (strcmp(v->status, "initiated") == 0 && v->expires.us != 0 &&
        wall_now().us >= v->expires.us) {
        v->status = "expired";
        v->updated = v->expires;
    }
}

void sim_payment_refresh(struct sim_payment *p)
{
    if (strcmp(p->status, "initiated") == 0 &&
        wall_us_between(p->created, wall_now()) > PAY_WINDOW_US)
        sim_payment_settle(p, false, "Allowed time frame for transaction has been expired.", NULL);
}

/* ---- paying ---- */

struct sim_payment *sim_payment_new(const struct sim_attempt *in)
{
    size_t digits = strspn(in->card_number, "0123456789");
    if (digits < 12 || digits > 19 || in->card_number[digits] != '\0')
        return NULL;
    const struct sim_card *card = sim_card_find(in->card_number);
    struct sim_payment *p = books_alloc(sizeof *p);
    if (in->given_id != NULL)
        snprintf(p->id, sizeof p->id, "%s", in->given_id);
    else
        sim_new_id(p->id);
    p->status = "initiated";
    p->amount = in->amount;
    p->manual = in->manual;
    snprintf(p->currency, sizeof p->currency, "%s", in->currency);
    snprintf(p->masked, sizeof p->masked, "%.4s-%.2sXX-XXXX-%s", in->card_number,
             in->card_number + 4, in->card_number + digits - 4);
    books_new_digits(p->reference, sizeof p->reference - 1);
    p->name = sim_copy(in->name);
    p->company = card != NULL ? card->company : "visa";
    p->created = p->updated = wall_now();
    if (in->invoice != NULL) {
        snprintf(p->invoice_id, sizeof p->invoice_id, "%s", in->invoice->id);
        p->description = sim_copy(in->invoice->description);
        p->metadata = in->invoice->metadata != NULL ? json_incref(in->invoice->metadata) : NULL;
    }
    books_keep_payment(p);
    return p;
}

static enum sim_event books_settle_approved(struct sim_payment *p)
{
    books_new_digits(p->authorization, sizeof p->authorization - 1);
    p->status = p->manual ? "authorized" : "paid";
    return p->manual ? SIM_EVENT_AUTHORIZED : SIM_EVENT_PAID;
}

void sim_payment_settle(struct sim_payment *p, bool approved, const char *message,
                        const char *response_code)
{
    struct arena *a = strcmp(p->status, "initiated") == 0 ? arena_new(8192) : NULL;
    if (a == NULL)
        return;
    enum sim_event event = SIM_EVENT_FAILED;
    p->message = message;
    p->response_code = response_code;
    p->updated = wall_now();
    if (approved)
        event = books_settle_approved(p);
    else
        p->status = "failed";
    struct sim_invoice *v = sim_invoice_find(p->invoice_id);
    if (event == SIM_EVENT_PAID && v != NULL && strcmp(v->status, "paid") != 0) {
        v->status = "paid";
        v->updated = p->updated;
        if (v->callback_url != NULL)
            sim_hook_callback(v->callback_url, sim_invoice_json(a, v));
    }
    sim_hook_event(event, sim_payment_json(a, p));
    arena_free(a);
}

bool sim_payment_decide(struct sim_payment *p, const char *card_number, bool secure)
{
    const struct sim_card *card = sim_card_find(card_number);
    if (card == NULL)
        sim_payment_settle(p, false, "UNSPECIFIED FAILURE", "99");
    else if (card->decline != NULL)
        sim_payment_settle(p, false, card->decline, card->response_code);
    else if (card->frictionless || !secure)
        sim_payment_settle(p, true, "APPROVED", card->response_code);
    else
        return false;
    return true;
}

void sim_invoice_undo(const struct sim_payment *p)
{
    struct sim_invoice *v = sim_invoice_find(p->invoice_id);
    if (v == NULL || strcmp(v->status, "paid") != 0)
        return;
    for (const struct sim_payment *other = sim_payments; other != NULL; other = other->next)
        if (strcmp(other->invoice_id, v->id) == 0 && strcmp(other->status, "paid") == 0)
            return; /* another one still pays it */
    v->status = p->status;
    v->updated = p->updated;
}

/* ---- showing ---- */

static void books_put_metadata(struct arena *a, json_t *j, json_t *metadata)
{
    json_put(a, j, "metadata", metadata != NULL ? metadata : json_null());
}

static json_t *books_source_json(struct arena *a, const struct sim_payment *p)
{
    bool waits = strcmp(p->status, "initiated") == 0;
    json_t *j = json_obj(a);
    json_put_str(a, j, "type", "creditcard");
    json_put_str(a, j, "company", p->company);
    json_put_str(a, j, "name", p->name);
    json_put_str(a, j, "number", p->masked);
    json_put_str(a, j, "gateway_id", arena_printf(a, "moyasar_cc_%.22s", p->id));
    json_put_null(a, j, "token");
    json_put_str(a, j, "message", p->message);
    json_put_str(a, j, "transaction_url",
                 waits ? arena_printf(a, "%s/3ds/%s", base_url, p->id) : NULL);
    json_put_str(a, j, "reference_number", waits ? NULL : p->reference);
    json_put_str(a, j, "authorization_code", p->authorization[0] != '\0' ? p->authorization : NULL);
    json_put_str(a, j, "response_code", p->response_code);
    json_put_str(a, j, "issuer_name", "SANDBOX BANK");
    json_put_str(a, j, "issuer_country", "SA");
    json_put_str(a, j, "issuer_card_type", "debit");
    json_put_str(a, j, "issuer_card_category", "CLASSIC");
    return j;
}

json_t *sim_payment_json(struct arena *a, const struct sim_payment *p)
{
    bool invoiced = p->invoice_id[0] != '\0';
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", p->id);
    json_put_str(a, j, "status", p->status);
    json_put_int(a, j, "amount", p->amount);
    json_put_int(a, j, "fee", 0);
    json_put_str(a, j, "currency", p->currency);
    json_put_int(a, j, "refunded", p->refunded);
    json_put_str(a, j, "refunded_at", sim_time_text(a, p->refunded_at));
    json_put_int(a, j, "captured", p->captured);
    json_put_str(a, j, "captured_at", sim_time_text(a, p->captured_at));
    json_put_str(a, j, "voided_at", sim_time_text(a, p->voided_at));
    json_put_str(a, j, "description", p->description);
    json_put_str(a, j, "amount_format", sim_amount_text(a, p->amount, p->currency));
    json_put_str(a, j, "fee_format", sim_amount_text(a, 0, p->currency));
    json_put_str(a, j, "refunded_format", sim_amount_text(a, p->refunded, p->currency));
    json_put_str(a, j, "captured_format", sim_amount_text(a, p->captured, p->currency));
    json_put_str(a, j, "invoice_id", invoiced ? p->invoice_id : NULL);
    json_put_str(a, j, "ip", "127.0.0.1");
    json_put_str(a, j, "callback_url",
                 invoiced ? arena_printf(a, "%s/invoices/%s", base_url, p->invoice_id)
                          : p->callback_url);
    json_put_str(a, j, "created_at", sim_time_text(a, p->created));
    json_put_str(a, j, "updated_at", sim_time_text(a, p->updated));
    books_put_metadata(a, j, p->metadata);
    json_put(a, j, "source", books_source_json(a, p));
    return j;
}

json_t *sim_invoice_json(struct arena *a, struct sim_invoice *v)
{
    sim_invoice_refresh(v);
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id);
    json_put_str(a, j, "status", v->status);
    json_put_int(a, j, "amount", v->amount);
    json_put_str(a, j, "currency", v->currency);
    json_put_str(a, j, "description", v->description);
    json_put_null(a, j, "logo_url");
    json_put_str(a, j, "amount_format", sim_amount_text(a, v->amount, v->currency));
    json_put_str(a, j, "url", arena_printf(a, "%s/invoices/%s", base_url, v->id));
    json_put_str(a, j, "callback_url", v->callback_url);
    json_put_str(a, j, "expired_at", sim_time_text(a, v->expires));
    json_put_str(a, j, "created_at", sim_time_text(a, v->created));
    json_put_str(a, j, "updated_at", sim_time_text(a, v->updated));
    json_put_str(a, j, "back_url", v->back_url);
    json_put_str(a, j, "success_url", v->success_url);
    books_put_metadata(a, j, v->metadata);
    json_t *list = json_arr(a);
    for (struct sim_payment *p = sim_payments; p != NULL; p = p->next)
        if (strcmp(p->invoice_id, v->id) == 0)
            json_push(a, list, sim_payment_json(a, p));
    json_put(a, j, "payments", list);
    return j;
}
