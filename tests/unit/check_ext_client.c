/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The client against everything that a provider can do to it: each with its error, its outcome
 * and its time. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_cert.h"
#include "../lib/th_ext.h"
#include "../lib/th_provider.h"
#include "../lib/th_unit.h"
#include "domain/scoreboard.h"
#include "ext/ext_shared.h"
#include "sys/addrs.h"

/* The contract's: no answer later than budget + 100 ms. Under valgrind the reading of the
 * authorities alone takes longer. */
#define SLACK_MS th_ext_slack_ms()

static struct th_ext *t;
static struct thp *server;

/* A single authority in place of the system's hundreds, whose reading takes long under valgrind. */
static void one_authority(void)
{
    setenv("SSL_CERT_FILE", th_cert_make("DNS:authority.test", -60, 3600), 1);
}

static void tear_down(void)
{
    th_ext_close(t);
    thp_stop(server);
    th_cert_remove();
    t = NULL;
    server = NULL;
}

/* ---- what a provider can do ---- */

#define HEAD_OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

struct fault_case {
    const char *name;
    struct thp_script script;
    enum err err;
    enum outcome outcome;
    const char *detail;
    bool https;
    bool slow; /* ends by the time limit, not before */
};
static const struct fault_case faults[] = {
    {"closes without reading",
     {{{THP_END, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "connection lost after sending",
     false,
     false},
    {"accepts and stays silent",
     {{{THP_HANG, NULL, 0}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"reads and stays silent",
     {{{THP_REQUEST, NULL, 0}, {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"reads and closes",
     {{{THP_REQUEST, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "connection lost after sending",
     false,
     false},
    {"reads and resets",
     {{{THP_REQUEST, NULL, 0}, {THP_RESET, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "connection lost after sending",
     false,
     false},
    {"half-closes without an answer",
     {{{THP_REQUEST, NULL, 0}, {THP_SHUT, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "connection lost after sending",
     false,
     false},
    {"stops in the status line",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, "HTTP/1.", 0}, {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"stops in the head",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK, 0}, {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"closes in the head",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer cut off",
     false,
     false},
    {"closes after a provisional answer",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, "HTTP/1.1 100 Continue\r\n\r\n", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     NULL,
     false,
     false},
    {"closes in the head after a provisional answer",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, "HTTP/1.1 100 Continue\r\n\r\n" HEAD_OK, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer cut off",
     false,
     false},
    {"stops in the body",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Content-Length: 9\r\n\r\n{\"a\":", 0},
       {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"closes in the body",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK "Content-Length: 9\r\n\r\n{\"a\":", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer cut off",
     false,
     false},
    {"resets in the body",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Content-Length: 9\r\n\r\n{\"a\":", 0},
       {THP_RESET, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     NULL,
     false,
     false},
    {"half-closes in the body",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Content-Length: 9\r\n\r\n{\"a\":", 0},
       {THP_SHUT, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer cut off",
     false,
     false},
    {"breaks off a chunk",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     NULL,
     false,
     false},
    {"sends a chunk size that is none",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n{\"a\"", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     NULL,
     false,
     false},
    {"drips the head",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK "X: ", 0}, {THP_DRIP, "x", 20}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"drips the body",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Content-Length: 100000\r\n\r\n", 0},
       {THP_DRIP, " ", 20}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_UNKNOWN,
     "timed out after sending",
     false,
     true},
    {"sends headers for ever",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK, 0}, {THP_REPEAT, "X-More: of the same\r\n", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer too large",
     false,
     false},
    {"sends provisional answers for ever",
     {{{THP_REQUEST, NULL, 0}, {THP_REPEAT, "HTTP/1.1 102 Processing\r\n\r\n", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer too large",
     false,
     false},
    {"sends one endless header",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK "X: ", 0}, {THP_REPEAT, "xxxxxxxxxxxxxxxx", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     NULL,
     false,
     false},
    {"sends 10 MB without a length",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "\r\n", 0},
       {THP_REPEAT, "0123456789abcdef", 10 << 20}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer too large",
     false,
     false},
    {"announces 10 MB",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Content-Length: 10485760\r\n\r\n", 0},
       {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "answer too large",
     false,
     false},
    {"sends garbage",
     {{{THP_REQUEST, NULL, 0}, {THP_SEND, "\x01\x02\xff\xfe not http at all\n\n", 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "unreadable answer",
     false,
     false},
    {"greets before the request",
     {{{THP_SEND, "220 mail.example ESMTP\r\n", 0}, {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "unreadable answer",
     false,
     false},
    {"sends a status that is none",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, "HTTP/1.1 700 X\r\nContent-Length: 0\r\n\r\n", 0},
       {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     "unreadable answer",
     false,
     false},
    {"sends two lengths",
     {{{THP_REQUEST, NULL, 0},
       {THP_SEND, HEAD_OK "Content-Length: 2\r\nContent-Length: -7\r\n\r\n{}", 0},
       {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_UNKNOWN,
     NULL,
     false,
     false},
    {"TLS: answers in plain text",
     {{{THP_SEND, "HTTP/1.1 400 Bad Request\r\n\r\n", 0}, {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_FAILED,
     "TLS handshake failed",
     true,
     false},
    {"TLS: garbage",
     {{{THP_SEND, "this is no record of TLS, whatever it is", 0}, {THP_HANG, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_FAILED,
     "TLS handshake failed",
     true,
     false},
    {"TLS: closes",
     {{{THP_END, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_FAILED,
     "TLS handshake failed",
     true,
     false},
    {"TLS: resets",
     {{{THP_RESET, NULL, 0}}},
     ERR_PROVIDER_FAILED,
     OUTCOME_FAILED,
     NULL,
     true,
     false},
    {"TLS: stays silent",
     {{{THP_HANG, NULL, 0}}},
     ERR_PROVIDER_TIMEOUT,
     OUTCOME_FAILED,
     "timed out before sending",
     true,
     true},
};

static void check_outcome(const char *name, enum err err, const struct ext_reply *r,
                          const struct fault_case *want)
{
    ck_assert_msg(err == want->err, "%s: %s (%s)", name, err_code(err), t->result.detail);
    ck_assert_msg(t->result.outcome == want->outcome, "%s: outcome %d", name,
                  (int)t->result.outcome);
    ck_assert_msg(t->result.detail &&
                      (!want->detail || strcmp(t->result.detail, want->detail) == 0),
                  "%s: %s", name, t->result.detail);
    ck_assert_int_eq(r->status, 0);
}

START_TEST(faults_have_their_outcome_and_their_time)
{
    const struct fault_case *c = &faults[_i];
    struct ext_reply r;

    server = thp_start(&c->script, 1);
    t = th_ext_open(c->https ? "https" : "http", "127.0.0.1", thp_port(server));
    struct mono began = mono_now();
    enum err err = th_ext_post(t, 5000, &r);
    double ms = mono_ms_since(began);
    int64_t limit = c->https && c->slow ? TH_EXT_CONNECT_MS : TH_EXT_TIMEOUT_MS;
    check_outcome(c->name, err, &r, c);
    ck_assert_msg(ms < (double)(limit + SLACK_MS), "%s: %.0f ms", c->name, ms);
    ck_assert_msg(!c->slow || ms >= (double)limit - 5, "%s: %.0f ms", c->name, ms);
    ck_assert_uint_eq(thp_connections(server), 1);
    ck_assert_uint_le(thp_requests(server), 1);
    ck_assert_uint_eq(th_ext_state().in_flight, 0);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 1);
    ck_assert_str_eq(th_ext_state().last_fault, err_code(err));
}
END_TEST

/* The same with a request that has less time left than the provider's own limit. */
START_TEST(the_callers_deadline_wins)
{
    const struct fault_case *c = &faults[_i];
    struct ext_reply r;

    if (!c->slow)
        return;
    server = thp_start(&c->script, 1);
    t = th_ext_open(c->https ? "https" : "http", "127.0.0.1", thp_port(server));
    struct mono began = mono_now();
    enum err err = th_ext_post(t, 120, &r);
    double ms = mono_ms_since(began);
    check_outcome(c->name, err, &r, c);
    ck_assert_msg(ms < (double)(120 + SLACK_MS), "%s: %.0f ms", c->name, ms);
}
END_TEST

START_TEST(refused_connection_was_not_sent)
{
    struct ext_reply r;

    t = th_ext_open("http", "127.0.0.1", thp_closed_port());
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_str_eq(t->result.detail, "connection refused");
}
END_TEST

START_TEST(black_hole_is_a_timeout_that_was_not_sent)
{
    struct ext_reply r;

    server = thp_start_black_hole();
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    struct mono began = mono_now();
    ck_assert_int_eq(th_ext_post(t, 5000, &r), ERR_PROVIDER_TIMEOUT);
    ck_assert_int_le(mono_ms_between(began, mono_now()), TH_EXT_CONNECT_MS + SLACK_MS);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_str_eq(t->result.detail, "timed out before sending");
}
END_TEST

START_TEST(no_time_left_is_not_tried)
{
    struct ext_reply r;

    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    ck_assert_int_eq(th_ext_post(t, 0, &r), ERR_DEADLINE);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_int_eq(th_ext_post(t, -100, &r), ERR_DEADLINE);
    ck_assert_uint_eq(thp_connections(server), 0);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 0);
}
END_TEST

/* ---- names ---- */

START_TEST(unknown_name_is_never_looked_up)
{
    static const char *const hosts[] = {"nobody-registered.example",
                                        "localhost",
                                        "LOCALHOST",
                                        "b\xc3\xbc.test",
                                        "a%2eexample",
                                        "0x7f.1.2.3.4",
                                        "host_name.",
                                        "xn--nxasmq6b"};
    struct ext_reply r;

    t = th_ext_open("http", hosts[_i], 80);
    struct mono began = mono_now();
    ck_assert_int_eq(th_ext_post(t, 5000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_le(mono_ms_between(began, mono_now()), SLACK_MS);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 0); /* no fault of the provider's */
}
END_TEST

START_TEST(pinned_name_reaches_its_address_and_keeps_its_name)
{
    struct ext_reply r;

    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "Provider.TEST", thp_port(server));
    th_ext_address("provider.test", "127.0.0.1");
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_ptr_nonnull(strstr(thp_request(server), "\r\nHost: Provider.TEST:"));
}
END_TEST

START_TEST(a_dead_address_does_not_hide_a_living_one)
{
    struct ext_reply r;

    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "two.test", thp_port(server));
    th_ext_address("two.test", "::1"); /* nobody listens there */
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    struct addrs_result both = {.n = 2, .text = {"::1", "127.0.0.1"}};
    for (unsigned i = 0; i < addrs_count(); i++)
        if (strcmp(addrs_name(i), "two.test") == 0)
            addrs_store(i, &both);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK); /* new addresses replace the pinned ones */
}
END_TEST

/* ---- the request ---- */

START_TEST(request_carries_what_it_should_and_no_more)
{
    struct ext_reply r;
    struct ext_request q = {.op = PROVIDER_OP_SMS_OTP,
                            .method = "POST",
                            .headers = {"X-One: 1", "X-Two: 2"},
                            .basic_user = "AC1",
                            .basic_password = "s:t",
                            .body = STR("a=b"),
                            .content_type = "application/x-www-form-urlencoded",
                            .request_id = "req-77",
                            .traceparent =
                                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    q.url = arena_printf(t->a, "%s/a/../b?c=%%20d", t->base_url);
    t->result = ext_call(t->x, t->a, &q, deadline_in_ms(1000), &r);
    ck_assert_int_eq(t->result.err, ERR_OK);
    ext_judge(t->x, &q, &r, &t->result, "test");
    const char *sent = thp_request(server);
    static const char *const wanted[] = {"POST /a/../b?c=%20d HTTP/1.1\r\n",
                                         "\r\nUser-Agent: bookingd/",
                                         "\r\nAccept-Encoding: identity\r\n", /* M17 */
                                         "\r\nX-One: 1\r\n",
                                         "\r\nX-Two: 2\r\n",
                                         "\r\nX-Request-Id: req-77\r\n",
                                         "\r\nContent-Length: 3\r\n",
                                         "\r\nAuthorization: Basic QUMxOnM6dA==\r\n",
                                         "\r\n\r\na=b",
                                         "\r\nContent-Type: application/x-www-form-urlencoded\r\n",
                                         "\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_msg(strstr(sent, wanted[i]), "no %s in %s", wanted[i], sent);
    ck_assert_ptr_null(strstr(sent, "b7ad6b7169203331")); /* the parent is this call now */
    ck_assert_ptr_null(strcasestr(sent, "Expect:"));
    ck_assert_ptr_null(strcasestr(sent, "Cookie"));
}
END_TEST

START_TEST(methods_and_empty_bodies)
{
    static const char *const methods[] = {"GET", "POST", "PUT"};
    struct ext_reply r;
    struct ext_request q = {
        .op = PROVIDER_OP_INVOICE_FETCH, .method = methods[_i], .idempotent = true};

    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    q.url = arena_printf(t->a, "%s/v1", t->base_url);
    t->result = ext_call(t->x, t->a, &q, deadline_in_ms(1000), &r);
    ck_assert_int_eq(t->result.err, ERR_OK);
    ext_judge(t->x, &q, &r, &t->result, "test");
    ck_assert_int_eq(strncmp(thp_request(server), methods[_i], strlen(methods[_i])), 0);
    ck_assert(_i == 0 || strstr(thp_request(server), "\r\nContent-Length: 0\r\n") != NULL);
    ck_assert_ptr_nonnull(strstr(thp_request(server), "\r\ntraceparent: 00-"));
}
END_TEST

START_TEST(a_line_break_never_leaves_in_a_header)
{
    struct ext_reply r;
    struct ext_request q = {
        .op = PROVIDER_OP_SMS_OTP, .method = "POST", .headers = {"X-Text: a\r\nX-Evil: b"}};

    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    q.url = arena_printf(t->a, "%s/", t->base_url);
    t->result = ext_call(t->x, t->a, &q, deadline_in_ms(1000), &r);
    ck_assert_int_eq(t->result.err, ERR_PROVIDER_FAILED);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_str_eq(t->result.detail, "bad header");
    ck_assert_uint_eq(thp_connections(server), 0);
}
END_TEST

START_TEST(other_schemes_are_not_spoken)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/",
                                       "gopher://127.0.0.1/", "dict://127.0.0.1/x"};
    struct ext_reply r;
    struct ext_request q = {.op = PROVIDER_OP_SMS_OTP, .method = "GET", .url = urls[_i]};

    t = th_ext_open("http", "127.0.0.1", 1);
    t->result = ext_call(t->x, t->a, &q, deadline_in_ms(1000), &r);
    ck_assert_int_eq(t->result.err, ERR_PROVIDER_FAILED);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
}
END_TEST

/* ---- TLS ---- */

static const struct thp_script secure = {{{THP_TLS, NULL, 0},
                                          {THP_REQUEST, NULL, 0},
                                          {THP_SEND, HEAD_OK "Content-Length: 2\r\n\r\n{}", 0},
                                          {THP_HANG, NULL, 0}}};

struct certificate_case {
    const char *subject, *host;
    long from_s, to_s;
    bool trusted;
    const char *detail; /* NULL: the call works */
};
static const struct certificate_case certificates[] = {
    {"DNS:tls.test", "tls.test", -60, 3600, true, NULL},
    {"IP:127.0.0.1", "127.0.0.1", -60, 3600, true, NULL},
    {"DNS:other.test", "tls.test", -60, 3600, true, "certificate refused"},
    {"DNS:tls.test", "127.0.0.1", -60, 3600, true, "certificate refused"},
    {"DNS:tls.test", "tls.test", -3600, -60, true, "certificate refused"},
    {"DNS:tls.test", "tls.test", 3600, 7200, true, "certificate refused"},
    {"DNS:tls.test", "tls.test", -60, 3600, false, "certificate refused"},
};

START_TEST(certificates_are_checked_by_authority_name_and_time)
{
    const struct certificate_case *c = &certificates[_i];
    const char *pem = th_cert_make(c->subject, c->from_s, c->to_s);
    struct ext_reply r;

    setenv("SSL_CERT_FILE", c->trusted ? pem : th_cert_make("DNS:authority.test", -60, 3600), 1);
    server = thp_start_tls(&secure, 1, pem);
    t = th_ext_open("https", c->host, thp_port(server));
    th_ext_address("tls.test", "127.0.0.1");
    t->p.connect_timeout_ms = t->p.timeout_ms = 4000;
    enum err err = th_ext_post(t, 5000, &r);
    ck_assert_msg(err == (c->detail ? ERR_PROVIDER_FAILED : ERR_OK), "%d: %s %s", _i, err_code(err),
                  t->result.detail);
    ck_assert_int_eq(t->result.outcome, c->detail ? OUTCOME_FAILED : OUTCOME_OK);
    ck_assert(!c->detail || strcmp(t->result.detail, c->detail) == 0);
    ck_assert_uint_eq(thp_requests(server), c->detail ? 0 : 1);
}
END_TEST

START_TEST(without_authorities_nothing_is_sent)
{
    const char *pem = th_cert_make("DNS:tls.test", -60, 3600);
    struct ext_reply r;

    setenv("SSL_CERT_FILE", "/nonexistent", 1);
    server = thp_start_tls(&secure, 1, pem);
    t = th_ext_open("https", "127.0.0.1", thp_port(server));
    ck_assert_int_eq(th_ext_post(t, 5000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_str_eq(t->result.detail, "no certificate authorities");
}
END_TEST

/* ---- answers ---- */

START_TEST(whole_answers_are_handed_over_whatever_their_status)
{
    static const int statuses[] = {200, 201, 204, 301, 302, 307, 400,
                                   404, 409, 429, 449, 500, 503, 599};
    char answer[256];
    struct ext_reply r;

    snprintf(
        answer, sizeof(answer),
        "HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:1/\r\nRetry-After: 7\r\nSet-Cookie: a=b\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        statuses[_i], statuses[_i] == 204 ? 0 : 2, statuses[_i] == 204 ? "" : "{}");
    server = thp_start_answer(answer);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
        ck_assert_int_eq(r.status, statuses[_i]);
        ck_assert_int_eq(t->result.outcome, OUTCOME_OK);
        ck_assert_int_eq(r.retry_after_s, 7);
        ck_assert_str_eq(r.content_type, "application/json");
        th_assert_str(r.body, str_of(statuses[_i] == 204 ? "" : "{}"));
        ck_assert_ptr_null(strstr(thp_request(server), "Cookie"));
    }
}
END_TEST

START_TEST(the_largest_answer_fits_and_one_byte_more_does_not)
{
    static char head[128];
    static const struct thp_script template = {{{THP_REQUEST, NULL, 0},
                                                {THP_SEND, head, 0},
                                                {THP_REPEAT, "0123456789abcdef", EXT_ANSWER_MAX}}};
    struct ext_reply r;

    snprintf(head, sizeof(head), HEAD_OK "Connection: close\r\n%s\r\n",
             _i == 0 ? "Content-Length: 262144\r\n" : "");
    struct thp_script script = template;
    if (_i == 2)
        script.steps[3] = (struct thp_step){THP_SEND, "x", 0};
    server = thp_start(&script, 1);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    enum err err = th_ext_post(t, 2000, &r);
    ck_assert_int_eq(err, _i == 2 ? ERR_PROVIDER_FAILED : ERR_OK);
    ck_assert_uint_eq(r.body.n, _i == 2 ? 0 : EXT_ANSWER_MAX);
}
END_TEST

START_TEST(provisional_answers_are_passed_over)
{
    static const struct thp_script script = {
        {{THP_REQUEST, NULL, 0},
         {THP_SEND, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 0},
         {THP_SEND, HEAD_OK "Content-Length: 2\r\n\r\n{}", 0},
         {THP_HANG, NULL, 0}}};
    struct ext_reply r;

    server = thp_start(&script, 1);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_int_eq(r.status, 200);
}
END_TEST

/* ---- reuse ---- */

START_TEST(handle_and_connection_are_reused)
{
    struct ext_reply r;

    server = thp_start_answer(thp_json(200, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_uint_eq(thp_connections(server), 1);
    ck_assert_uint_eq(thp_requests(server), 5);
    ck_assert(ext_seconds_spent(t->x, 0) > 0);
    ext_reset_spent(t->x);
    ck_assert(ext_seconds_spent(t->x, 0) <= 0);
}
END_TEST

/* The first answer is whole; the second request arrives, and the connection ends: curl would send
 * it again. */
static const struct thp_script dies_under_us[] = {
    {{{THP_REQUEST, NULL, 0},
      {THP_SEND, HEAD_OK "Content-Length: 2\r\n\r\n{}", 0},
      {THP_REQUEST, NULL, 0},
      {THP_RESET, NULL, 0}}},
    {{{THP_REQUEST, NULL, 0},
      {THP_SEND, HEAD_OK "Content-Length: 2\r\n\r\n{}", 0},
      {THP_HANG, NULL, 0}}}};

START_TEST(a_write_is_never_sent_twice)
{
    struct thp_script scripts[2] = {dies_under_us[0], dies_under_us[1]};
    struct ext_reply r;

    if (_i == 1)
        scripts[0].steps[3].what = THP_END;
    server = thp_start(scripts, 2);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(t->result.outcome, OUTCOME_UNKNOWN);
    ck_assert_str_eq(t->result.detail, "connection lost after sending");
    ck_assert_uint_eq(thp_requests(server), 2);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK); /* and the next one goes its way */
    ck_assert_uint_eq(thp_requests(server), 3);
}
END_TEST

START_TEST(a_read_may_be_sent_again)
{
    struct ext_reply r;

    server = thp_start(dies_under_us, 2);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    struct ext_request q = {.op = PROVIDER_OP_PAYMENT_FETCH,
                            .method = "GET",
                            .url = arena_printf(t->a, "%s/p", t->base_url),
                            .idempotent = true};
    for (int i = 0; i < 2; i++) {
        t->result = ext_call(t->x, t->a, &q, deadline_in_ms(1000), &r);
        ck_assert_int_eq(t->result.err, ERR_OK);
        ext_judge(t->x, &q, &r, &t->result, "test");
    }
    ck_assert_uint_eq(thp_requests(server), 3);
}
END_TEST

START_TEST(a_connection_closed_in_between_costs_nothing)
{
    static const struct thp_script script = {
        {{THP_REQUEST, NULL, 0}, {THP_SEND, HEAD_OK "Content-Length: 2\r\n\r\n{}", 0}}};
    struct ext_reply r;

    server = thp_start(&script, 1);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
        ck_assert_uint_eq(thp_requests(server), i);
        ck_assert(thp_wait_closed(server, i));
    }
}
END_TEST

/* M36: of a connection that is reset while idle curl learns only when it sends. Nothing left, so
 * the write is made once over a fresh one; when that is lost with the request, it is unknown. */
START_TEST(a_connection_reset_while_idle_costs_nothing)
{
    struct thp_script scripts[3] = {dies_under_us[0], dies_under_us[1], dies_under_us[1]};
    struct ext_reply r;

    scripts[0].steps[2] = (struct thp_step){THP_RESET, NULL, 0};
    if (_i == 1)
        scripts[1].steps[1] = (struct thp_step){THP_RESET, NULL, 0};
    server = thp_start(scripts, 3);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert(thp_wait_closed(server, 1));
    ck_assert_int_eq(th_ext_post(t, 1000, &r), _i == 0 ? ERR_OK : ERR_PROVIDER_FAILED);
    ck_assert(_i == 0 || t->result.outcome == OUTCOME_UNKNOWN);
    ck_assert_uint_eq(thp_requests(server), 2); /* each was sent once */
    ck_assert_uint_eq(thp_connections(server), 2);
}
END_TEST

/* ---- circuit and counters ---- */

static int64_t requests(enum provider_outcome outcome)
{
    return metric_read(M_PROVIDER_REQUESTS, METRIC_AT(0, PROVIDER_OP_SMS_OTP, outcome));
}

START_TEST(the_circuit_opens_refuses_probes_and_closes)
{
    struct ext_reply r;

    t = th_ext_open("http", "127.0.0.1", thp_closed_port());
    int64_t failed = requests(PROVIDER_OUTCOME_FAILED),
            refused = requests(PROVIDER_OUTCOME_UNAVAILABLE);
    int64_t timed = metric_read(M_PROVIDER_DURATION, METRIC_AT(0, PROVIDER_OP_SMS_OTP));
    for (int i = 0; i < 3; i++) /* connection faults count double: 2, 4, 6 of 5 */
        ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_PROVIDER_UNAVAILABLE);
    ck_assert_str_eq(t->result.detail, "circuit open");
    ck_assert_int_eq(t->result.retry_after_s, 1);
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_int_eq(requests(PROVIDER_OUTCOME_FAILED) - failed, 3);
    ck_assert_int_eq(requests(PROVIDER_OUTCOME_UNAVAILABLE) - refused, 1);
    ck_assert_int_eq(metric_read(M_PROVIDER_DURATION, METRIC_AT(0, PROVIDER_OP_SMS_OTP)) - timed,
                     3);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 3);
    struct deadline open_for = deadline_in_ms(1000);
    while (!deadline_passed(open_for) && th_ext_post(t, 1000, &r) == ERR_PROVIDER_UNAVAILABLE)
        continue; /* until the probe, which fails */
    ck_assert_int_eq(t->result.outcome, OUTCOME_FAILED);
    ck_assert_str_eq(t->result.detail, "connection refused");
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
}
END_TEST

START_TEST(unusable_answers_count_once_and_a_good_one_clears)
{
    static const struct thp_script script = {
        {{THP_REQUEST, NULL, 0},
         {THP_SEND, "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 0}}};
    struct thp_script scripts[6] = {script, script, script, script, script, script};
    struct ext_reply r;

    scripts[4].steps[1].text = HEAD_OK "Content-Length: 2\r\nConnection: close\r\n\r\n{}";
    server = thp_start(scripts, 6);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 4);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_CLOSED);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_CLOSED);
        ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    }
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
}
END_TEST

START_TEST(an_answer_that_nobody_judged_gives_its_probe_back)
{
    struct ext_reply r;
    struct ext_request q = {.op = PROVIDER_OP_SMS_OTP, .method = "POST"};

    server = thp_start_answer(thp_json(500, "{}"));
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.breaker_failures = 1;
    t->p.breaker_open_for_ms = 0;
    q.url = arena_printf(t->a, "%s/", t->base_url);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
    t->result = ext_call(t->x, t->a, &q, deadline_in_ms(1000), &r);
    ck_assert_int_eq(t->result.err, ERR_OK); /* the probe; memory runs out here */
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_HALF_OPEN);
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_OK);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
}
END_TEST

/* A worker that hangs in the only place, is killed, and reaped. */
START_TEST(a_full_bulkhead_refuses_at_once_until_the_killed_caller_is_reaped)
{
    static const struct thp_script scripts[] = {
        {{{THP_REQUEST, NULL, 0}, {THP_HANG, NULL, 0}}},
        {{{THP_REQUEST, NULL, 0},
          {THP_SEND, HEAD_OK "Content-Length: 2\r\n\r\n{}", 0},
          {THP_HANG, NULL, 0}}}};
    unsigned slot;
    char words[SCOREBOARD_LAST_WORDS_MAX];
    struct ext_reply r;

    server = thp_start(scripts, 2);
    t = th_ext_open("http", "127.0.0.1", thp_port(server));
    t->p.max_concurrent = 1;
    t->p.timeout_ms = 10000;
    slot = scoreboard_first(ROLE_WORKER) + 1;
    scoreboard_assign(slot);
    pid_t child = fork();
    if (child == 0) {
        scoreboard_attach(slot);
        (void)!th_ext_post(t, 10000, &r);
        _exit(0);
    }
    struct deadline limit = deadline_in_ms(5000);
    while (thp_requests(server) < 1 && !deadline_passed(limit))
        usleep(1000);
    ck_assert_uint_eq(th_ext_state().in_flight, 1);
    struct mono began = mono_now();
    ck_assert_int_eq(th_ext_post(t, 5000, &r), ERR_PROVIDER_UNAVAILABLE);
    ck_assert_int_le(mono_ms_between(began, mono_now()), SLACK_MS);
    ck_assert_str_eq(t->result.detail, "too many calls at once");
    ck_assert_int_eq(t->result.retry_after_s, 1);
    ck_assert_uint_eq(th_ext_state().consecutive_failures, 0); /* says nothing about the provider */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    scoreboard_release(slot, words, sizeof(words));
    ck_assert_uint_eq(th_ext_state().in_flight, 0);
    ck_assert_int_eq(th_ext_post(t, 5000, &r), ERR_OK);
}
END_TEST

START_TEST(a_reload_keeps_the_circuit_of_a_name)
{
    struct provider_config two[2];
    struct config next = {.providers = two, .providers_n = 2};
    struct ext_reply r;

    t = th_ext_open("http", "127.0.0.1", thp_closed_port());
    t->p.breaker_failures = 1;
    ck_assert_int_eq(th_ext_post(t, 1000, &r), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(th_ext_state().circuit, CIRCUIT_OPEN);
    two[0] = two[1] = t->p;
    two[0].name = "new";
    ext_shared_init(&next, scoreboard_slots());
    struct ext_state fresh, kept;
    ext_read_state(0, &fresh);
    ext_read_state(1, &kept);
    ck_assert_int_eq(fresh.circuit, CIRCUIT_CLOSED);
    ck_assert_int_eq(kept.circuit, CIRCUIT_OPEN);
    ck_assert_str_eq(kept.last_fault, "provider_failed");
    ext_shared_init(&t->cfg, scoreboard_slots());
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ext_client");
    TCase *bad = th_case(s, "faults"), *good = th_case(s, "calls"), *names = th_case(s, "names");
    TCase *forks = th_case(s, "processes");

    tcase_set_timeout(bad, 20);
    tcase_set_timeout(good, 20);
    tcase_add_checked_fixture(bad, one_authority, tear_down);
    tcase_add_checked_fixture(good, NULL, tear_down);
    tcase_add_checked_fixture(names, NULL, tear_down);
    tcase_add_loop_test(bad, faults_have_their_outcome_and_their_time, 0, (int)ARRAY_LEN(faults));
    tcase_add_loop_test(bad, the_callers_deadline_wins, 0, (int)ARRAY_LEN(faults));
    tcase_add_test(bad, refused_connection_was_not_sent);
    tcase_add_test(bad, black_hole_is_a_timeout_that_was_not_sent);
    tcase_add_test(bad, no_time_left_is_not_tried);
    tcase_add_loop_test(names, unknown_name_is_never_looked_up, 0, 8);
    tcase_add_test(names, pinned_name_reaches_its_address_and_keeps_its_name);
    tcase_add_test(names, a_dead_address_does_not_hide_a_living_one);
    tcase_add_loop_test(bad, certificates_are_checked_by_authority_name_and_time, 0,
                        (int)ARRAY_LEN(certificates));
    tcase_add_test(bad, without_authorities_nothing_is_sent);
    tcase_add_test(good, request_carries_what_it_should_and_no_more);
    tcase_add_loop_test(good, methods_and_empty_bodies, 0, 3);
    tcase_add_test(good, a_line_break_never_leaves_in_a_header);
    tcase_add_loop_test(good, other_schemes_are_not_spoken, 0, 4);
    tcase_add_loop_test(good, whole_answers_are_handed_over_whatever_their_status, 0, 14);
    tcase_add_loop_test(good, the_largest_answer_fits_and_one_byte_more_does_not, 0, 3);
    tcase_add_test(good, provisional_answers_are_passed_over);
    tcase_add_test(good, handle_and_connection_are_reused);
    tcase_add_loop_test(good, a_write_is_never_sent_twice, 0, 2);
    tcase_add_test(good, a_read_may_be_sent_again);
    tcase_add_test(good, a_connection_closed_in_between_costs_nothing);
    tcase_add_loop_test(good, a_connection_reset_while_idle_costs_nothing, 0, 2);
    tcase_add_test(good, the_circuit_opens_refuses_probes_and_closes);
    tcase_add_test(good, unusable_answers_count_once_and_a_good_one_clears);
    tcase_add_test(good, an_answer_that_nobody_judged_gives_its_probe_back);
    tcase_add_test(good, a_reload_keeps_the_circuit_of_a_name);
    tcase_add_checked_fixture(forks, NULL, tear_down);
    tcase_set_tags(forks, TH_TAG_FORK);
    tcase_set_timeout(forks, 20);
    tcase_add_test(forks, a_full_bulkhead_refuses_at_once_until_the_killed_caller_is_reaped);
    return th_run(s);
}
