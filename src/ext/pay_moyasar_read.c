/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads Moyasar's invoices and payments out of JSON, for pay_moyasar.c. The gateway may add a
 * status, a member or another form of a number at any time, and a payer's money must not be
 * overlooked for that: each member is read by itself, and what is not understood is noted.
 */
#include "pay_moyasar_read.h"

#include <string.h>

#include "base/chars.h"
#include "base/url.h"
#include "pay_priv.h"

/* Whole numbers up to this are exact as a double (IEEE 754: 53 bits). */
#define READ_REAL_MAX 9007199254740992.0

/* Identifiers go into paths of later requests, so only plain characters are taken. */
bool moyasar_id_fit(const char *id)
{
    const struct str s = str_of(id);
    return chars_all(s, char_is_id) && s.n <= 64;
}

/* NULL also for a text with a NUL inside, which a C string would cut. */
const char *moyasar_text(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    const char *z = json_string_value(v);
    return z != NULL && strlen(z) == json_string_length(v) ? z : NULL;
}

/* Of an object or a list only that it is one: it may hold what is not ours to keep, such as a
 * payer's name. */
static void moyasar_note_member(const struct pay_call *c, enum payment_odd thing, const json_t *v)
{
    pay_note_odd(c, thing,
                 v == NULL           ? "(missing)"
                 : json_is_object(v) ? "(object)"
                 : json_is_array(v)  ? "(array)"
                 : json_is_string(v) ? json_string_value(v)
                                     : json_text(c->arena, v).p);
}

/* ---- numbers ---- */

/* 12000.0 is a whole number, 12000.5 is not; NaN fails the first comparison. */
static bool moyasar_whole_real(double d, int64_t *out)
{
    if (!(d >= 0 && d <= READ_REAL_MAX))
        return false;
    *out = (int64_t)d;
    return (double)*out == d;
}

/* A whole number that is not negative, in whichever form: 12000, 12000.0, 1.2e4, "12000". */
static bool moyasar_read_number(const struct pay_call *c, const json_t *v, int64_t *out)
{
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return *out >= 0;
    }
    if (json_is_real(v))
        return moyasar_whole_real(json_real_value(v), out);
    const struct str text = str_trim((struct str){json_string_value(v), json_string_length(v)});
    if (!json_is_string(v) || text.n == 0 || !char_is_digit(text.p[0]))
        return false;
    const json_t *number = json_parse(c->arena, text);
    return json_is_number(number) && moyasar_read_number(c, number, out);
}

/* -1, and a note, for what is no amount: the caller must not mistake it for 0. */
static int64_t moyasar_amount(const struct pay_call *c, const json_t *j, const char *key,
                              enum payment_odd thing)
{
    const json_t *v = json_object_get(j, key);
    int64_t amount;
    if (moyasar_read_number(c, v, &amount))
        return amount;
    moyasar_note_member(c, thing, v);
    return -1;
}

/* ---- charges ---- */

static const struct {
    const char *name;
    enum { CHARGE_NONE, CHARGE_PENDING, CHARGE_TAKEN, CHARGE_REFUNDED, CHARGE_VOIDED } kind;
} moyasar_charge_states[] = {
    {"initiated", CHARGE_PENDING}, {"paid", CHARGE_TAKEN},     {"failed", CHARGE_NONE},
    {"authorized", CHARGE_NONE},   {"captured", CHARGE_TAKEN}, {"refunded", CHARGE_REFUNDED},
    {"voided", CHARGE_VOIDED},     {"verified", CHARGE_NONE},  {"expired", CHARGE_NONE}};

/* -1: not known */
static int moyasar_charge_kind(const struct pay_call *c, const json_t *j)
{
    const char *status = moyasar_text(j, "status");
    for (size_t i = 0; status != NULL && i < ARRAY_LEN(moyasar_charge_states); i++)
        if (str_eq_nocase(str_of(status), str_of(moyasar_charge_states[i].name)))
            return (int)moyasar_charge_states[i].kind;
    moyasar_note_member(c, PAYMENT_ODD_CHARGE_STATUS, json_object_get(j, "status"));
    return -1;
}

/* What went back of a charge. Nothing is assumed of a total that cannot be read: as far as we know
 * we still have the money. */
static void moyasar_read_refunded(const struct pay_call *c, const json_t *j, int kind,
                                  struct pay_charge *out)
{
    if (json_object_get(j, "refunded") != NULL)
        out->refunded = moyasar_amount(c, j, "refunded", PAYMENT_ODD_CHARGE_REFUNDED);
    if (out->refunded < 0 || (out->amount >= 0 && out->refunded > out->amount)) {
        if (out->refunded > 0)
            moyasar_note_member(c, PAYMENT_ODD_CHARGE_REFUNDED, json_object_get(j, "refunded"));
        out->odd = true;
        out->refunded = out->refunded > 0 ? out->amount : 0;
    }
    if (kind == CHARGE_VOIDED || (kind == CHARGE_REFUNDED && out->refunded == 0))
        out->refunded = out->amount > 0 ? out->amount : 0;
}

/* Each member by itself: a charge with an unknown status still has an amount that staff should see.
 * `currency`: the invoice's, for a charge without one. */
bool moyasar_read_charge(const struct pay_call *c, const json_t *j, const char *currency,
                         struct pay_charge *out)
{
    if (!json_is_object(j)) {
        moyasar_note_member(c, PAYMENT_ODD_CHARGE, j);
        return false;
    }
    int kind = moyasar_charge_kind(c, j);
    const char *id = moyasar_text(j, "id"), *own = moyasar_text(j, "currency");
    *out = (struct pay_charge){
        .id = moyasar_id_fit(id) ? id : NULL,
        .currency = own != NULL ? own : currency,
        .invoice_id = moyasar_text(j, "invoice_id"),
        .reference = moyasar_text(json_object_get(j, "metadata"), "payment_id"),
        .amount = moyasar_amount(c, j, "amount", PAYMENT_ODD_CHARGE_AMOUNT),
        .pending = kind == CHARGE_PENDING,
        .charged = kind == CHARGE_TAKEN || kind == CHARGE_REFUNDED || kind == CHARGE_VOIDED};
    if (out->id == NULL)
        moyasar_note_member(c, PAYMENT_ODD_CHARGE_ID, json_object_get(j, "id"));
    if (own == NULL)
        moyasar_note_member(c, PAYMENT_ODD_CHARGE_CURRENCY, json_object_get(j, "currency"));
    out->odd = kind < 0 || out->amount < 0 || out->currency == NULL;
    moyasar_read_refunded(c, j, kind, out);
    return true;
}

/* The list has other users' charges, and ones without a refund: those tell only how new it is. */
void moyasar_read_change(const struct pay_call *c, const json_t *j, struct wall since,
                         struct pay_change *items, struct pay_changes *out)
{
    struct pay_charge charge;
    struct wall at;
    if (!moyasar_read_charge(c, j, NULL, &charge))
        return;
    const char *updated = moyasar_text(j, "updated_at");
    if (updated != NULL && wall_parse(str_of(updated), &at)) {
        out->filtered &= at.us >= since.us;
        if (at.us > out->newest.us)
            out->newest = at;
    }
    if (charge.id != NULL && charge.refunded > 0)
        items[out->n++] = (struct pay_change){.charge_id = charge.id, .refunded = charge.refunded};
}

/* ---- invoices ---- */

static const struct {
    const char *name;
    enum pay_invoice_state state;
} moyasar_invoice_states[] = {{"initiated", PAY_OPEN},    {"paid", PAY_PAID},
                              {"failed", PAY_FAILED},     {"expired", PAY_EXPIRED},
                              {"canceled", PAY_CANCELED}, {"refunded", PAY_REFUNDED},
                              {"voided", PAY_REFUNDED},   {"on_hold", PAY_OPEN}};

/* PAY_ODD for a word that is not known: nothing is concluded from it. */
static enum pay_invoice_state moyasar_invoice_state(const struct pay_call *c, const json_t *j)
{
    const char *status = moyasar_text(j, "status");
    for (size_t i = 0; status != NULL && i < ARRAY_LEN(moyasar_invoice_states); i++)
        if (str_eq_nocase(str_of(status), str_of(moyasar_invoice_states[i].name)))
            return moyasar_invoice_states[i].state;
    moyasar_note_member(c, PAYMENT_ODD_INVOICE_STATUS, json_object_get(j, "status"));
    return PAY_ODD;
}

/* charges_odd makes the caller ask for the charges once more: one that was missed may be money. */
static void moyasar_read_charges(const struct pay_call *c, const json_t *j, struct pay_invoice *out)
{
    const json_t *list = json_object_get(j, "payments");
    struct pay_charge *charges = arena_array(c->arena, json_array_size(list), sizeof *charges);
    for (size_t i = 0; i < json_array_size(list); i++)
        out->charges_n += moyasar_read_charge(c, json_array_get(list, i), out->currency,
                                              &charges[out->charges_n]);
    out->charges = charges;
    bool read = list == NULL || json_is_null(list) || json_is_array(list);
    if (!read)
        moyasar_note_member(c, PAYMENT_ODD_INVOICE_PAYMENTS, list);
    out->charges_odd = !read || out->charges_n < json_array_size(list);
}

/* host is name.domain */
static bool moyasar_host_below(struct str host, struct str domain)
{
    if (host.n <= domain.n + 1)
        return false;
    struct str tail = {host.p + host.n - domain.n, domain.n};
    return tail.p[-1] == '.' && str_eq_nocase(tail, domain);
}

/*
 * Where customers may be sent: to the gateway's own pages over https (checkout.moyasar.com),
 * whichever way its API is reached, or to the host that base_url names (a sandbox).
 */
static bool moyasar_page_url_fit(const char *text, const char *base_text)
{
    struct url page, base;
    if (text == NULL || !url_parse(str_of(text), &page) || !url_parse(str_of(base_text), &base))
        return false;
    if (page.https && moyasar_host_below(page.host, STR("moyasar.com")))
        return true;
    return page.https == base.https && str_eq_nocase(page.host, base.host);
}

/* A missing member leaves its field NULL or -1 and is noted; the caller decides whether it needs
 * it. */
void moyasar_read_invoice(const struct pay_call *c, const json_t *j, struct pay_invoice *out)
{
    const char *id = moyasar_text(j, "id"), *url = moyasar_text(j, "url");
    const char *base_url = c->cfg->providers[c->provider].base_url;
    *out = (struct pay_invoice){
        .id = moyasar_id_fit(id) ? id : NULL,
        .url = moyasar_page_url_fit(url, base_url) ? url : NULL,
        .currency = moyasar_text(j, "currency"),
        .reference = moyasar_text(json_object_get(j, "metadata"), "payment_id"),
        .amount = moyasar_amount(c, j, "amount", PAYMENT_ODD_INVOICE_AMOUNT),
        .state = moyasar_invoice_state(c, j)};
    if (out->id == NULL)
        moyasar_note_member(c, PAYMENT_ODD_INVOICE_ID, json_object_get(j, "id"));
    if (out->url == NULL)
        moyasar_note_member(c, PAYMENT_ODD_INVOICE_URL, json_object_get(j, "url"));
    if (out->currency == NULL)
        moyasar_note_member(c, PAYMENT_ODD_INVOICE_CURRENCY, json_object_get(j, "currency"));
    if (out->reference == NULL)
        moyasar_note_member(c, PAYMENT_ODD_INVOICE_METADATA, json_object_get(j, "metadata"));
    moyasar_read_charges(c, j, out);
}
