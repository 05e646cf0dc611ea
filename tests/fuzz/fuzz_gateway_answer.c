/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What every call to the payment gateway makes of any answer: an outcome that fits the status, and
 * only invoices and charges that are about what was asked for. Input: call, two bytes of status,
 * body. The client is replaced: its names are defined here.
 */
#include <stdint.h>
#include <strings.h>

#include "base/ensure.h"
#include "ext/pay.h"
#include "sys/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REFERENCE "019aab00-0000-7000-8000-000000000002"
#define INVOICE "inv_1"
#define CHARGE "pay_1"

static struct ext_reply given;
static struct ext_request asked;
static unsigned judged;
static enum provider_outcome verdict;

enum err ext_call(struct ext *x, struct arena *a, const struct ext_request *q, struct deadline d,
                  struct ext_reply *r)
{
    (void)x, (void)a, (void)d;
    asked = *q;
    *r = given;
    return ERR_OK;
}

void ext_judge(struct ext *x, const struct ext_request *q, const struct ext_reply *r,
               enum provider_outcome outcome)
{
    (void)x, (void)q, (void)r;
    judged++;
    verdict = outcome;
}

static struct provider_config provider = {.name = "pay",
                                          .type = PROVIDER_MOYASAR,
                                          .base_url = "http://127.0.0.1:1",
                                          .secret_key = "sk",
                                          .webhook_secret = "w"};
static const struct config cfg = {.providers = &provider, .providers_n = 1};

static void check_id(const char *id)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t n = strlen(id);
    ENSURE(n >= 1 && n <= 64 && strspn(id, letters) == n);
}

static void check_charge(const struct pay_charge *c)
{
    check_id(c->id);
    ENSURE(c->currency && c->amount >= 0 && c->refunded >= 0 && c->refunded <= c->amount &&
           !(c->pending && c->charged));
}

static void check_invoice(const struct pay_invoice *i)
{
    check_id(i->id);
    ENSURE(i->currency && i->amount >= 0 && i->state >= PAY_OPEN && i->state <= PAY_REFUNDED);
    ENSURE(strncasecmp(i->url, "https://", 8) == 0 ||
           strncasecmp(i->url, "http://127.0.0.1", 16) == 0);
    for (size_t k = 0; k < i->charges_n; k++)
        check_charge(&i->charges[k]);
}

/* ---- one call each, and what must hold when it says that all is well ---- */

static void call_create(const struct pay_call *c, struct pay_outcome *o)
{
    const struct pay_create in = {.reference = REFERENCE,
                                  .booking_id = REFERENCE,
                                  .amount = 5000,
                                  .currency = "SAR",
                                  .description = "d",
                                  .callback_url = "http://a/c",
                                  .success_url = "http://a/s",
                                  .back_url = "http://a/b",
                                  .expires_at = {0}};
    struct pay_invoice out;
    pay_create(c, &in, &out, o);
    if (o->err != ERR_OK)
        return;
    check_invoice(&out);
    ENSURE(out.amount == 5000 && strcmp(out.currency, "SAR") == 0);
}

static void call_fetch(const struct pay_call *c, struct pay_outcome *o)
{
    struct pay_invoice out;
    pay_fetch(c, INVOICE, &out, o);
    if (o->err != ERR_OK)
        return;
    check_invoice(&out);
    ENSURE(strcmp(out.id, INVOICE) == 0);
}

static void call_find(const struct pay_call *c, struct pay_outcome *o)
{
    struct pay_invoices out;
    pay_find(c, REFERENCE, &out, o);
    ENSURE(o->err != ERR_OK || out.n > 0);
    for (size_t i = 0; o->err == ERR_OK && i < out.n; i++) {
        check_invoice(&out.items[i]);
        ENSURE(strcmp(out.items[i].reference, REFERENCE) == 0);
    }
}

static void call_charges(const struct pay_call *c, struct pay_outcome *o)
{
    const struct pay_charge *out;
    size_t n;
    pay_charges(c, REFERENCE, &out, &n, o);
    for (size_t i = 0; o->err == ERR_OK && i < n; i++)
        check_charge(&out[i]);
}

static void call_fetch_charge(const struct pay_call *c, struct pay_outcome *o)
{
    struct pay_charge out;
    pay_fetch_charge(c, CHARGE, &out, o);
    if (o->err != ERR_OK)
        return;
    check_charge(&out);
    ENSURE(strcmp(out.id, CHARGE) == 0);
}

static void call_cancel(const struct pay_call *c, struct pay_outcome *o)
{
    pay_cancel(c, INVOICE, o);
}

static void call_refund(const struct pay_call *c, struct pay_outcome *o)
{
    struct pay_charge out;
    pay_refund(c, CHARGE, 100, &out, o);
    if (o->err == ERR_OK)
        ENSURE(strcmp(out.id, CHARGE) == 0);
}

static void call_void(const struct pay_call *c, struct pay_outcome *o)
{
    struct pay_charge out;
    pay_void(c, CHARGE, &out, o);
    if (o->err == ERR_OK)
        ENSURE(strcmp(out.id, CHARGE) == 0);
}

static void (*const calls[])(const struct pay_call *c, struct pay_outcome *o) = {
    call_create,       call_fetch,  call_find,   call_charges,
    call_fetch_charge, call_cancel, call_refund, call_void,
};

static void check_outcome(const struct pay_outcome *o)
{
    int s = given.status;
    bool good = o->err == ERR_OK, read = asked.idempotent;

    ENSURE(good || o->err == ERR_PROVIDER_REJECTED || o->err == ERR_PROVIDER_FAILED ||
           o->err == ERR_PROVIDER_UNAVAILABLE || (o->err == ERR_NOT_FOUND && read));
    ENSURE(!good || (s >= 200 && s <= 299));
    ENSURE(good == (o->detail == NULL) && !(good && o->unknown) && !(read && o->unknown));
    ENSURE((o->err == ERR_PROVIDER_UNAVAILABLE) == (s == 429) &&
           (s != 429 || o->retry_after_s >= 1));
    ENSURE(s < 500 || (o->err == ERR_PROVIDER_FAILED && o->unknown == !read));
    ENSURE(s < 300 || s > 399 || (o->err == ERR_PROVIDER_FAILED && o->unknown == !read));
    ENSURE(judged == 1 && (!good || verdict == PROVIDER_OUTCOME_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > EXT_ANSWER_MAX)
        return 0;
    log_init(LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR);
    struct arena *a = arena_new(4096);
    ENSURE(a);
    const struct pay_call c = {
        .arena = a, .cfg = &cfg, .request_id = "fuzz", .deadline = deadline_in_ms(1000)};
    struct pay_outcome o = {0};
    given = (struct ext_reply){.status = 200 + (data[1] << 8 | data[2]) % 400,
                               .body = {(const char *)data + 3, size - 3},
                               .content_type = "application/json",
                               .certainty = EXT_ANSWERED};
    judged = 0;
    calls[data[0] % ARRAY_LEN(calls)](&c, &o);
    check_outcome(&o);
    arena_free(a);
    return 0;
}
