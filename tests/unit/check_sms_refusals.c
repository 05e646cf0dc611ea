/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What refusals of SMS providers are about, answers in unusual wrapping, and what the templated
 * provider can say and understand. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../src/ext/ext_decode.h"
#include "../lib/th_ext.h"
#include "../lib/th_provider.h"
#include "../lib/th_unit.h"
#include "ext/ext_status.h"

static struct th_ext *t;
static struct thp *server;
static const char *message_id;

static void tear_down(void)
{
    th_ext_close(t);
    thp_stop(server);
    t = NULL;
    server = NULL;
}

static struct ext_result send_to(struct thp *s, enum provider_type type)
{
    struct sms m = {.to = "+966551234567",
                    .text = "Code 1234",
                    .code = "1234",
                    .id = "0190a6e2-0000-7000-8000-000000000001",
                    .request_id = "req-5",
                    .op = PROVIDER_OP_SMS_OTP};
    server = s;
    if (!t)
        t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.type = type;
    t->p.token = t->p.app_sid = t->p.user = t->p.api_key = t->p.account_sid = "key";
    t->p.auth_token = t->p.from = "key";
    return sms_send(t->x, t->a, &m, deadline_in_ms(2000), &message_id);
}

/* ---- what a refusal is about ---- */

/* M23 M24 */
START_TEST(refusals_are_sorted)
{
    static const struct {
        enum provider_type type;
        int status;
        const char *body;
        enum refusal refusal;
        const char *detail;
    } rows[] = {
        {PROVIDER_MSEGAT, 200, "{\"code\":\"1060\"}", REFUSAL_ACCOUNT, "1060"},
        {PROVIDER_MSEGAT, 200, "{\"code\":1020}", REFUSAL_ACCOUNT, "1020"},
        {PROVIDER_MSEGAT, 200, "{\"code\":\"M0002\"}", REFUSAL_ACCOUNT, "M0002"},
        {PROVIDER_MSEGAT, 200, "{\"code\":\"1120\"}", REFUSAL_NUMBER, "1120"},
        {PROVIDER_MSEGAT, 200, "{\"code\":\"1140\"}", REFUSAL_MESSAGE, "1140"},
        {PROVIDER_MSEGAT, 200, "{\"code\":\"9999\"}", REFUSAL_MESSAGE, "9999"},
        {PROVIDER_TAQNYAT, 400, "{\"statusCode\":400,\"reason\":\"2\"}", REFUSAL_ACCOUNT, "2"},
        {PROVIDER_TAQNYAT, 400, "{\"statusCode\":400,\"reason\":14}", REFUSAL_ACCOUNT, "14"},
        {PROVIDER_TAQNYAT, 400, "{\"statusCode\":400,\"reason\":\"15\"}", REFUSAL_NUMBER, "15"},
        {PROVIDER_TAQNYAT, 400, "{\"statusCode\":400,\"reason\":\"has blanks\"}", REFUSAL_MESSAGE,
         "400"},
        {PROVIDER_TAQNYAT, 401, "{\"statusCode\":104}", REFUSAL_ACCOUNT, "104"},
        {PROVIDER_UNIFONIC, 200, "{\"success\":false,\"errorCode\":\"ER-07\"}", REFUSAL_ACCOUNT,
         "ER-07"},
        {PROVIDER_UNIFONIC, 480, "{}", REFUSAL_ACCOUNT, "status 480"},
        {PROVIDER_UNIFONIC, 482, "{}", REFUSAL_NUMBER, "status 482"},
        {PROVIDER_UNIFONIC, 200, "{\"success\":\"false\",\"errorCode\":\"ER-482\"}", REFUSAL_NUMBER,
         "ER-482"},
        {PROVIDER_UNIFONIC, 412, "{}", REFUSAL_MESSAGE, "status 412"},
        {PROVIDER_TWILIO, 401, "{\"code\":20003}", REFUSAL_ACCOUNT, "20003"},
        {PROVIDER_TWILIO, 400, "{\"code\":21211}", REFUSAL_NUMBER, "21211"},
        {PROVIDER_TWILIO, 400, "{\"code\":21614}", REFUSAL_NUMBER, "21614"},
        {PROVIDER_TWILIO, 400, "{\"code\":21610}", REFUSAL_MESSAGE, "21610"},
        {PROVIDER_TWILIO, 400, "{\"code\":21606}", REFUSAL_ACCOUNT, "21606"},
        {PROVIDER_HTTP, 403, "", REFUSAL_ACCOUNT, "credentials refused"},
        {PROVIDER_HTTP, 400, "{\"e\":\"poor\"}", REFUSAL_ACCOUNT, "poor"},
        {PROVIDER_HTTP, 400, "{\"e\":\"odd\"}", REFUSAL_NUMBER, "odd"},
        {PROVIDER_HTTP, 400, "{\"e\":\"else\"}", REFUSAL_MESSAGE, "else"},
    };
    const char *body = rows[_i].body;
    server = thp_start_answer(thp_json(rows[_i].status, body));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.error_path = "e";
    t->p.error_account = "empty poor";
    t->p.error_number = "odd";
    struct ext_result r = send_to(server, rows[_i].type);
    ck_assert_int_eq(r.err, ERR_PROVIDER_REJECTED);
    ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
    ck_assert_msg(r.refusal == rows[_i].refusal, "%s: %d", body, r.refusal);
    ck_assert_str_eq(r.detail, rows[_i].detail);
    bool account = r.refusal == REFUSAL_ACCOUNT;
    ck_assert_uint_eq(th_ext_state().consecutive_failures, account ? 1 : 0);
    ck_assert((th_ext_state().last_fault != NULL) == account);
    ck_assert_int_eq(ext_metric_outcome(&r),
                     account ? PROVIDER_OUTCOME_ACCOUNT : PROVIDER_OUTCOME_REJECTED);
}
END_TEST
#define REFUSALS 25

/* For every type, only an answer that says that the message was taken counts as sent. */
START_TEST(contradictions_are_not_taken_for_sent)
{
    static const struct {
        enum provider_type type;
        const char *body;
    } rows[] = {
        {PROVIDER_TWILIO, "{\"code\":21211,\"status\":400}"},
        {PROVIDER_TWILIO, "{\"status\":\"strange\"}"},
        {PROVIDER_UNIFONIC, "{\"success\":true,\"errorCode\":\"ER-11\"}"},
        {PROVIDER_TAQNYAT, "{\"statusCode\":201,\"accepted\":\"[]\",\"rejected\":\"[]\"}"},
    };
    struct ext_result r = send_to(thp_start_answer(thp_json(201, rows[_i].body)), rows[_i].type);
    ck_assert_int_eq(r.err, ERR_PROVIDER_FAILED);
    ck_assert_int_eq(r.outcome, OUTCOME_UNKNOWN);
    ck_assert(r.not_understood);
}
END_TEST

/* ---- wrapping ---- */

static const char *wrapped(const char *headers, const void *body, size_t n)
{
    static char answer[4096];
    int head = snprintf(answer, sizeof answer,
                        "HTTP/1.1 201 Created\r\nContent-Length: %zu\r\n%s\r\n", n, headers);
    memcpy(answer + head, body, n);
    answer[(size_t)head + n] = '\0';
    return answer;
}

static size_t packed(const char *text, unsigned char *out, size_t size, int window)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text,
                  .avail_in = (uInt)strlen(text),
                  .next_out = out,
                  .avail_out = (uInt)size};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_int_eq(deflateEnd(&z), Z_OK);
    return size - z.avail_out;
}

#define GOOD "{\"statusCode\":201,\"messageId\":7,\"message\":\"%s\"}"

/* M16 M17 */
START_TEST(wrapping_does_not_hide_an_answer)
{
    static const char *const texts[] = {
        "\xef\xbb\xbf" GOOD,                           /* a byte order mark */
        "\xef\xbb\xbf\xef\xbb\xbf\r\n " GOOD "\r\n\n", /* two of them, and blanks */
        "{\"statusCode\":201,\"message\":\"\xc7\xe1\xd1\xed\xc7\xd6\",\"messageId\":7}",
        "{\"statusCode\":201,\"message\":\"cut \\ud83d\",\"messageId\":7}",
    };
    struct thp *s = thp_start_answer(wrapped("Content-Type: text/plain; charset=windows-1256\r\n",
                                             texts[_i], strlen(texts[_i])));
    struct ext_result r = send_to(s, PROVIDER_TAQNYAT);
    ck_assert_msg(r.err == ERR_OK, "%s: %s", texts[_i], r.detail);
    ck_assert_str_eq(message_id, "7");
    ck_assert_ptr_nonnull(strstr(thp_request(s), "\r\nAccept-Encoding: identity\r\n"));
}
END_TEST

/* The scripted provider sends texts, so these bytes must not have a zero in them: the seed is
 * changed until that is so. */
static const char *packed_answer(const char *header, int window)
{
    static unsigned char bytes[1024];
    char text[256];
    for (int seed = 0; seed < 10000; seed++) {
        snprintf(text, sizeof text, "{\"statusCode\":201,\"messageId\":7,\"seed\":%d}", seed);
        size_t n = packed(text, bytes, sizeof bytes, window);
        if (!memchr(bytes, 0, n))
            return wrapped(header, bytes, n);
    }
    ck_abort_msg("no text without zero bytes");
}

/* M17: gzip is seen by its first bytes, and has a limit after decoding. */
START_TEST(gzip_is_undone)
{
    static char text[EXT_ANSWER_MAX + 2];
    static unsigned char bytes[65536];
    struct arena *a = arena_new(4096);
    for (int more = 0; more < 2; more++) {
        memset(text, ' ', sizeof text);
        text[EXT_ANSWER_MAX + more] = '\0';
        struct str body = {(char *)bytes, packed(text, bytes, sizeof bytes, 31)};
        ck_assert(ext_decode_coding(a, more ? "gzip" : NULL, &body) == (more == 0));
        ck_assert(more || body.n == EXT_ANSWER_MAX);
    }
    struct str plain = STR("{\"not\": \"packed\"}"), same = plain;
    ck_assert(ext_decode_coding(a, "gzip", &same) && str_eq(same, plain));
    ck_assert(ext_decode_coding(a, "utf-8", &same) && str_eq(same, plain));
    struct str wide = {"\xff\xfe{\0}\0", 6};
    ck_assert(str_eq(ext_decode_text(a, "", wide), STR("{}")));
    arena_free(a);
}
END_TEST

START_TEST(deflate_is_undone)
{
    struct thp *s = thp_start_answer(packed_answer("Content-Encoding: deflate\r\n", _i ? -15 : 15));
    struct ext_result r = send_to(s, PROVIDER_TAQNYAT);
    ck_assert_msg(r.err == ERR_OK, "%s", r.detail);
    ck_assert_str_eq(message_id, "7");
}
END_TEST

/* M18: whole answers that are not understood leave the circuit closed. */
START_TEST(what_is_not_understood_does_not_open_the_circuit)
{
    struct thp *s = thp_start_answer(thp_json(200, "<html>ok</html>"));
    for (int i = 0; i < 12; i++) {
        struct ext_result r = send_to(s, PROVIDER_TAQNYAT);
        ck_assert_int_eq(r.err, ERR_PROVIDER_FAILED);
        ck_assert_int_eq(r.outcome, OUTCOME_UNKNOWN);
        ck_assert(r.not_understood);
    }
    ck_assert_uint_eq(thp_requests(s), 12);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_CLOSED);
}
END_TEST

/* M23: no credit: five refusals open it. */
START_TEST(account_refusals_open_the_circuit)
{
    struct thp *s = thp_start_answer(thp_json(200, "{\"code\":\"1060\"}"));
    for (int i = 0; i < 7; i++)
        (void)send_to(s, PROVIDER_MSEGAT);
    ck_assert_uint_eq(thp_requests(s), 5);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
    ck_assert_str_eq(th_ext_state().last_fault, "provider_rejected");
}
END_TEST

/* ---- the templated provider ---- */

/* M20 */
START_TEST(numbers_are_written_as_providers_want_them)
{
    static const struct config_pair params[] = {{"user", "a b"}, {"to", "{to_digits}"}};
    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.path = "/send?to={to_digits}&n={to_national}&code={code}";
    t->p.params = params;
    t->p.params_n = ARRAY_LEN(params);
    t->p.method = _i == 0 ? "GET" : "POST";
    t->p.body = _i == 0 ? NULL : "x={id}";
    t->p.content_type = "application/x-www-form-urlencoded";
    struct ext_result r = send_to(server, PROVIDER_HTTP);
    ck_assert_msg(r.err == ERR_OK, "%s", r.detail);
    const char *sent = thp_request(server);
    ck_assert_ptr_nonnull(
        strstr(sent, _i == 0 ? "GET /send?to=966551234567&n=0551234567&code=1234"
                               "&user=a%20b&to=966551234567 HTTP/1.1"
                             : "POST /send?to=966551234567&n=0551234567&code=1234 HTTP/1.1"));
    ck_assert_msg(_i == 0 || strstr(sent, "\r\n\r\nx=0190a6e2-0000-7000-8000-000000000001"
                                          "&user=a%20b&to=966551234567"),
                  "%s", sent);
}
END_TEST

/* M21 */
START_TEST(rules_on_the_text)
{
    static const struct {
        const char *success, *error, *body;
        enum err err;
        const char *detail;
    } rows[] = {
        {NULL, "ERR", "ERR: Authentication error", ERR_PROVIDER_REJECTED, "status 200"},
        {NULL, "/^ERR:? *([0-9]+)/", "ERR 1060", ERR_PROVIDER_REJECTED, "1060"},
        {"OK", NULL, "OK: 123", ERR_OK, NULL},
        {"/^OK: [0-9]+$/", NULL, "OK: 123\n", ERR_OK, NULL},
        {"OK", NULL, "queued", ERR_PROVIDER_FAILED, "unreadable answer"},
        {"OK", "ERR", "ERR and OK", ERR_PROVIDER_REJECTED, "status 200"},
        {"OK", "ERR", "", ERR_PROVIDER_FAILED, "unreadable answer"},
    };
    server = thp_start_answer(thp_json(200, rows[_i].body));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.success_text = rows[_i].success;
    t->p.error_text = rows[_i].error;
    t->p.error_account = "1060";
    struct ext_result r = send_to(server, PROVIDER_HTTP);
    ck_assert_msg(r.err == rows[_i].err, "%s: %s", rows[_i].body, r.detail);
    if (rows[_i].detail)
        ck_assert_str_eq(r.detail, rows[_i].detail);
    ck_assert_int_eq(r.refusal,
                     r.detail && strcmp(r.detail, "1060") == 0 ? REFUSAL_ACCOUNT : REFUSAL_MESSAGE);
}
END_TEST

/* M22 */
START_TEST(unifonic_takes_a_message_type)
{
    server = thp_start_answer(thp_json(200, "{\"success\":true}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.message_type = "6";
    ck_assert_int_eq(send_to(server, PROVIDER_UNIFONIC).err, ERR_OK);
    ck_assert_ptr_nonnull(strstr(thp_request(server), "&MessageType=6"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sms_refusals");
    TCase *c = th_case(s, "answers");
    tcase_add_checked_fixture(c, NULL, tear_down);
    tcase_add_loop_test(c, refusals_are_sorted, 0, REFUSALS);
    tcase_add_loop_test(c, contradictions_are_not_taken_for_sent, 0, 4);
    tcase_add_loop_test(c, wrapping_does_not_hide_an_answer, 0, 4);
    tcase_add_test(c, gzip_is_undone);
    tcase_add_loop_test(c, deflate_is_undone, 0, 2);
    tcase_add_test(c, what_is_not_understood_does_not_open_the_circuit);
    tcase_add_test(c, account_refusals_open_the_circuit);
    tcase_add_loop_test(c, numbers_are_written_as_providers_want_them, 0, 2);
    tcase_add_loop_test(c, rules_on_the_text, 0, 7);
    tcase_add_test(c, unifonic_takes_a_message_type);
    return th_run(s);
}
