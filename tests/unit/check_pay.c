/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What each call to the payment gateway makes of an answer, and what it sends. The client is
 * replaced: its names are defined here. */
#include <check.h>
#include <stdlib.h>

#include "../lib/th_unit.h"
#include "ext/ext_status.h"
#include "ext/pay.h"
#include "sys/json.h"
#include "sys/log.h"

#define OURS "019aab00-0000-7000-8000-000000000002"
#define CHARGE(id, status)                                                                      \
    "{\"id\":\"" id "\",\"status\":\"" status                                                   \
    "\",\"amount\":5000,\"currency\":\"SAR\",\"invoice_id\":\"inv_1\",\"metadata\":{\"payment_" \
    "id\":\"" OURS "\"}}"
#define INVOICE_OF(id, status, amount, url, more)                                               \
    "{\"id\":\"" id "\",\"status\":\"" status "\",\"amount\":" amount                           \
    ",\"currency\":\"SAR\",\"url\":\"" url "\",\"metadata\":{\"payment_id\":\"" OURS "\"}" more \
    "}"
#define PAGE "https://checkout.moyasar.com/invoices/inv_1"
#define INVOICE(status) INVOICE_OF("inv_1", status, "5000", PAGE, "")

static struct arena *arena;
static struct ext_reply given;
static struct ext_request asked;
static unsigned calls_n, judged;
static enum provider_outcome verdict;
static struct ext_result call_ends;

struct ext_result ext_call(struct ext *x, struct arena *a, const struct ext_request *q,
                           struct deadline d, struct ext_reply *r)
{
    (void)x, (void)a, (void)d;
    calls_n++;
    asked = *q;
    *r = given;
    return call_ends;
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
                                          .base_url = "http://127.0.0.1:7",
                                          .secret_key = "sk",
                                          .webhook_secret = "hook"};
static const struct config cfg = {.providers = &provider, .providers_n = 1};
static struct pay_call call;

static void set_up(void)
{
    log_init(LOG_FORMAT_LOGFMT, LOG_LEVEL_ERROR); /* each refusal is a warning */
    arena = arena_new(8192);
    call = (struct pay_call){
        .arena = arena, .cfg = &cfg, .request_id = "unit", .deadline = deadline_in_ms(1000)};
    calls_n = judged = 0;
    call_ends = (struct ext_result){.err = ERR_OK};
}

static void tear_down(void)
{
    arena_free(arena);
}

/* ---- verdicts ---- */

enum what { CREATE, FETCH, FIND, CHARGES, FETCH_CHARGE, CANCEL, REFUND, CHANGED };

static struct pay_invoice invoice;
static struct pay_invoices invoices;
static struct pay_charge charge;
static const struct pay_charge *charges;
static size_t charges_n;
static struct pay_changes changes;
#define SINCE_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

static struct ext_result ask(enum what what)
{
    const struct pay_create in = {.reference = OURS,
                                  .booking_id = "b",
                                  .amount = 5000,
                                  .currency = "SAR",
                                  .description = "d",
                                  .callback_url = "http://a/c",
                                  .success_url = "http://a/s",
                                  .back_url = "http://a/b"};
    struct ext_result o;
    switch (what) {
    case CREATE:
        o = pay_create(&call, &in, &invoice);
        break;
    case FETCH:
        o = pay_fetch(&call, "inv_1", &invoice);
        break;
    case FIND:
        o = pay_find(&call, OURS, &invoices);
        break;
    case CHARGES:
        o = pay_charges(&call, OURS, &charges, &charges_n);
        break;
    case FETCH_CHARGE:
        o = pay_fetch_charge(&call, "pay_1", &charge);
        break;
    case CANCEL:
        o = pay_cancel(&call, "inv_1");
        break;
    case REFUND:
        o = pay_refund(&call, "pay_1", 100, &charge);
        break;
    case CHANGED:
        o = pay_changed(&call, (struct wall){SINCE_US}, 3, &changes);
        break;
    }
    return o;
}

#define REJ ERR_PROVIDER_REJECTED
#define FAI ERR_PROVIDER_FAILED
static const struct {
    enum what what;
    int status;
    const char *body;
    enum err err;
    bool unknown;
    const char *detail;
} cases[] = {
    {CREATE, 201, INVOICE("initiated"), ERR_OK, false, NULL},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "4999", PAGE, ""), FAI, true,
     "answer with another amount"},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5000", "https://moyasar.com.evil.example/", ""),
     FAI, true, "unreadable answer"},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5000", "https://evilmoyasar.com/", ""), FAI,
     true, "unreadable answer"},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5000", "http://checkout.moyasar.com/", ""), FAI,
     true, "unreadable answer"},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5000", "http://127.0.0.1:9/page", ""), ERR_OK,
     false, NULL},
    {CREATE, 201, INVOICE_OF("../1", "initiated", "5000", PAGE, ""), FAI, true,
     "unreadable answer"},
    {CREATE, 201, INVOICE_OF("inv_1\\u0000x", "initiated", "5000", PAGE, ""), FAI, true,
     "unreadable answer"},
    /* M1 to M3: what is not needed may be of any form */
    {CREATE, 201, INVOICE_OF("inv_1", "new", "5000", PAGE, ""), ERR_OK, false, NULL},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5000.0", PAGE, ""), ERR_OK, false, NULL},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5e3", PAGE, ""), ERR_OK, false, NULL},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "-1", PAGE, ""), FAI, true, "unreadable answer"},
    {CREATE, 201, INVOICE_OF("inv_1", "initiated", "5000.5", PAGE, ""), FAI, true,
     "unreadable answer"},
    {CREATE, 201, INVOICE_OF("inv_1", "paid", "5000", PAGE, ",\"payments\":{}"), ERR_OK, false,
     NULL},
    {CREATE, 201, INVOICE_OF("inv_1", "paid", "5000", PAGE, ",\"payments\":[1]"), ERR_OK, false,
     NULL},
    {CREATE, 201, "\xef\xbb\xbf" INVOICE("initiated"), ERR_OK, false, NULL}, /* M16 */
    {CREATE, 200, "not JSON", FAI, true, "unreadable answer"},
    {CREATE, 200, "[]", FAI, true, "unreadable answer"},
    {CREATE, 400, "{\"type\":\"invalid_request_error\"}", REJ, false, "status 400"},
    {CREATE, 400, "a page", FAI, true, "status 400"},
    {CREATE, 404, "{}", REJ, false, "status 404"},
    {CREATE, 401, "{}", REJ, false, "credentials refused"},
    {CREATE, 403, "{}", REJ, false, "credentials refused"},
    {CREATE, 405, "{}", REJ, false, "account not active"},
    {FETCH, 401, "{}", REJ, false, "credentials refused"},
    {CREATE, 403, "<html>", FAI, false, "refused by a web firewall"},
    {CREATE, 429, "", ERR_PROVIDER_UNAVAILABLE, false, "rate limited"},
    {CREATE, 500, "{}", FAI, true, "status 500"},
    {CREATE, 302, "", FAI, true, "redirect refused"},
    {CREATE, 307, "", FAI, false, "redirect refused"},
    {REFUND, 308, "{}", FAI, false, "redirect refused"},
    {REFUND, 408, "{}", FAI, false, "status 408"},
    {FETCH, 200, INVOICE("paid"), ERR_OK, false, NULL},
    {FETCH, 200, INVOICE_OF("inv_1", "on_hold", "5000", PAGE, ",\"payments\":null"), ERR_OK, false,
     NULL},
    {FETCH, 200, INVOICE_OF("inv_2", "paid", "5000", PAGE, ""), FAI, false,
     "answer about another invoice"},
    {FETCH, 404, "{}", ERR_NOT_FOUND, false, "not found"},
    {FETCH, 503, "", FAI, false, "status 503"}, /* a read has done nothing */
    {FIND, 200, "{\"invoices\":[" INVOICE("initiated") ",{\"id\":\"another's\"}]}", ERR_OK, false,
     NULL},
    {FIND, 200, "{\"invoices\":[{\"metadata\":{\"payment_id\":\"" OURS "\"}}]}", FAI, false,
     "unreadable answer"},
    {FIND, 200, "{\"invoices\":[],\"meta\":{\"next_page\":null}}", ERR_NOT_FOUND, false,
     "not found"},
    {FIND, 200, "{\"invoices\":[{}],\"meta\":{\"next_page\":2}}", FAI, false,
     "a list that was not filtered"},
    {FIND, 200, "{\"invoices\":[]}", ERR_NOT_FOUND, false, "not found"},
    {FIND, 200, "{\"invoices\":{}}", FAI, false, "unreadable answer"},
    {CHARGES, 200, "{\"payments\":[" CHARGE("pay_1", "paid") ",{}]}", ERR_OK, false, NULL},
    {CHARGES, 200, "{\"payments\":[" CHARGE("pay_1", "odd") "]}", ERR_OK, false, NULL}, /* M1 */
    {CHARGES, 200, "{\"payments\":[],\"meta\":{\"next_page\":2}}", FAI, false,
     "a list that was not filtered"},
    {CHARGES, 500, "", FAI, false, "status 500"},
    {FETCH_CHARGE, 200, CHARGE("pay_1", "paid"), ERR_OK, false, NULL},
    {FETCH_CHARGE, 200, CHARGE("pay_2", "paid"), FAI, false, "answer about another payment"},
    {FETCH_CHARGE, 200,
     "{\"id\":\"pay_1\",\"status\":\"paid\",\"amount\":1,\"currency\":\"SAR\",\"refunded\":-1}",
     FAI, false, "unreadable answer"},
    {CANCEL, 200, "{}", ERR_OK, false, NULL},
    {CANCEL, 400, "{}", REJ, false, "status 400"},
    {REFUND, 200, CHARGE("pay_1", "refunded"), ERR_OK, false, NULL},
    {REFUND, 200, CHARGE("pay_2", "refunded"), FAI, true, "answer about another payment"},
    {REFUND, 200, "{}", FAI, true, "unreadable answer"},
    {FETCH_CHARGE, 200, CHARGE("pay_1", "voided"), ERR_OK, false, NULL},
    {CHANGED, 200, "{\"payments\":[]}", ERR_OK, false, NULL},
    {CHANGED, 200, "{\"payments\":[1,{},null]}", ERR_OK, false, NULL},
    {CHANGED, 200, "{\"payments\":{}}", FAI, false, "unreadable answer"},
    {CHANGED, 404, "{}", ERR_NOT_FOUND, false, "not found"},
};

START_TEST(answers_are_judged)
{
    given = (struct ext_reply){.status = cases[_i].status, .body = str_of(cases[_i].body)};
    struct ext_result o = ask(cases[_i].what);
    ck_assert_msg(o.err == cases[_i].err && (o.outcome == OUTCOME_UNKNOWN) == cases[_i].unknown,
                  "%d %s: %s, %s", cases[_i].status, cases[_i].body, err_code(o.err),
                  outcome_names[o.outcome]);
    ck_assert_pstr_eq(o.detail, cases[_i].detail);
    ck_assert_uint_eq(judged, 1);
    ck_assert(o.err != ERR_OK || verdict == PROVIDER_OUTCOME_OK);
    /* M23: what is about our account weighs on the breaker, and what is about one payment does
     * not. */
    bool account = cases[_i].status == 401 || cases[_i].status == 403 || cases[_i].status == 405;
    ck_assert(o.err != REJ || (verdict == PROVIDER_OUTCOME_ACCOUNT) == account);
    ck_assert(o.err != ERR_NOT_FOUND || verdict == PROVIDER_OUTCOME_REJECTED);
    ck_assert((o.retry_after_s > 0) == (cases[_i].status == 429));
}
END_TEST

static const struct {
    const char *status;
    bool pending, charged;
    int64_t refunded;
} states[] = {
    {"initiated", true, false, 0},   {"paid", false, true, 0},      {"failed", false, false, 0},
    {"authorized", false, false, 0}, {"captured", false, true, 0},  {"refunded", false, true, 5000},
    {"voided", false, true, 5000},   {"verified", false, false, 0}, {"expired", false, false, 0},
};

START_TEST(charges_have_states)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"id\":\"pay_1\",\"status\":\"%s\",\"amount\":5000,\"currency\":\"SAR\"}",
             states[_i].status);
    given = (struct ext_reply){.status = 200, .body = str_of(body)};
    ck_assert_int_eq(ask(FETCH_CHARGE).err, ERR_OK);
    ck_assert(charge.pending == states[_i].pending && charge.charged == states[_i].charged);
    ck_assert_int_eq(charge.refunded, states[_i].refunded);
    ck_assert_ptr_null(charge.invoice_id);
}
END_TEST

/* M29 */
#define CHANGE(id, refunded, updated)                                                    \
    "{\"id\":\"" id                                                                      \
    "\",\"status\":\"paid\",\"amount\":5000,\"currency\":\"SAR\",\"refunded\":" refunded \
    ",\"updated_at\":" updated "}"
static const char first_page[] =
    "{\"payments\":[" CHANGE("a", "0", "\"2026-01-01T00:00:03.5Z\"") "," CHANGE(
        "b", "7.0", "\"2026-01-01T00:00:00Z\"") "," CHANGE("c", "\"5000\"",
                                                           "null") "],\"meta\":{\"next_page\":4}}";
static const char unfiltered_page[] = "{\"payments\":[" CHANGE(
    "a", "1", "\"2025-12-31T23:59:59Z\"") "],\"meta\":{\"next_page\":null}}";

START_TEST(changes_tell_what_went_back)
{
    given = (struct ext_reply){.status = 200, .body = str_of(first_page)};
    ck_assert_int_eq(ask(CHANGED).err, ERR_OK);
    ck_assert_ptr_nonnull(
        strstr(asked.url, "/payments?updated%5Bgt%5D=2026-01-01T00:00:00Z&page=3"));
    ck_assert_uint_eq(changes.n, 2);
    ck_assert_str_eq(changes.items[0].charge_id, "b");
    ck_assert_int_eq(changes.items[0].refunded, 7);
    ck_assert_int_eq(changes.items[1].refunded, 5000);
    ck_assert_int_eq(changes.newest.us, SINCE_US + 3500000);
    ck_assert(changes.more && changes.filtered);
    /* One that changed before was not asked for: the filter was passed over. */
    given.body = str_of(unfiltered_page);
    ck_assert_int_eq(ask(CHANGED).err, ERR_OK);
    ck_assert(!changes.more && !changes.filtered);
}
END_TEST

START_TEST(lists_hold_what_is_ours)
{
    given = (struct ext_reply){.status = 200,
                               .body = STR("{\"invoices\":[{\"id\":\"a\"}," INVOICE("paid") "]}")};
    ck_assert_int_eq(ask(FIND).err, ERR_OK);
    ck_assert_uint_eq(invoices.n, 1);
    ck_assert_str_eq(invoices.items[0].reference, OURS);
    given.body = STR("{\"payments\":[" CHARGE("pay_1", "paid") ",{\"id\":\"b\"}," CHARGE(
        "pay_2", "failed") "]}");
    ck_assert_int_eq(ask(CHARGES).err, ERR_OK);
    ck_assert_uint_eq(charges_n, 2);
    ck_assert_str_eq(charges[1].id, "pay_2");
}
END_TEST

/* Forty others' rows and no word of a next page: there may be one. */
START_TEST(a_full_page_may_go_on)
{
    struct sb b;
    sb_init(&b, arena, 512);
    sb_puts(&b, "{\"invoices\":[{}");
    for (int i = 1; i < 40; i++)
        sb_puts(&b, ",{}");
    sb_puts(&b, "]}");
    given = (struct ext_reply){.status = 200, .body = sb_str(&b)};
    ck_assert_str_eq(ask(FIND).detail, "a list that was not filtered");
}
END_TEST

START_TEST(a_call_that_failed_is_not_judged)
{
    call_ends = (struct ext_result){.err = ERR_PROVIDER_TIMEOUT,
                                    .outcome = OUTCOME_UNKNOWN,
                                    .detail = "timed out after sending"};
    struct ext_result o = ask(REFUND);
    ck_assert(o.err == ERR_PROVIDER_TIMEOUT && o.outcome == OUTCOME_UNKNOWN && judged == 0);
    o = ask(FETCH);
    ck_assert(o.err == ERR_PROVIDER_TIMEOUT && o.outcome == OUTCOME_FAILED);
}
END_TEST

START_TEST(bad_identifiers_stay_in_the_house)
{
    static const char *const bad[] = {"", "a/b", "..", "a b", "a?b", "\xd8\xb1", NULL};
    char longest[66];
    memset(longest, 'x', 65);
    longest[65] = '\0';
    for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
        const char *id = i < ARRAY_LEN(bad) ? bad[i] : longest;
        struct ext_result o;
        o = pay_fetch(&call, id, &invoice);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
        o = pay_refund(&call, id, 1, &charge);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
        o = pay_find(&call, id, &invoices);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
        o = pay_charges(&call, id, &charges, &charges_n);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
        o = pay_cancel(&call, id);
        ck_assert_int_eq(o.err, ERR_NOT_FOUND);
    }
    ck_assert_uint_eq(calls_n, 0);
}
END_TEST

START_TEST(a_request_says_what_is_wanted)
{
    given = (struct ext_reply){.status = 201, .body = STR(INVOICE("initiated"))};
    (void)ask(CREATE);
    ck_assert_str_eq(asked.method, "POST");
    ck_assert_str_eq(asked.url, "http://127.0.0.1:7/v1/invoices");
    ck_assert(strcmp(asked.basic_user, "sk") == 0 && !asked.idempotent);
    json_t *j = json_parse(arena, asked.body);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "amount")), 5000);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(j, "metadata"), "payment_id")), OURS);
    (void)ask(CHARGES);
    ck_assert_str_eq(asked.url, "http://127.0.0.1:7/v1/payments?metadata%5Bpayment_id%5D=" OURS);
    ck_assert(asked.idempotent && asked.body.n == 0);
    (void)ask(REFUND);
    ck_assert_str_eq(asked.url, "http://127.0.0.1:7/v1/payments/pay_1/refund");
    ck_assert(str_eq(asked.body, STR("{\"amount\":100}")) && !asked.idempotent);
    (void)ask(CANCEL);
    ck_assert_str_eq(asked.method, "PUT");
}
END_TEST

/* ---- events ---- */

static enum err event(const char *body, struct pay_event *out)
{
    return pay_event_read(&cfg, 0, arena, str_of(body), out);
}

#define EVENT(more) "{\"secret_token\":\"hook\",\"id\":\"e1\",\"type\":\"payment_paid\"" more "}"

START_TEST(events_are_read)
{
    struct pay_event e;
    ck_assert_int_eq(event(EVENT(",\"data\":{\"id\":\"pay_1\",\"invoice_id\":\"inv_1\","
                                 "\"metadata\":{\"payment_id\":\"" OURS "\"}}"),
                           &e),
                     ERR_OK);
    ck_assert_str_eq(e.id, "e1");
    ck_assert_str_eq(e.kind, "payment_paid");
    ck_assert_str_eq(e.charge_id, "pay_1");
    ck_assert_str_eq(e.invoice_id, "inv_1");
    ck_assert_str_eq(e.reference, OURS);
    ck_assert_int_eq(event(EVENT(",\"data\":{\"id\":\"../"
                                 "x\",\"invoice_id\":7,\"metadata\":{\"payment_id\":\"mine\"}}"),
                           &e),
                     ERR_OK);
    ck_assert(!e.charge_id && !e.invoice_id && !e.reference);
}
END_TEST

START_TEST(events_without_the_secret_are_nobodys)
{
    static const char *const bad[] = {"[]",
                                      "{}",
                                      "{\"secret_token\":1}",
                                      "{\"secret_token\":\"hooK\"}",
                                      "{\"secret_token\":\"hook\\u0000\"}",
                                      "{\"secret_token\":\"\"}"};
    struct pay_event e;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(event(bad[i], &e), ERR_UNAUTHORIZED);
    /* M19: with the secret it is an event, whatever it lacks; without JSON there is none to judge
     */
    ck_assert_int_eq(event("{\"secret_token\":\"hook\"}", &e), ERR_OK);
    ck_assert_uint_eq(strlen(e.id), 64);
    ck_assert_int_eq(event("\xef\xbb\xbf{\"secret_token\":\"hook\",\"id\":\"e\"}", &e), ERR_OK);
    ck_assert_str_eq(e.id, "e");
    ck_assert_str_eq(e.kind, "");
    ck_assert_int_eq(event("", &e), ERR_MALFORMED_JSON);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pay");
    TCase *tc = tcase_create("moyasar");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, answers_are_judged, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, charges_have_states, 0, (int)ARRAY_LEN(states));
    tcase_add_test(tc, changes_tell_what_went_back);
    tcase_add_test(tc, lists_hold_what_is_ours);
    tcase_add_test(tc, a_full_page_may_go_on);
    tcase_add_test(tc, a_call_that_failed_is_not_judged);
    tcase_add_test(tc, bad_identifiers_stay_in_the_house);
    tcase_add_test(tc, a_request_says_what_is_wanted);
    tcase_add_test(tc, events_are_read);
    tcase_add_test(tc, events_without_the_secret_are_nobodys);
    suite_add_tcase(s, tc);
    return th_run(s);
}
