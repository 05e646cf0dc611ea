/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The payment gateway on recorded shapes of its answers, on every shape that a member of them must
 * not have, and on events. Real calls to a server on the loopback, so that the client, the judging
 * and the reading stand behind one another as they do in a worker.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/th_ext.h"
#include "../lib/th_provider.h"
#include "../lib/th_unit.h"
#include "ext/pay.h"

#define INVOICE_ID "0b5a2fd1-37c7-4cd7-9c4e-7a3d7f3a2b11"
#define CHARGE_ID "5dbf7a44-5a0e-4c1f-8f0e-0c1f6f1e0d22"
#define REFERENCE "019aab00-1111-7000-8000-000000000001"
#define BOOKING "019aab00-2222-7000-8000-000000000002"
#define OTHER "11111111-2222-4333-8444-555555555555"
#define AMOUNT 12000

static struct th_ext *t;
static struct thp *server;

static void tear_down(void)
{
    th_ext_close(t);
    thp_stop(server);
    t = NULL;
    server = NULL;
}

/* ---- recorded answers (docs.moyasar.com: api/invoices, api/payments; sandbox of 2026) ---- */

#define RECORDED_CHARGE                                                                            \
    "{\"id\":\"" CHARGE_ID                                                                         \
    "\",\"status\":\"paid\",\"amount\":12000,\"fee\":0,\"currency\":\"SAR\",\"refunded\":0,"       \
    "\"refunded_at\":null,\"captured\":0,\"captured_at\":null,\"voided_at\":null,\"description\":" \
    "\"Cut\","                                                                                     \
    "\"amount_format\":\"120.00 SAR\",\"fee_format\":\"0.00 SAR\",\"refunded_format\":\"0.00 "     \
    "SAR\","                                                                                       \
    "\"captured_format\":\"0.00 SAR\",\"invoice_id\":\"" INVOICE_ID "\",\"ip\":\"203.0.113.9\","   \
    "\"callback_url\":\"https://checkout.moyasar.com/payments/"                                    \
    "x\",\"created_at\":\"2026-10-02T10:00:05.123Z\","                                             \
    "\"updated_at\":\"2026-10-02T10:00:09.456Z\",\"metadata\":{\"payment_id\":\"" REFERENCE        \
    "\",\"booking_id\":\"" BOOKING                                                                 \
    "\"},\"source\":{\"type\":\"creditcard\",\"company\":\"visa\",\"name\":\"A B\","               \
    "\"number\":\"XXXX-XXXX-XXXX-1111\",\"gateway_id\":\"moyasar_cc_x\",\"reference_number\":"     \
    "\"1234567890\","                                                                              \
    "\"token\":null,\"message\":\"APPROVED\",\"transaction_url\":null,\"response_code\":\"00\"}}"
#define RECORDED_INVOICE(status, payments)                                                         \
    "{\"id\":\"" INVOICE_ID "\",\"status\":\"" status                                              \
    "\",\"amount\":12000,\"currency\":\"SAR\",\"description\":"                                    \
    "\"Cut\",\"logo_url\":\"https://example.com/logo.png\",\"amount_format\":\"120.00 "            \
    "SAR\",\"url\":"                                                                               \
    "\"https://checkout.moyasar.com/invoices/" INVOICE_ID                                          \
    "?lang=ar\",\"callback_url\":\"https://x.example/g\","                                         \
    "\"expired_at\":\"2026-10-02T10:14:30.000Z\",\"created_at\":\"2026-10-02T10:00:00.000Z\","     \
    "\"updated_at\":"                                                                              \
    "\"2026-10-02T10:00:00.000Z\",\"back_url\":null,\"success_url\":null,\"metadata\":{\"payment_" \
    "id\":\"" REFERENCE "\",\"booking_id\":\"" BOOKING "\"},\"payments\":" payments "}"
#define ERRORS(type, message, errors) \
    "{\"type\":\"" type "\",\"message\":\"" message "\",\"errors\":" errors "}"
#define NEW_INVOICE RECORDED_INVOICE("initiated", "[]")
#define PAID_INVOICE RECORDED_INVOICE("paid", "[" RECORDED_CHARGE "]")
#define FIREWALL \
    "<!DOCTYPE html><html><title>Access denied</title><body>error code: 1010</body></html>"

enum call { CREATE, FETCH, FIND, CHARGES, FETCH_CHARGE, REFUND, CANCEL };
static const char *const call_names[] = {"create",       "fetch",  "find",  "charges",
                                         "fetch_charge", "refund", "cancel"};

/* What one call came to. */
struct heard {
    struct ext_result o;
    struct pay_invoice invoice;
    struct pay_invoices invoices;
    const struct pay_charge *charges;
    size_t charges_n;
    struct pay_charge charge;
};

static void make_call(enum call what, struct heard *h)
{
    const struct pay_call c = {.ext = t->x,
                               .arena = t->a,
                               .cfg = &t->cfg,
                               .request_id = "req-1",
                               .deadline = deadline_in_ms(2000)};
    const struct pay_create in = {.reference = REFERENCE,
                                  .booking_id = BOOKING,
                                  .amount = AMOUNT,
                                  .currency = "SAR",
                                  .description = "Cut",
                                  .callback_url = "https://x.example/g",
                                  .success_url = "https://x.example/r",
                                  .back_url = "https://x.example/r",
                                  .expires_at = {1790000000000000}};
    *h = (struct heard){.charges_n = 0};
    switch (what) {
    case CREATE:
        h->o = pay_create(&c, &in, &h->invoice);
        break;
    case FETCH:
        h->o = pay_fetch(&c, INVOICE_ID, &h->invoice);
        break;
    case FIND:
        h->o = pay_find(&c, REFERENCE, &h->invoices);
        break;
    case CHARGES:
        h->o = pay_charges(&c, REFERENCE, &h->charges, &h->charges_n);
        break;
    case FETCH_CHARGE:
        h->o = pay_fetch_charge(&c, CHARGE_ID, &h->charge);
        break;
    case REFUND:
        h->o = pay_refund(&c, CHARGE_ID, 4000, &h->charge);
        break;
    case CANCEL:
        h->o = pay_cancel(&c, INVOICE_ID);
        break;
    }
}

static void hear(enum call what, int status, const char *body, struct heard *h)
{
    static char answer[65536];
    int n =
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 status, strlen(body), body);
    ck_assert(n > 0 && (size_t)n < sizeof answer);
    tear_down();
    server = thp_start_answer(answer);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.type = PROVIDER_MOYASAR;
    t->p.secret_key = "sk_test_key";
    t->p.webhook_secret = "hook-secret";
    make_call(what, h);
}

static bool is_write(enum call what)
{
    return what == CREATE || what == REFUND || what == CANCEL;
}

/* ---- good answers ---- */

START_TEST(a_new_invoice_is_read)
{
    struct heard h;
    hear(CREATE, 201, NEW_INVOICE, &h);
    ck_assert_int_eq(h.o.err, ERR_OK);
    ck_assert_str_eq(h.invoice.id, INVOICE_ID);
    ck_assert_str_eq(h.invoice.url, "https://checkout.moyasar.com/invoices/" INVOICE_ID "?lang=ar");
    ck_assert_str_eq(h.invoice.reference, REFERENCE);
    ck_assert_int_eq(h.invoice.amount, AMOUNT);
    ck_assert_int_eq(h.invoice.state, PAY_OPEN);
    ck_assert_uint_eq(h.invoice.charges_n, 0);
}
END_TEST

START_TEST(a_create_asks_for_what_it_was_told)
{
    struct heard h;
    hear(CREATE, 201, NEW_INVOICE, &h);
    const char *sent = thp_request(server), *body = strstr(sent, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(strncmp(sent, "POST /v1/invoices HTTP/1.1\r\n", 28), 0);
    ck_assert_ptr_nonnull(strstr(
        sent, "Authorization: Basic c2tfdGVzdF9rZXk6\r\n")); /* the key as user, no password */
    ck_assert_ptr_nonnull(strstr(sent, "\r\nUser-Agent: bookingd"));
    json_t *j = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(j);
    json_t *amount = json_object_get(j, "amount"), *metadata = json_object_get(j, "metadata");
    ck_assert(json_is_integer(amount));
    ck_assert_int_eq(json_integer_value(amount), AMOUNT);
    ck_assert_str_eq(json_string_value(json_object_get(j, "currency")), "SAR");
    ck_assert_str_eq(json_string_value(json_object_get(j, "expired_at")), "2026-09-21T14:13:20Z");
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "payment_id")), REFERENCE);
    json_decref(j);
}
END_TEST

START_TEST(a_paid_invoice_has_its_charge)
{
    struct heard h;
    hear(FETCH, 200, PAID_INVOICE, &h);
    ck_assert_int_eq(h.o.err, ERR_OK);
    ck_assert_int_eq(h.invoice.state, PAY_PAID);
    ck_assert_uint_eq(h.invoice.charges_n, 1);
    const struct pay_charge *c = &h.invoice.charges[0];
    ck_assert_str_eq(c->id, CHARGE_ID);
    ck_assert_str_eq(c->invoice_id, INVOICE_ID);
    ck_assert(c->charged && !c->pending);
    ck_assert_int_eq(c->amount, AMOUNT);
    ck_assert_int_eq(c->refunded, 0);
}
END_TEST

/* Charges of every status: whether money was taken, and how much of it was given back. */
static const struct {
    const char *status, *refunded;
    bool pending, charged;
    int64_t back;
} charge_cases[] = {
    {"initiated", "0", true, false, 0},     {"paid", "0", false, true, 0},
    {"paid", "4000", false, true, 4000},    {"failed", "0", false, false, 0},
    {"authorized", "0", false, false, 0},   {"captured", "0", false, true, 0},
    {"refunded", "0", false, true, AMOUNT}, {"refunded", "12000", false, true, AMOUNT},
    {"refunded", "1", false, true, 1},      {"voided", "0", false, true, AMOUNT},
    {"verified", "0", false, false, 0},     {"expired", "0", false, false, 0}};

START_TEST(every_status_of_a_charge)
{
    struct heard h;
    json_t *j = json_loads(RECORDED_CHARGE, 0, NULL);
    json_object_set_new(j, "status", json_string(charge_cases[_i].status));
    json_object_set_new(j, "refunded",
                        json_loads(charge_cases[_i].refunded, JSON_DECODE_ANY, NULL));
    char *text = json_dumps(j, 0);
    hear(FETCH_CHARGE, 200, text, &h);
    ck_assert_int_eq(h.o.err, ERR_OK);
    ck_assert_int_eq(h.charge.pending, charge_cases[_i].pending);
    ck_assert_int_eq(h.charge.charged, charge_cases[_i].charged);
    ck_assert_int_eq(h.charge.refunded, charge_cases[_i].back);
    free(text);
    json_decref(j);
}
END_TEST

static const struct {
    const char *status;
    enum pay_invoice_state state;
} invoice_cases[] = {{"initiated", PAY_OPEN},    {"paid", PAY_PAID},         {"failed", PAY_FAILED},
                     {"refunded", PAY_REFUNDED}, {"canceled", PAY_CANCELED}, {"on_hold", PAY_OPEN},
                     {"expired", PAY_EXPIRED},   {"voided", PAY_REFUNDED}};

START_TEST(every_status_of_an_invoice)
{
    struct heard h;
    json_t *j = json_loads(NEW_INVOICE, 0, NULL);
    json_object_set_new(j, "status", json_string(invoice_cases[_i].status));
    char *text = json_dumps(j, 0);
    hear(FETCH, 200, text, &h);
    ck_assert_int_eq(h.o.err, ERR_OK);
    ck_assert_int_eq(h.invoice.state, invoice_cases[_i].state);
    free(text);
    json_decref(j);
}
END_TEST

/* ---- refusals and faults: by status alone, the texts differ from page to page ---- */

#define REJ ERR_PROVIDER_REJECTED
#define FAI ERR_PROVIDER_FAILED
#define UNA ERR_PROVIDER_UNAVAILABLE
static const struct {
    int status;
    const char *body;
    enum err read, write; /* of a read; of a write */
    bool unknown;         /* of a write */
} refusals[] = {
    {400, ERRORS("validation_error", "Validation Failed", "{\"amount\":[\"must be >= 100.\"]}"),
     REJ, REJ, false},
    {400, ERRORS("invalid_request_error", "Validation Failed", "{\"amount\":\"must be >= 100.\"}"),
     REJ, REJ, false},
    {400,
     ERRORS("invalid_request_error", "Cancel failed. The Invoice is already canceled.", "null"),
     REJ, REJ, false},
    {400, ERRORS("invalid_request_error", "Wrong number of parameters", "\"one sentence\""), REJ,
     REJ, false},
    {400, "{\"message\":\"only this\"}", REJ, REJ, false},
    {401, ERRORS("authentication_error", "Invalid authorization credentials", "null"), REJ, REJ,
     false},
    {401, "", REJ, REJ, false},
    {403, ERRORS("api_error", "User not authorized", "null"), REJ, REJ, false},
    {403, FIREWALL, FAI, FAI, false},
    {404, ERRORS("record_not_found", "Object not found", "null"), ERR_NOT_FOUND, REJ, false},
    {404, ERRORS("api_error", "Object not found", "null"), ERR_NOT_FOUND, REJ, false},
    {404, FIREWALL, FAI, FAI, true},
    {405, ERRORS("account_inactive_error", "Account not activated", "null"), REJ, REJ, false},
    {422, "<html>", FAI, FAI, true},
    {429, ERRORS("rate_limit_error", "Too many requests", "null"), UNA, UNA, false},
    {429, FIREWALL, UNA, UNA, false},
    {500, ERRORS("api_error", "oops", "null"), FAI, FAI, true},
    {503, FIREWALL, FAI, FAI, true},
    {200, "", FAI, FAI, true},
    {200, FIREWALL, FAI, FAI, true},
    {200, "[]", FAI, FAI, true},
    {201, "null", FAI, FAI, true},
    {200, NEW_INVOICE "x", FAI, FAI, true},
    {302, "{}", FAI, FAI, true},
    {307, "{}", FAI, FAI, false},
    {408, "{}", FAI, FAI, false},
};

START_TEST(refusals_and_faults_by_status)
{
    for (enum call what = CREATE; what <= CANCEL; what++) {
        struct heard h;
        hear(what, refusals[_i].status, refusals[_i].body, &h);
        bool write = is_write(what);
        ck_assert_msg(h.o.err == (write ? refusals[_i].write : refusals[_i].read), "%s: %d, %s",
                      call_names[what], (int)h.o.err, h.o.detail);
        ck_assert_msg((h.o.outcome == OUTCOME_UNKNOWN) == (write && refusals[_i].unknown), "%s: %s",
                      call_names[what], h.o.detail);
        ck_assert_msg(h.o.err != UNA || h.o.retry_after_s > 0, "%s", call_names[what]);
    }
}
END_TEST

/* ---- shapes that no member may have ---- */

enum verdict {
    FINE,
    BAD,
    BAD_CREATE
}; /* BAD_CREATE: what was made is not what was asked for; a fetch leaves that to its caller */
struct shape {
    const char *member; /* "payments.0.amount" */
    const char *value;  /* JSON; NULL: left out */
    enum verdict verdict;
};
#define LONG_ID "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" /* 65 */

static const struct shape invoice_shapes[] = {
    {"id", NULL, BAD_CREATE},
    {"id", "null", BAD_CREATE},
    {"id", "7", BAD_CREATE},
    {"id", "\"\"", BAD_CREATE},
    {"id", "\"../payments\"", BAD_CREATE},
    {"id", "\"a b\"", BAD_CREATE},
    {"id", "\"a?b\"", BAD_CREATE},
    {"id", "\"" INVOICE_ID "\\u0000x\"", BAD_CREATE},
    {"id", LONG_ID, BAD_CREATE},
    {"id", "[\"" INVOICE_ID "\"]", BAD_CREATE},
    {"status", NULL, FINE},
    {"status", "null", FINE},
    {"status", "1", FINE},
    {"status", "\"\"", FINE},
    {"status", "\"PAID\"", FINE},
    {"status", "\"initiated \"", FINE},
    {"status", "\"settled\"", FINE},
    {"amount", NULL, BAD_CREATE},
    {"amount", "null", BAD_CREATE},
    {"amount", "\"12000\"", FINE},
    {"amount", "12000.0", FINE},
    {"amount", "120.00", BAD_CREATE},
    {"amount", "1.2e4", FINE},
    {"amount", "-12000", BAD_CREATE},
    {"amount", "true", BAD_CREATE},
    {"amount", "[12000]", BAD_CREATE},
    {"amount", "9223372036854775807", BAD_CREATE},
    {"amount", "11999", BAD_CREATE},
    {"amount", "0", BAD_CREATE},
    {"currency", NULL, BAD_CREATE},
    {"currency", "null", BAD_CREATE},
    {"currency", "682", BAD_CREATE},
    {"currency", "\"sar\"", FINE},
    {"currency", "\"USD\"", BAD_CREATE},
    {"currency", "\"\"", BAD_CREATE},
    {"url", NULL, BAD_CREATE},
    {"url", "null", BAD_CREATE},
    {"url", "\"\"", BAD_CREATE},
    {"url", "1", BAD_CREATE},
    {"url", "\"javascript:alert(1)\"", BAD_CREATE},
    {"url", "\"/invoices/x\"", BAD_CREATE},
    {"url", "\"http://checkout.moyasar.com/invoices/x\"", BAD_CREATE},
    {"url", "\"https://evilmoyasar.com/invoices/x\"", BAD_CREATE},
    {"url", "\"https://moyasar.com.evil.example/\"", BAD_CREATE},
    {"url", "\"https://checkout.moyasar.com@evil.example/\"", BAD_CREATE},
    {"url", "\"https://evil.example/?checkout.moyasar.com\"", BAD_CREATE},
    {"url", "\"https://evil.example\\\\.moyasar.com/\"", BAD_CREATE},
    {"url", "\"https://checkout.moyasar.com/\\r\\nX: y\"", BAD_CREATE},
    {"url", "\"https://checkout.moyasar.com/invoices/x?lang=en\"", FINE},
    {"url", "\"http://127.0.0.1:1/invoices/x\"", FINE}, /* the host of base_url: a sandbox */
    {"url", "\"https://127.0.0.1/invoices/x\"", BAD_CREATE},
    {"payments", NULL, FINE},
    {"payments", "null", FINE},
    {"payments", "[]", FINE},
    {"payments", "{}", FINE},
    {"payments", "\"none\"", FINE},
    {"payments", "7", FINE},
    {"payments", "[null]", FINE},
    {"payments", "[7]", FINE},
    {"payments", "[[]]", FINE},
    {"payments", "[{}]", FINE},
    {"payments.0.amount", "\"12000\"", FINE},
    {"payments.0.amount", "12000.5", FINE},
    {"payments.0.id", "null", FINE},
    {"payments.0.status", "\"done\"", FINE},
    {"payments.0.refunded", "12001", FINE},
    {"payments.0.currency", "\"USD\"", FINE}, /* for the caller to compare */
    {"payments.0.metadata", "null", FINE},
    {"metadata", NULL, FINE},
    {"metadata", "null", FINE},
    {"metadata", "[]", FINE},
    {"metadata", "\"" REFERENCE "\"", FINE},
    {"metadata.payment_id", "5", FINE},
    {"description", "{}", FINE},
    {"expired_at", "\"yesterday\"", FINE},
};

static const struct shape charge_shapes[] = {
    {"id", NULL, BAD},
    {"id", "null", BAD},
    {"id", "[]", BAD},
    {"id", "\"a/refund\"", BAD},
    {"id", "\"" OTHER "\"", BAD}, /* an answer about another one */
    {"status", NULL, BAD},
    {"status", "true", BAD},
    {"status", "\"\"", BAD},
    {"status", "\"Paid\"", FINE},
    {"amount", NULL, BAD},
    {"amount", "null", BAD},
    {"amount", "\"12000\"", FINE},
    {"amount", "12000.0", FINE},
    {"amount", "-1", BAD},
    {"currency", NULL, BAD},
    {"currency", "null", BAD},
    {"currency", "5", BAD},
    {"refunded", NULL, FINE},
    {"refunded", "null", BAD},
    {"refunded", "\"0\"", FINE},
    {"refunded", "0.5", BAD},
    {"refunded", "-1", BAD},
    {"refunded", "12001", BAD}, /* more than was taken */
    {"refunded", "9223372036854775807", BAD},
    {"refunded", "12000", FINE},
    {"invoice_id", NULL, FINE},
    {"invoice_id", "null", FINE},
    {"invoice_id", "5", FINE},
    {"metadata", "[]", FINE},
    {"source", "null", FINE},
    {"fee", "\"free\"", FINE},
};

/* `document` with one member of another shape; to be freed. */
static char *bent(const char *document, const struct shape *s)
{
    json_t *root = json_loads(document, 0, NULL), *at = root;
    ck_assert_ptr_nonnull(root);
    const char *name = s->member;
    for (const char *dot; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        char part[32];
        snprintf(part, sizeof part, "%.*s", (int)(dot - name), name);
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        ck_assert_ptr_nonnull(at);
    }
    if (s->value == NULL) {
        ck_assert_int_eq(json_object_del(at, name), 0);
    } else {
        json_t *value = json_loads(s->value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        ck_assert_msg(value != NULL, "%s", s->value);
        ck_assert_int_eq(json_object_set_new(at, name, value), 0);
    }
    char *text = json_dumps(root, 0);
    json_decref(root);
    return text;
}

static void assert_shape(enum call what, const char *text, const struct shape *s)
{
    struct heard h;
    hear(what, is_write(what) ? 201 : 200, text, &h);
    bool bad = s->verdict == BAD || (s->verdict == BAD_CREATE && what == CREATE);
    ck_assert_msg(h.o.err == (bad ? FAI : ERR_OK), "%s, %s = %s: %d (%s)", call_names[what],
                  s->member, s->value, (int)h.o.err, h.o.detail);
    ck_assert_msg((h.o.outcome == OUTCOME_UNKNOWN) == (bad && is_write(what)),
                  "%s, %s = %s: unknown %d", call_names[what], s->member, s->value,
                  h.o.outcome == OUTCOME_UNKNOWN);
}

START_TEST(an_invoice_of_another_shape)
{
    char *text = bent(PAID_INVOICE, &invoice_shapes[_i]);
    assert_shape(CREATE, text, &invoice_shapes[_i]);
    assert_shape(FETCH, text, &invoice_shapes[_i]);
    free(text);
}
END_TEST

START_TEST(a_charge_of_another_shape)
{
    char *text = bent(RECORDED_CHARGE, &charge_shapes[_i]);
    assert_shape(FETCH_CHARGE, text, &charge_shapes[_i]);
    assert_shape(REFUND, text, &charge_shapes[_i]);
    free(text);
}
END_TEST

START_TEST(numbers_beyond_reading)
{
    static const char *const numbers[] = {"9223372036854775808", "-9223372036854775809", "1e999",
                                          "12000000000000000000000000000000"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct heard h;
        char text[4096];
        char *invoice = bent(NEW_INVOICE, &(struct shape){"amount", NULL, BAD});
        snprintf(text, sizeof text, "{\"amount\":%s,%s", numbers[i], &invoice[1]);
        free(invoice);
        hear(CREATE, 201, text, &h);
        ck_assert_int_eq(h.o.err, FAI);
        ck_assert(h.o.outcome == OUTCOME_UNKNOWN);
    }
}
END_TEST

START_TEST(another_invoice_than_was_asked_for)
{
    struct heard h;
    char *text = bent(PAID_INVOICE, &(struct shape){"id", "\"" OTHER "\"", BAD});
    hear(FETCH, 200, text, &h);
    ck_assert_int_eq(h.o.err, FAI);
    ck_assert(h.o.outcome == OUTCOME_FAILED);
    free(text);
}
END_TEST

START_TEST(what_is_no_identifier_is_never_asked_for)
{
    static const char *const ids[] = {NULL, "", "a/b", "..", "a?b=c", "a#b", "a%2Fb", "a\r\nb"};
    struct heard h;
    hear(FETCH, 200, PAID_INVOICE, &h);
    const unsigned before = thp_requests(server);
    const struct pay_call c = {.ext = t->x,
                               .arena = t->a,
                               .cfg = &t->cfg,
                               .request_id = "r",
                               .deadline = deadline_in_ms(2000)};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct ext_result o;
        o = pay_fetch(&c, ids[i], &h.invoice);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
        o = pay_refund(&c, ids[i], 1, &h.charge);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
    }
    ck_assert_uint_eq(thp_requests(server), before);
}
END_TEST

/* ---- lists: a row counts only when its own metadata names us ---- */

#define ROW(id, metadata)                                                                  \
    "{\"id\":\"" id                                                                        \
    "\",\"status\":\"paid\",\"amount\":12000,\"currency\":\"SAR\",\"refunded\":0,\"url\":" \
    "\"https://checkout.moyasar.com/invoices/x\",\"payments\":[],\"metadata\":" metadata "}"
#define OURS ROW("ours", "{\"payment_id\":\"" REFERENCE "\"}")
#define THEIRS ROW("theirs", "{\"payment_id\":\"" OTHER "\"}")
#define NOBODYS ROW("nobodys", "null")

static const struct {
    const char *items, *meta;
    enum err err;
    size_t n;
} lists[] = {
    {"[" OURS "]", "null", ERR_OK, 1},
    {"[" THEIRS "," OURS "," NOBODYS "]", "null", ERR_OK, 1},
    {"[" OURS "," OURS "]", "null", ERR_OK, 2},
    {"[]", "null", ERR_NOT_FOUND, 0},
    {"[" THEIRS "]", "null", ERR_NOT_FOUND, 0}, /* the whole list, and not ours */
    {"[" THEIRS "," NOBODYS "]", "2", FAI,
     0}, /* a page of others' things proves nothing of the next */
    {"[" ROW("x", "[]") "," ROW("x", "7") "," ROW("x", "{\"payment_id\":7}") "," ROW(
         "x", "{\"payment_id\":\"\"}") "]",
     "null", ERR_NOT_FOUND, 0},
    {"[" ROW("x", "{\"payment_id\":\"" REFERENCE "0\"}") "]", "null", ERR_NOT_FOUND, 0},
    {"[" ROW("x", "{\"Payment_id\":\"" REFERENCE "\"}") "]", "null", ERR_NOT_FOUND, 0},
    {"[null,7,\"x\",[]]", "null", ERR_NOT_FOUND, 0},
    {"[{\"metadata\":{\"payment_id\":\"" REFERENCE "\"}}]", "null", FAI,
     1}, /* it names us and cannot be read */
    {"{}", "null", FAI, 0},
    {"null", "null", FAI, 0},
    {"\"" REFERENCE "\"", "null", FAI, 0},
};

START_TEST(lists_are_not_trusted)
{
    struct heard h;
    char text[8192];
    snprintf(text, sizeof text,
             "{\"invoices\":%s,\"payments\":%s,\"meta\":{\"current_page\":1,\"next_page\":%s}}",
             lists[_i].items, lists[_i].items, lists[_i].meta);
    hear(FIND, 200, text, &h);
    ck_assert_msg(h.o.err == lists[_i].err, "%d (%s)", (int)h.o.err, h.o.detail);
    if (h.o.err == ERR_OK)
        ck_assert_uint_eq(h.invoices.n, lists[_i].n);
    ck_assert_ptr_nonnull(strstr(thp_request(server),
                                 "GET /v1/invoices?metadata%5Bpayment_id%5D=" REFERENCE
                                 " HTTP/1.1\r\n"));
    hear(CHARGES, 200, text, &h);
    /* M1: a charge that names us counts, whatever of it can be read; an invoice needs its id */
    bool odd = lists[_i].err == FAI && lists[_i].n > 0;
    bool listed = lists[_i].err == ERR_NOT_FOUND || odd;
    ck_assert_msg(h.o.err == (listed ? ERR_OK : lists[_i].err), "%d (%s)", (int)h.o.err,
                  h.o.detail);
    if (odd) {
        ck_assert(h.charges[0].odd && !h.charges[0].charged && !h.charges[0].pending);
        return;
    }
    if (h.o.err == ERR_OK)
        ck_assert_uint_eq(h.charges_n, lists[_i].n);
    for (size_t i = 0; i < h.charges_n && h.o.err == ERR_OK; i++)
        ck_assert_str_eq(h.charges[i].id, "ours");
}
END_TEST

START_TEST(a_full_page_of_others_without_meta_goes_on)
{
    struct heard h;
    static char text[32768];
    size_t n = (size_t)snprintf(text, sizeof text, "{\"payments\":[");
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? "," : "", THEIRS);
    snprintf(text + n, sizeof text - n, "]}");
    hear(CHARGES, 200, text, &h);
    ck_assert_int_eq(h.o.err, FAI);
    ck_assert_uint_eq(h.charges_n, 0);
}
END_TEST

/* ---- events ---- */

#define EVENT                                                                                 \
    "{\"id\":\"ev-1\",\"type\":\"payment_paid\",\"created_at\":\"2026-10-02T10:00:10.000Z\"," \
    "\"secret_token\":"                                                                       \
    "\"hook-secret\",\"account_name\":\"A shop\",\"live\":false,\"data\":" RECORDED_CHARGE "}"

static const struct {
    const char *member, *value;
    enum err err;
    const char *charge, *invoice, *reference; /* of an event that is taken */
} events[] = {
    {"live", "true", ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"type", "\"payment_faild\"", ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"type", "\"never heard of\"", ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"secret_token", NULL, ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "null", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "\"\"", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "\"hook-secre\"", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "\"hook-secret \"", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "\"HOOK-SECRET\"", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "\"hook-secret\\u0000\"", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "[\"hook-secret\"]", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"secret_token", "7", ERR_UNAUTHORIZED, NULL, NULL, NULL},
    {"id", NULL, ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"id", "5", ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"id", "null", ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"type", NULL, ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"type", "{}", ERR_OK, CHARGE_ID, INVOICE_ID, REFERENCE},
    {"data", NULL, ERR_OK, NULL, NULL, NULL},
    {"data", "null", ERR_OK, NULL, NULL, NULL},
    {"data", "[]", ERR_OK, NULL, NULL, NULL},
    {"data", "\"x\"", ERR_OK, NULL, NULL, NULL},
    {"data.id", "\"../../v1/x\"", ERR_OK, NULL, INVOICE_ID, REFERENCE},
    {"data.id", "7", ERR_OK, NULL, INVOICE_ID, REFERENCE},
    {"data.invoice_id", "null", ERR_OK, CHARGE_ID, NULL, REFERENCE},
    {"data.invoice_id", "\"a b\"", ERR_OK, CHARGE_ID, NULL, REFERENCE},
    {"data.metadata", "null", ERR_OK, CHARGE_ID, INVOICE_ID, NULL},
    {"data.metadata", "[]", ERR_OK, CHARGE_ID, INVOICE_ID, NULL},
    {"data.metadata.payment_id", "\"1 OR 1=1\"", ERR_OK, CHARGE_ID, INVOICE_ID, NULL},
    {"data.metadata.payment_id", "7", ERR_OK, CHARGE_ID, INVOICE_ID, NULL},
    {"data.amount", "-1", ERR_OK, CHARGE_ID, INVOICE_ID,
     REFERENCE}, /* nothing of it is believed but whom to ask about */
};

static void assert_text(const char *what, const char *got, const char *want)
{
    bool same = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
    ck_assert_msg(same, "%s: got %s, want %s", what, got ? got : "NULL", want ? want : "NULL");
}

static enum err read_event(const char *body, struct pay_event *ev)
{
    struct heard h;
    if (t == NULL)
        hear(FETCH, 200, PAID_INVOICE, &h);
    return pay_event_read(&t->cfg, 0, t->a, str_of(body), ev);
}

START_TEST(events_of_every_shape)
{
    struct pay_event ev;
    char *text = bent(EVENT, &(struct shape){events[_i].member, events[_i].value, FINE});
    ck_assert_int_eq(read_event(text, &ev), events[_i].err);
    if (events[_i].err == ERR_OK) {
        if (strcmp(events[_i].member, "id") != 0)
            assert_text("id", ev.id, "ev-1");
        assert_text("charge", ev.charge_id, events[_i].charge);
        assert_text("invoice", ev.invoice_id, events[_i].invoice);
        assert_text("reference", ev.reference, events[_i].reference);
    }
    free(text);
}
END_TEST

START_TEST(what_is_no_event_at_all)
{
    /* M19: 401 is for the secret alone; what cannot be read at all is something else */
    static const char *const bodies[] = {"", "{", "secret_token=hook-secret",
                                         "{\"secret_token\":\"hook-secret\""};
    static const char *const strangers[] = {
        "null", "[]", "\"hook-secret\"", "[{\"secret_token\":\"hook-secret\"}]",
        "{\"secret_token\":\"hook-secret\",\"secret_token\":\"wrong\"}"};
    struct pay_event ev;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        ck_assert_msg(read_event(bodies[i], &ev) == ERR_MALFORMED_JSON, "%s", bodies[i]);
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
        ck_assert_msg(read_event(strangers[i], &ev) == ERR_UNAUTHORIZED, "%s", strangers[i]);
    ck_assert_int_eq(read_event("{\"secret_token\":\"hook-secret\"}", &ev), ERR_OK);
    ck_assert_int_eq(read_event("{\"secret_token\":\"wrong\"}", &ev), ERR_UNAUTHORIZED);
    t->p.webhook_secret = "";
    ck_assert_int_eq(read_event("{\"secret_token\":\"\",\"id\":\"a\",\"type\":\"b\"}", &ev),
                     ERR_UNAUTHORIZED);
}
END_TEST

START_TEST(events_with_long_names)
{
    struct pay_event ev;
    static char body[1024];
    for (int n = 100; n <= 101; n++) {
        snprintf(body, sizeof body,
                 "{\"secret_token\":\"hook-secret\",\"id\":\"%0*d\",\"type\":\"%0*d\"}", n, 0, 100,
                 0);
        ck_assert_int_eq(read_event(body, &ev), ERR_OK);
        ck_assert_uint_eq(strlen(ev.id), n == 100 ? 100 : 64); /* its digest */
        snprintf(body, sizeof body,
                 "{\"secret_token\":\"hook-secret\",\"id\":\"%0*d\",\"type\":\"%0*d\"}", 100, 0, n,
                 0);
        ck_assert_int_eq(read_event(body, &ev), ERR_OK);
        ck_assert_uint_eq(strlen(ev.kind), 100);
    }
}
END_TEST

#define LOOP(c, test, table) tcase_add_loop_test(c, test, 0, (int)ARRAY_LEN(table))

int main(void)
{
    Suite *suite = suite_create("pay_shapes");
    TCase *good = th_case(suite, "good answers");
    tcase_add_checked_fixture(good, NULL, tear_down);
    tcase_add_test(good, a_new_invoice_is_read);
    tcase_add_test(good, a_create_asks_for_what_it_was_told);
    tcase_add_test(good, a_paid_invoice_has_its_charge);
    LOOP(good, every_status_of_a_charge, charge_cases);
    LOOP(good, every_status_of_an_invoice, invoice_cases);

    TCase *bad = th_case(suite, "bad answers");
    tcase_add_checked_fixture(bad, NULL, tear_down);
    LOOP(bad, refusals_and_faults_by_status, refusals);
    LOOP(bad, an_invoice_of_another_shape, invoice_shapes);
    LOOP(bad, a_charge_of_another_shape, charge_shapes);
    tcase_add_test(bad, numbers_beyond_reading);
    tcase_add_test(bad, another_invoice_than_was_asked_for);
    tcase_add_test(bad, what_is_no_identifier_is_never_asked_for);
    LOOP(bad, lists_are_not_trusted, lists);
    tcase_add_test(bad, a_full_page_of_others_without_meta_goes_on);

    TCase *event = th_case(suite, "events");
    tcase_add_checked_fixture(event, NULL, tear_down);
    LOOP(event, events_of_every_shape, events);
    tcase_add_test(event, what_is_no_event_at_all);
    tcase_add_test(event, events_with_long_names);
    return th_run(suite);
}
