/* Invoices and payments of the simulated gateway: kept in memory, shaped as recorded answers of the real one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "sim_moyasar.h"

struct sim_invoice *sim_invoices;
struct sim_payment *sim_payments;

static const struct sim_card cards[] = {
    {"4201320111111010", "mada", NULL, false},
    {"4111111111111111", "visa", NULL, false},
    {"4111114005765430", "visa", NULL, true},
    {"5421080101000000", "master", NULL, false},
    {"340000000900000", "amex", NULL, false},
    {"4201320000311101", "mada", "INSUFFICIENT FUNDS", true},
    {"5457210001000092", "master", "INSUFFICIENT FUNDS", true},
};

const struct sim_card *sim_card_find(const char *number)
{
    for (size_t i = 0; i < ARRAY_LEN(cards); i++)
        if (strcmp(cards[i].number, number) == 0)
            return &cards[i];
    return NULL;
}

void sim_new_id(char out[SIM_ID_MAX])
{
    unsigned char b[16];
    rng_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, SIM_ID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
             b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
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
    for (struct sim_payment *p = sim_payments; p != NULL; p = p->next)
        if (strcmp(p->id, id) == 0)
            return p;
    return NULL;
}

void sim_invoice_refresh(struct sim_invoice *v)
{
    if (strcmp(v->status, "initiated") == 0 && v->expires.us != 0 && wall_now().us >= v->expires.us) {
        v->status = "expired";
        v->updated = v->expires;
    }
}

/* "120.00 SAR": for display only, as the gateway's *_format members. */
static const char *display(struct arena *a, int64_t minor, const char *currency)
{
    int digits = num_currency_digits(currency);
    int64_t scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    if (digits == 0)
        return arena_printf(a, "%lld %s", (long long)minor, currency);
    return arena_printf(a, "%lld.%0*lld %s", (long long)(minor / scale), digits, (long long)(minor % scale), currency);
}

static void put_metadata(struct arena *a, json_t *j, json_t *metadata)
{
    json_put(a, j, "metadata", metadata != NULL ? metadata : json_null());
}

json_t *sim_payment_json(struct arena *a, const struct sim_payment *p, const char *base)
{
    bool waits = strcmp(p->status, "initiated") == 0;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", p->id);
    json_put_str(a, j, "status", p->status);
    json_put_int(a, j, "amount", p->amount);
    json_put_int(a, j, "fee", 0);
    json_put_str(a, j, "currency", p->currency);
    json_put_int(a, j, "refunded", p->refunded);
    json_put_null(a, j, "refunded_at");
    json_put_int(a, j, "captured", 0);
    json_put_null(a, j, "captured_at");
    json_put_null(a, j, "voided_at");
    json_put_str(a, j, "description", p->description);
    json_put_str(a, j, "amount_format", display(a, p->amount, p->currency));
    json_put_str(a, j, "fee_format", display(a, 0, p->currency));
    json_put_str(a, j, "refunded_format", display(a, p->refunded, p->currency));
    json_put_str(a, j, "captured_format", display(a, 0, p->currency));
    json_put_str(a, j, "invoice_id", p->invoice_id[0] != '\0' ? p->invoice_id : NULL);
    json_put_str(a, j, "ip", "127.0.0.1");
    json_put_str(a, j, "callback_url", p->callback_url);
    json_put_time(a, j, "created_at", p->created);
    json_put_time(a, j, "updated_at", p->updated);
    put_metadata(a, j, p->metadata);
    json_t *source = json_obj(a);
    json_put_str(a, source, "type", "creditcard");
    json_put_str(a, source, "company", p->company);
    json_put_str(a, source, "name", "Test Customer");
    json_put_str(a, source, "number", p->masked);
    json_put_str(a, source, "message", p->message);
    json_put_str(a, source, "transaction_url", waits ? arena_printf(a, "%s/3ds/%s", base, p->id) : NULL);
    json_put(a, j, "source", source);
    return j;
}

json_t *sim_invoice_json(struct arena *a, struct sim_invoice *v, const char *base)
{
    sim_invoice_refresh(v);
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id);
    json_put_str(a, j, "status", v->status);
    json_put_int(a, j, "amount", v->amount);
    json_put_str(a, j, "currency", v->currency);
    json_put_str(a, j, "description", v->description);
    json_put_null(a, j, "logo_url");
    json_put_str(a, j, "amount_format", display(a, v->amount, v->currency));
    json_put_str(a, j, "url", arena_printf(a, "%s/invoices/%s", base, v->id));
    json_put_str(a, j, "callback_url", v->callback_url);
    json_put_str(a, j, "expired_at", v->expired_at);
    json_put_time(a, j, "created_at", v->created);
    json_put_time(a, j, "updated_at", v->updated);
    json_put_str(a, j, "back_url", v->back_url);
    json_put_str(a, j, "success_url", v->success_url);
    put_metadata(a, j, v->metadata);
    json_t *list = json_arr(a);
    for (struct sim_payment *p = sim_payments; p != NULL; p = p->next)
        if (strcmp(p->invoice_id, v->id) == 0)
            json_push(a, list, sim_payment_json(a, p, base));
    json_put(a, j, "payments", list);
    return j;
}

static char *copy_or_null(const char *z)
{
    return z != NULL ? strdup(z) : NULL;
}

struct sim_payment *sim_payment_new(struct sim_invoice *invoice, int64_t amount, const char *currency, const char *card_number)
{
    size_t digits = strspn(card_number, "0123456789");
    if (digits < 12 || digits > 19 || card_number[digits] != '\0')
        return NULL;
    struct sim_payment *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    sim_new_id(p->id);
    p->status = "initiated";
    p->amount = amount;
    snprintf(p->currency, sizeof p->currency, "%s", currency);
    snprintf(p->masked, sizeof p->masked, "%.4s-%.2sXX-XXXX-%s", card_number, card_number + 4, card_number + digits - 4);
    const struct sim_card *card = sim_card_find(card_number);
    p->company = card != NULL ? card->company : "visa";
    p->created = p->updated = wall_now();
    if (invoice != NULL) {
        snprintf(p->invoice_id, sizeof p->invoice_id, "%s", invoice->id);
        p->description = copy_or_null(invoice->description);
        p->metadata = invoice->metadata != NULL ? json_incref(invoice->metadata) : NULL;
    }
    p->next = sim_payments;
    sim_payments = p;
    return p;
}

void sim_payment_settle(struct sim_payment *p, bool approved, const char *message, const char *base)
{
    if (strcmp(p->status, "initiated") != 0)
        return;
    p->status = approved ? "paid" : "failed";
    p->message = message;
    p->updated = wall_now();
    struct arena *a = arena_new(8192);
    if (a == NULL)
        return;
    struct sim_invoice *v = sim_invoice_find(p->invoice_id);
    if (approved && v != NULL && strcmp(v->status, "paid") != 0) {
        v->status = "paid";
        v->updated = p->updated;
        if (v->callback_url != NULL)
            sim_hook_callback(v->callback_url, sim_invoice_json(a, v, base));
    }
    sim_hook_event(approved ? "payment_paid" : "payment_faild", sim_payment_json(a, p, base));
    arena_free(a);
}
