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
#include "ext/ext_status.h"
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

struct ext_result ext_call(struct ext *x, struct arena *a, const struct ext_request *q,
                           struct deadline d, struct ext_reply *r)
{
    (void)x, (void)a, (void)d;
    asked = *q;
    *r = given;
    return (struct ext_result){.err = ERR_OK};
}

void ext_judge(struct ext *x, const struct ext_request *q, const struct ext_reply *reply,
               const struct ext_result *r, const char *event)
{
    (void)x, (void)q, (void)reply, (void)event;
    judged++;
    verdict = ext_metric_outcome(r);
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

/* What is not understood is NULL or -1; nothing in between. */
static void check_charge(const struct pay_charge *c)
{
    if (c->id)
        check_id(c->id);
    ENSURE(c->amount >= -1 && c->refunded >= 0 && !(c->pending && c->charged));
    ENSURE(c->amount < 0 || c->refunded <= c->amount);
    ENSURE(c->odd || (c->currency && c->amount >= 0));
}

static void check_invoice(const struct pay_invoice *i)
{
    check_id(i->id);
    ENSURE(i->amount >= -1 && i->state >= PAY_OPEN && i->state <= PAY_ODD);
    ENSURE(!i->url || strncasecmp(i->url, "https://", 8) == 0 ||
           strncasecmp(i->url, "http://127.0.0.1", 16) == 0);
    for (size_t k = 0; k < i->charges_n; k++)
        check_charge(&i->charges[k]);
}

/* ---- one call each, and what must hold when it says that all is well ---- */

static void call_create(const struct pay_call *c, struct ext_result *o)
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
    *o = pay_create(c, &in, &out);
    if (o->err != ERR_OK)
        return;
    check_invoice(&out);
    ENSURE(out.url && out.amount == 5000 && strcasecmp(out.currency, "SAR") == 0);
}

static void call_fetch(const struct pay_call *c, struct ext_result *o)
{
    struct pay_invoice out;
    *o = pay_fetch(c, INVOICE, &out);
    if (o->err != ERR_OK)
        return;
    check_invoice(&out);
    ENSURE(strcmp(out.id, INVOICE) == 0);
}

static void call_find(const struct pay_call *c, struct ext_result *o)
{
    struct pay_invoices out;
    *o = pay_find(c, REFERENCE, &out);
    ENSURE(o->err != ERR_OK || out.n > 0);
    for (size_t i = 0; o->err == ERR_OK && i < out.n; i++) {
        check_invoice(&out.items[i]);
        ENSURE(strcmp(out.items[i].reference, REFERENCE) == 0);
    }
}

static void call_charges(const struct pay_call *c, struct ext_result *o)
{
    const struct pay_charge *out;
    size_t n;
    *o = pay_charges(c, REFERENCE, &out, &n);
    for (size_t i = 0; o->err == ERR_OK && i < n; i++)
        check_charge(&out[i]);
}

static void call_fetch_charge(const struct pay_call *c, struct ext_result *o)
{
    struct pay_charge out;
    *o = pay_fetch_charge(c, CHARGE, &out);
    if (o->err != ERR_OK)
        return;
    check_charge(&out);
    ENSURE(!out.odd && strcmp(out.id, CHARGE) == 0);
}

static void call_cancel(const struct pay_call *c, struct ext_result *o)
{
    *o = pay_cancel(c, INVOICE);
}

static void call_refund(const struct pay_call *c, struct ext_result *o)
{
    struct pay_charge out;
    *o = pay_refund(c, CHARGE, 100, &out);
    if (o->err == ERR_OK)
        ENSURE(strcmp(out.id, CHARGE) == 0);
}

static void call_changed(const struct pay_call *c, struct ext_result *o)
{
    struct pay_changes out;
    *o = pay_changed(c, (struct wall){INT64_C(1767225600000000)}, 1, &out);
    for (size_t i = 0; o->err == ERR_OK && i < out.n; i++) {
        check_id(out.items[i].charge_id);
        ENSURE(out.items[i].refunded > 0);
    }
}

static void (*const calls[])(const struct pay_call *c, struct ext_result *o) = {
    call_create,       call_fetch,  call_find,   call_charges,
    call_fetch_charge, call_cancel, call_refund, call_changed,
};

static void check_outcome(const struct ext_result *o)
{
    int s = given.status;
    bool good = o->err == ERR_OK, read = asked.idempotent, unknown = o->outcome == OUTCOME_UNKNOWN;
    bool not_done = s == 307 || s == 308 || s == 408;

    ENSURE(good || o->err == ERR_PROVIDER_REJECTED || o->err == ERR_PROVIDER_FAILED ||
           o->err == ERR_PROVIDER_UNAVAILABLE || (o->err == ERR_NOT_FOUND && read));
    ENSURE(!good || (s >= 200 && s <= 299));
    ENSURE(good == (o->detail == NULL) && good == (o->outcome == OUTCOME_OK) && !(read && unknown));
    ENSURE((o->err == ERR_PROVIDER_UNAVAILABLE) == (s == 429) &&
           (s != 429 || o->retry_after_s >= 1));
    ENSURE(s < 500 || (o->err == ERR_PROVIDER_FAILED && unknown == !read));
    ENSURE(s < 300 || s > 399 ||
           (o->err == ERR_PROVIDER_FAILED && unknown == (!read && !not_done)));
    ENSURE(s != 408 || (o->err == ERR_PROVIDER_FAILED && !unknown));
    ENSURE(judged == 1 && (!good || verdict == PROVIDER_OUTCOME_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > EXT_ANSWER_MAX)
        return 0;
    log_init(LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR);
    struct arena *a = arena_new(4096);
    struct pay_odds odds = {.n = 0};
    ENSURE(a);
    const struct pay_call c = {
        .arena = a,
        .cfg = &cfg,
        .request_id = "fuzz",
        .deadline = deadline_in_ms(1000),
        .odds = &odds,
    };
    struct ext_result o = {0};
    given = (struct ext_reply){.status = 200 + (data[1] << 8 | data[2]) % 400,
                               .body = {(const char *)data + 3, size - 3},
                               .content_type = "application/json"};
    judged = 0;
    calls[data[0] % ARRAY_LEN(calls)](&c, &o);
    check_outcome(&o);
    ENSURE(odds.n <= PAY_ODDS_MAX && (!o.not_understood || odds.n > 0));
    arena_free(a);
    return 0;
}
