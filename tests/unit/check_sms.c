/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Every SMS provider on recorded shapes of its answers, and the requests that it gets. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/th_ext.h"
#include "../lib/th_provider.h"
#include "../lib/th_unit.h"
#include "ext/ext_jsonpath.h"
#include "sys/json.h"

static struct th_ext *t;
static struct thp *server;

static void tear_down(void)
{
    th_ext_close(t);
    thp_stop(server);
    t = NULL;
    server = NULL;
}

/* The templated provider of these tests: {"status":"ok"} or {"result":[{"ok":1}]} is good. */
static const char *const good_status[] = {"ok", "accepted", ""};
static const char *const good_flag[] = {"1", "true"};
static const struct config_success http_rules[] = {{"status", good_status, 3},
                                                   {"result[0].done", good_flag, 2}};
static const int http_statuses[] = {200, 202, 409};
static const struct config_pair http_headers[] = {{"X-Key", "k-{sender}"}, {"X-Ref", "{id}"}};

static void configure(enum provider_type type)
{
    t->p.type = type;
    t->p.token = "tok-en";
    t->p.app_sid = "app&sid";
    t->p.user = "us\"er";
    t->p.api_key = "key";
    t->p.account_sid = "AC0123";
    t->p.auth_token = "auth";
    t->p.from = "+15005550006";
    if (type != PROVIDER_HTTP)
        return;
    t->p.body = "{\"to\": \"{to}\", \"text\": \"{text}\", \"n\": {\"from\": \"{sender}\"}}";
    t->p.content_type = "application/json";
    t->p.headers = http_headers;
    t->p.headers_n = ARRAY_LEN(http_headers);
    t->p.success_status = http_statuses;
    t->p.success_status_n = ARRAY_LEN(http_statuses);
    t->p.success = http_rules;
    t->p.success_n = ARRAY_LEN(http_rules);
    t->p.id_path = "result[0].id";
    t->p.error_path = "error.code";
}

static void open_with(enum provider_type type, struct thp *s)
{
    server = s;
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    configure(type);
}

#define TEXT "Code \"12\\34\" & \xd8\xb1\xd9\x85\xd8\xb2 100% +\n@host #1234"
static const char *message_id;
static struct ext_result send_sms(void)
{
    struct sms m = {.to = "+966551234567",
                    .text = TEXT,
                    .id = "0190a6e2-0000-7000-8000-000000000001",
                    .request_id = "req-5",
                    .op = PROVIDER_OP_SMS_NOTIFICATION};
    return sms_send(t->x, t->a, &m, deadline_in_ms(2000), &message_id);
}

/* ---- recorded answers ---- */

struct answer_case {
    enum provider_type type;
    int status;
    const char *body;
    enum err err;
    bool unknown;
    const char *id, *detail;
};
#define TAQ PROVIDER_TAQNYAT
#define UNI PROVIDER_UNIFONIC
#define MSE PROVIDER_MSEGAT
#define TWI PROVIDER_TWILIO
#define TPL PROVIDER_HTTP
#define REJ ERR_PROVIDER_REJECTED
#define FAI ERR_PROVIDER_FAILED
#define UNA ERR_PROVIDER_UNAVAILABLE

static const struct answer_case answers[] = {
    /* Taqnyat */
    {TAQ, 201,
     "{\"statusCode\":201,\"messageId\":5567801234,\"cost\":\"0.0600\",\"currency\":\"SAR\","
     "\"totalCount\":1,"
     "\"msgLength\":1,\"accepted\":\"[966551234567,]\",\"rejected\":\"[]\"}",
     ERR_OK, false, "5567801234", NULL},
    {TAQ, 200,
     "{\"statusCode\":\"201\",\"messageId\":\"77\",\"accepted\":[\"966551234567\"],\"rejected\":[]"
     "}",
     ERR_OK, false, "77", NULL},
    {TAQ, 201, "{\"statusCode\":201,\"accepted\":\"[966551234567,]\",\"rejected\":\"[]\"}", ERR_OK,
     false, NULL, NULL},
    {TAQ, 201,
     "{\"statusCode\":201,\"messageId\":1,\"accepted\":\"[]\",\"rejected\":\"[966551234567,]\"}",
     REJ, false, NULL, "recipient refused"},
    {TAQ, 201,
     "{\"statusCode\":201,\"messageId\":1,\"accepted\":\"[966500000000,]\",\"rejected\":\"["
     "966551234567,]\"}",
     REJ, false, NULL, "recipient refused"},
    {TAQ, 201, "{\"statusCode\":201,\"messageId\":1,\"rejected\":[\"966551234567\"]}", REJ, false,
     NULL, "recipient refused"},
    {TAQ, 200, "{\"statusCode\":14,\"message\":\"sender 966551234567 is not active\"}", REJ, false,
     NULL, "14"},
    {TAQ, 400, "{\"statusCode\":15,\"message\":\"recipients 966551234567\",\"reason\":\"x\"}", REJ,
     false, NULL, "15"},
    {TAQ, 401, "{\"statusCode\":104,\"message\":\"token\"}", REJ, false, NULL, "104"},
    {TAQ, 402, "<html>no</html>", REJ, false, NULL, "status 402"},
    {TAQ, 201, "{\"messageId\":1}", FAI, true, NULL, "unreadable answer"},
    {TAQ, 201, "", FAI, true, NULL, "unreadable answer"},
    {TAQ, 200, "<html>maintenance</html>", FAI, true, NULL, "unreadable answer"},
    {TAQ, 201, "{\"statusCode\":201,", FAI, true, NULL, "unreadable answer"},
    {TAQ, 201, "[]", FAI, true, NULL, "unreadable answer"},
    {TAQ, 201, "201", FAI, true, NULL, "unreadable answer"},
    {TAQ, 500, "{\"statusCode\":500}", FAI, true, NULL, "status 500"},
    /* Unifonic */
    {UNI, 200,
     "{\"success\":\"true\",\"message\":\"\",\"errorCode\":\"ER-00\",\"data\":{\"MessageID\":"
     "3200017889310,"
     "\"CorrelationID\":\"x\",\"Status\":\"Queued\",\"NumberOfUnits\":1,\"Cost\":0.04,\"Balance\":"
     "\"9.2\","
     "\"Recipient\":\"966551234567\",\"TimeCreated\":\"2020-01-01\"}}",
     ERR_OK, false, "3200017889310", NULL},
    {UNI, 200,
     "{\"success\":true,\"message\":\"\",\"errorCode\":\"ER-00\",\"data\":{\"MessageID\":\"9\","
     "\"Status\":\"Sent\"}}",
     ERR_OK, false, "9", NULL},
    {UNI, 200, "{\"errorCode\":\"ER-00\"}", ERR_OK, false, NULL, NULL},
    {UNI, 200,
     "{\"success\":true,\"data\":{\"MessageID\":\"9\",\"Status\":\"Failed\"},\"errorCode\":\"ER-"
     "29\"}",
     REJ, false, NULL, "ER-29"},
    {UNI, 200,
     "{\"success\":false,\"message\":\"966551234567 bad\",\"errorCode\":\"ER-30\",\"data\":null}",
     REJ, false, NULL, "ER-30"},
    {UNI, 200, "{\"success\":\"false\",\"errorCode\":\"code with blanks and 966551234567\"}", REJ,
     false, NULL, "status 200"},
    {UNI, 200, "{\"errorCode\":\"ER-11\"}", REJ, false, NULL, "ER-11"},
    {UNI, 401, "{\"success\":\"false\",\"errorCode\":\"ER-01\"}", REJ, false, NULL, "ER-01"},
    {UNI, 402, "{\"success\":\"false\",\"errorCode\":\"ER-402\"}", REJ, false, NULL, "ER-402"},
    {UNI, 409, "{\"success\":\"false\",\"errorCode\":\"ER-409\",\"message\":\"duplicate\"}", REJ,
     false, NULL, "ER-409"},
    {UNI, 449, "", REJ, false, NULL, "status 449"},
    {UNI, 480, "{\"success\":false,\"errorCode\":\"ER-480\"}", REJ, false, NULL, "ER-480"},
    {UNI, 482, "{\"success\":false,\"errorCode\":\"ER-482\"}", REJ, false, NULL, "ER-482"},
    {UNI, 429, "{\"success\":false}", UNA, false, NULL, "rate limited"},
    {UNI, 599, "{\"success\":\"false\",\"errorCode\":\"ER-599\"}", FAI, true, NULL, "status 599"},
    {UNI, 200, "{\"success\":\"maybe\"}", FAI, true, NULL, "unreadable answer"},
    {UNI, 200, "{\"success\":\"true\\u0000\"}", FAI, true, NULL, "unreadable answer"},
    {UNI, 200, "{}", FAI, true, NULL, "unreadable answer"},
    {UNI, 200, "ER-00", FAI, true, NULL, "unreadable answer"},
    {UNI, 204, "", FAI, true, NULL, "unreadable answer"},
    /* Msegat: 200 whatever happened */
    {MSE, 200, "{\"code\":\"M0000\",\"message\":\"Success\",\"id\":52001}", ERR_OK, false, "52001",
     NULL},
    {MSE, 200, "{\"code\":\"1\",\"message\":\"Success\"}", ERR_OK, false, NULL, NULL},
    {MSE, 200, "{\"code\":1,\"message\":\"Success\"}", ERR_OK, false, NULL, NULL},
    {MSE, 200, "{\"code\":\"1060\",\"message\":\"Balance is not enough\"}", REJ, false, NULL,
     "1060"},
    {MSE, 200, "{\"code\":1061,\"message\":\"MSG duplicated\"}", REJ, false, NULL, "1061"},
    {MSE, 200, "{\"code\":\"M0001\",\"message\":\"Variables missing\"}", REJ, false, NULL, "M0001"},
    {MSE, 200, "{\"code\":\"M0002\",\"message\":\"Invalid login info\"}", REJ, false, NULL,
     "M0002"},
    {MSE, 200, "{\"code\":\"M0030\"}", REJ, false, NULL, "M0030"},
    {MSE, 200, "{\"code\":\"1110\"}", REJ, false, NULL, "1110"},
    {MSE, 200, "{\"code\":\"1120\"}", REJ, false, NULL, "1120"},
    {MSE, 200, "{\"code\":true}", REJ, false, NULL, "true"},
    {MSE, 200, "{\"code\":null}", FAI, true, NULL, "unreadable answer"},
    {MSE, 200, "{\"code\":{\"a\":1}}", FAI, true, NULL, "unreadable answer"},
    {MSE, 200, "{\"code\":\"M0000\\u0000x\"}", FAI, true, NULL, "unreadable answer"},
    {MSE, 200, "{\"message\":\"Success\"}", FAI, true, NULL, "unreadable answer"},
    {MSE, 200, "{\"code\":\"M0000\",\"code\":\"1060\"}", FAI, true, NULL, "unreadable answer"},
    {MSE, 200, "", FAI, true, NULL, "unreadable answer"},
    {MSE, 503, "{\"code\":\"M0000\"}", FAI, true, NULL, "status 503"},
    {MSE, 404, "not found", REJ, false, NULL, "status 404"},
    /* Twilio */
    {TWI, 201,
     "{\"sid\":\"SM00000000000000000000000000000001\",\"status\":\"queued\",\"error_code\":null}",
     ERR_OK, false, "SM00000000000000000000000000000001", NULL},
    {TWI, 201, "{\"sid\":\"SM1\",\"status\":\"accepted\"}", ERR_OK, false, "SM1", NULL},
    {TWI, 200, "{\"status\":\"sent\"}", ERR_OK, false, NULL, NULL},
    {TWI, 201, "{\"sid\":\"SM1\",\"status\":\"failed\",\"error_code\":30003}", REJ, false, NULL,
     "30003"},
    {TWI, 201, "{\"sid\":\"SM1\",\"status\":\"undelivered\",\"error_code\":null}", REJ, false, NULL,
     "undelivered"},
    {TWI, 201, "{\"sid\":\"SM1\",\"status\":\"canceled\"}", REJ, false, NULL, "canceled"},
    {TWI, 400,
     "{\"code\":21211,\"message\":\"The 'To' number +966551234567 is not "
     "valid\",\"more_info\":\"https://x\",\"status\":400}",
     REJ, false, NULL, "21211"},
    {TWI, 400, "{\"code\":21610,\"message\":\"opted out\",\"status\":400}", REJ, false, NULL,
     "21610"},
    {TWI, 401, "{\"code\":20003,\"message\":\"Authenticate\",\"status\":401}", REJ, false, NULL,
     "20003"},
    {TWI, 403, "{\"code\":20003,\"status\":403}", REJ, false, NULL, "20003"},
    {TWI, 403, "<html>1010</html>", FAI, false, NULL, "refused by a web firewall"},
    {TPL, 403, "<!DOCTYPE html><title>no</title>", FAI, false, NULL, "refused by a web firewall"},
    {TPL, 403, "", REJ, false, NULL, "credentials refused"},
    {TWI, 429, "{\"code\":20429,\"message\":\"Too Many Requests\",\"status\":429}", UNA, false,
     NULL, "rate limited"},
    {TWI, 201, "{\"code\":20003}", FAI, true, NULL, "unreadable answer"},
    {TWI, 201, "{\"sid\":", FAI, true, NULL, "unreadable answer"},
    {TWI, 500, "{\"code\":20500}", FAI, true, NULL, "status 500"},
    {TWI, 408, "", FAI, false, NULL, "status 408"},
    /* Redirects are not followed: 307 and 308 were not processed, of the others nobody knows. */
    {TWI, 301, "", FAI, true, NULL, "redirect refused"},
    {TWI, 302, "", FAI, true, NULL, "redirect refused"},
    {TWI, 303, "", FAI, true, NULL, "redirect refused"},
    {TWI, 307, "", FAI, false, NULL, "redirect refused"},
    {TWI, 308, "", FAI, false, NULL, "redirect refused"},
    /* the templated one */
    {TPL, 200, "{\"status\":\"ok\",\"result\":[{\"done\":true,\"id\":\"m-1\"}]}", ERR_OK, false,
     "m-1", NULL},
    {TPL, 202, "{\"status\":\"accepted\",\"result\":[{\"done\":\"1\",\"id\":17}]}", ERR_OK, false,
     "17", NULL},
    {TPL, 200, "{\"result\":[{\"done\":1}]}", ERR_OK, false, NULL,
     NULL}, /* "" among the values: may be absent */
    {TPL, 200, "{\"status\":[],\"result\":[{\"done\":1,\"id\":\"has blanks\"}]}", ERR_OK, false,
     NULL, NULL},
    {TPL, 409, "{\"status\":\"ok\",\"result\":[{\"done\":1}]}", ERR_OK, false, NULL,
     NULL}, /* listed as good */
    {TPL, 200, "{\"status\":\"error\",\"error\":{\"code\":\"bad_number\"}}", REJ, false, NULL,
     "bad_number"},
    {TPL, 200, "{\"status\":\"error\",\"result\":[{\"done\":1}]}", REJ, false, NULL, "status 200"},
    {TPL, 200, "{\"status\":\"ok\",\"result\":[{\"done\":0}]}", REJ, false, NULL, "status 200"},
    {TPL, 200, "{\"status\":[\"ok\"],\"result\":[{\"done\":1}]}", REJ, false, NULL, "status 200"},
    {TPL, 200, "{\"error\":{\"code\":7}}", REJ, false, NULL, "7"},
    {TPL, 201, "{\"error\":{\"code\":7}}", REJ, false, NULL, "7"},
    {TPL, 200, "{\"status\":\"ok\"}", FAI, true, NULL, "unreadable answer"},
    {TPL, 200, "{\"status\":\"ok\",\"result\":[]}", FAI, true, NULL, "unreadable answer"},
    {TPL, 201, "{\"status\":\"ok\",\"result\":[{\"done\":1}]}", FAI, true, NULL,
     "unreadable answer"},
    {TPL, 200, "OK", FAI, true, NULL, "unreadable answer"},
    {TPL, 409, "no JSON", FAI, true, NULL, "unreadable answer"},
    {TPL, 422, "{\"error\":{\"code\":\"E-1\"}}", REJ, false, NULL, "E-1"},
    {TPL, 429, "", UNA, false, NULL, "rate limited"},
    {TPL, 502, "", FAI, true, NULL, "status 502"},
};

START_TEST(answers_are_judged_by_status_and_body)
{
    const struct answer_case *c = &answers[_i];

    open_with(c->type, thp_start_answer(thp_json(c->status, c->body)));
    struct ext_result r = send_sms();
    ck_assert_msg(r.err == c->err, "%d %s: %s (%s)", c->status, c->body, err_code(r.err), r.detail);
    ck_assert_msg((r.outcome == OUTCOME_UNKNOWN) == c->unknown, "%d %s: %s", c->status, c->body,
                  outcome_names[r.outcome]);
    ck_assert_msg(c->id ? message_id && strcmp(message_id, c->id) == 0 : !message_id, "%s: id %s",
                  c->body, message_id);
    ck_assert_msg(c->detail ? r.detail && strcmp(r.detail, c->detail) == 0 : !r.detail,
                  "%s: detail %s", c->body, r.detail);
    ck_assert_int_eq(r.retry_after_s, c->status == 429 ? 1 : 0);
    ck_assert_uint_eq(thp_requests(server), 1);
    bool healthy = c->err == ERR_OK || r.not_understood ||
                   (c->err == ERR_PROVIDER_REJECTED && r.refusal != REFUSAL_ACCOUNT);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, healthy ? 0 : 1);
}
END_TEST

START_TEST(retry_after_is_handed_on)
{
    open_with(PROVIDER_TWILIO,
              thp_start_answer("HTTP/1.1 429 X\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"));
    struct ext_result r = send_sms();
    ck_assert_int_eq(r.err, ERR_PROVIDER_UNAVAILABLE);
    ck_assert_int_eq(r.retry_after_s, 17);
    ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
}
END_TEST

START_TEST(without_rules_any_2xx_is_good)
{
    open_with(PROVIDER_HTTP, thp_start_answer(thp_json(_i == 0 ? 204 : 299, "")));
    t->p.success_n = t->p.success_status_n = 0;
    t->p.id_path = t->p.error_path = NULL;
    struct ext_result r = send_sms();
    ck_assert_int_eq(r.err, ERR_OK);
    ck_assert_ptr_null(message_id);
}
END_TEST

/* ---- faults on the way ---- */

START_TEST(faults_of_the_connection_reach_the_result)
{
    static const struct thp_script silent = {{{THP_REQUEST, NULL, 0}, {THP_HANG, NULL, 0}}};
    static const struct thp_script reset = {{{THP_REQUEST, NULL, 0}, {THP_RESET, NULL, 0}}};

    open_with(PROVIDER_MSEGAT, thp_start(_i == 0 ? &silent : &reset, 1));
    struct ext_result r = send_sms();
    ck_assert_int_eq(r.err, _i == 0 ? ERR_PROVIDER_TIMEOUT : ERR_PROVIDER_FAILED);
    ck_assert_int_eq(r.outcome, OUTCOME_UNKNOWN);
    ck_assert_str_eq(r.detail,
                     _i == 0 ? "timed out after sending" : "connection lost after sending");
    ck_assert_ptr_null(message_id);
}
END_TEST

START_TEST(what_was_not_sent_is_not_unknown)
{
    t = th_ext_open("http", "127.0.0.1", thp_closed_port());
    configure(PROVIDER_UNIFONIC);
    t->p.breaker_failures = 1;
    struct ext_result r = send_sms();
    ck_assert_int_eq(r.err, ERR_PROVIDER_FAILED);
    ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
    r = send_sms();
    ck_assert_int_eq(r.err, ERR_PROVIDER_UNAVAILABLE);
    ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
    ck_assert_int_eq(r.retry_after_s, 1);
    ck_assert_str_eq(r.detail, "circuit open");
    struct sms m = {.to = "+966551234567",
                    .text = "x",
                    .id = "i",
                    .request_id = "r",
                    .op = PROVIDER_OP_SMS_OTP};
    r = sms_send(t->x, t->a, &m, deadline_in_ms(0), &message_id);
    ck_assert_int_eq(r.err, ERR_DEADLINE);
    ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
}
END_TEST

/* ---- requests ---- */

/* The body of what the server got last. */
static const char *body_sent(void)
{
    const char *end = strstr(thp_request(server), "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    return end + 4;
}
static void assert_sent(const char *part)
{
    ck_assert_msg(strstr(thp_request(server), part), "no %s in %s", part, thp_request(server));
}
static const char *json_at(const char *path)
{
    const char *text =
        ext_json_text(t->a, ext_jsonpath_get(json_parse(t->a, str_of(body_sent())), path));
    ck_assert_msg(text, "no %s in %s", path, body_sent());
    return text;
}

START_TEST(taqnyat_gets_json_and_a_bearer_token)
{
    open_with(PROVIDER_TAQNYAT, thp_start_answer(thp_json(201, "{\"statusCode\":201}")));
    ck_assert_int_eq(send_sms().err, ERR_OK);
    assert_sent("POST /v1/messages HTTP/1.1\r\n");
    assert_sent("\r\nAuthorization: Bearer tok-en\r\n");
    assert_sent("\r\nContent-Type: application/json\r\n");
    assert_sent("\r\nX-Request-Id: req-5\r\n");
    ck_assert_str_eq(json_at("recipients[0]"), "966551234567");
    ck_assert_str_eq(json_at("body"), TEXT);
    ck_assert_str_eq(json_at("sender"), "BOOKINGS");
}
END_TEST

START_TEST(unifonic_gets_a_form)
{
    open_with(PROVIDER_UNIFONIC, thp_start_answer(thp_json(200, "{\"success\":true}")));
    ck_assert_int_eq(send_sms().err, ERR_OK);
    assert_sent("POST /rest/SMS/messages HTTP/1.1\r\n");
    assert_sent("\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    ck_assert_str_eq(
        body_sent(),
        "AppSid=app%26sid&SenderID=BOOKINGS&Recipient=966551234567&Body=Code%20%2212%5C34%22%20%26%"
        "20"
        "%D8%B1%D9%85%D8%B2%20100%25%20%2B%0A%40host%20%231234&responseType=JSON&CorrelationID="
        "0190a6e2-0000-7000-8000-000000000001&async=false");
}
END_TEST

START_TEST(msegat_gets_json_with_user_and_key)
{
    open_with(PROVIDER_MSEGAT, thp_start_answer(thp_json(200, "{\"code\":1}")));
    ck_assert_int_eq(send_sms().err, ERR_OK);
    assert_sent("POST /gw/sendsms.php HTTP/1.1\r\n");
    ck_assert_str_eq(json_at("userName"), "us\"er");
    ck_assert_str_eq(json_at("apiKey"), "key");
    ck_assert_str_eq(json_at("numbers"), "966551234567");
    ck_assert_str_eq(json_at("userSender"), "BOOKINGS");
    ck_assert_str_eq(json_at("msg"), TEXT);
    ck_assert_str_eq(json_at("msgEncoding"), "UTF8");
}
END_TEST

START_TEST(twilio_gets_a_form_and_basic_authentication)
{
    open_with(PROVIDER_TWILIO, thp_start_answer(thp_json(201, "{\"sid\":\"SM1\"}")));
    if (_i == 1)
        t->p.from = "MG0123456789abcdef0123456789abcdef";
    ck_assert_int_eq(send_sms().err, ERR_OK);
    assert_sent("POST /2010-04-01/Accounts/AC0123/Messages.json HTTP/1.1\r\n");
    assert_sent("\r\nAuthorization: Basic QUMwMTIzOmF1dGg=\r\n");
    assert_sent("To=%2B966551234567&");
    assert_sent(_i == 1 ? "&MessagingServiceSid=MG0123456789abcdef0123456789abcdef&"
                        : "&From=%2B15005550006&");
}
END_TEST

START_TEST(templates_are_escaped_for_their_place)
{
    open_with(PROVIDER_HTTP,
              thp_start_answer(thp_json(200, "{\"status\":\"ok\",\"result\":[{\"done\":1}]}")));
    t->p.path = "/send/{to}?from={sender}";
    t->p.sender = "A&B \"x\"";
    t->p.method = "PUT";
    ck_assert_int_eq(send_sms().err, ERR_OK);
    assert_sent("PUT /send/%2B966551234567?from=A%26B%20%22x%22 HTTP/1.1\r\n");
    assert_sent("\r\nX-Key: k-A&B \"x\"\r\n");
    assert_sent("\r\nX-Ref: 0190a6e2-0000-7000-8000-000000000001\r\n");
    ck_assert_str_eq(json_at("to"), "+966551234567");
    ck_assert_str_eq(json_at("text"), TEXT);
    ck_assert_str_eq(json_at("n.from"), "A&B \"x\"");
}
END_TEST

START_TEST(a_text_with_a_line_break_does_not_fit_into_a_header)
{
    static const struct config_pair headers[] = {{"X-Text", "{text}"}};

    open_with(PROVIDER_HTTP, thp_start_answer(thp_json(200, "{}")));
    t->p.headers = headers;
    t->p.headers_n = 1;
    struct ext_result r = send_sms();
    ck_assert_int_eq(r.err, ERR_PROVIDER_FAILED);
    ck_assert_int_eq(r.outcome, OUTCOME_FAILED);
    ck_assert_uint_eq(thp_connections(server), 0);
}
END_TEST

START_TEST(a_template_cannot_leave_its_host)
{
    static const char *const paths[] = {"@127.0.0.2/",  ".evil.example/", ":1/", "",
                                        "//127.0.0.2/", "/\\127.0.0.2/"};

    open_with(PROVIDER_HTTP,
              thp_start_answer(thp_json(200, "{\"status\":\"ok\",\"result\":[{\"done\":1}]}")));
    t->p.path = paths[_i];
    ck_assert_int_eq(send_sms().err, ERR_OK);
    ck_assert_uint_eq(thp_requests(server), 1);
}
END_TEST

START_TEST(every_sms_type_has_its_row)
{
    for (int type = 0; type < PROVIDER_TYPE_COUNT; type++) {
        const struct sms_provider *row = sms_provider_find((enum provider_type)type);
        ck_assert((row != NULL) == (provider_types[type].kind == PROVIDER_KIND_SMS));
        size_t n = 0;
        while (n < ARRAY_LEN(answers) && answers[n].type != (enum provider_type)type)
            n++;
        ck_assert_msg(!row || n < ARRAY_LEN(answers), "no recorded answer of %s",
                      provider_type_names[type]);
        ck_assert(!row || (row->type == (enum provider_type)type && row->build && row->judge));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sms");
    TCase *bad = th_case(s, "answers"), *good = th_case(s, "requests");

    tcase_add_checked_fixture(bad, NULL, tear_down);
    tcase_add_checked_fixture(good, NULL, tear_down);
    tcase_set_timeout(bad, 20);
    tcase_set_timeout(good, 20);
    tcase_add_loop_test(bad, answers_are_judged_by_status_and_body, 0, (int)ARRAY_LEN(answers));
    tcase_add_test(bad, retry_after_is_handed_on);
    tcase_add_loop_test(bad, faults_of_the_connection_reach_the_result, 0, 2);
    tcase_add_test(bad, what_was_not_sent_is_not_unknown);
    tcase_add_test(bad, a_text_with_a_line_break_does_not_fit_into_a_header);
    tcase_add_loop_test(good, without_rules_any_2xx_is_good, 0, 2);
    tcase_add_test(good, taqnyat_gets_json_and_a_bearer_token);
    tcase_add_test(good, unifonic_gets_a_form);
    tcase_add_test(good, msegat_gets_json_with_user_and_key);
    tcase_add_loop_test(good, twilio_gets_a_form_and_basic_authentication, 0, 2);
    tcase_add_test(good, templates_are_escaped_for_their_place);
    tcase_add_loop_test(good, a_template_cannot_leave_its_host, 0, 6);
    tcase_add_test(good, every_sms_type_has_its_row);
    return th_run(s);
}
