/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* domain/metrics: counting across processes, the page in both formats, and what a scraper's Accept
 * field means. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "domain/metrics_page.h"
#include "domain/templates.h"
#include "http/http_accept.h"
#include "sys/shm.h"

static const char *const providers[] = {"sms", "mo\"ya\\sar\n"};
static const uint32_t ops[] = {METRIC_OPS_SMS, METRIC_OPS_PAYMENT};
static const int64_t timeouts[] = {5000, 8000};
static const struct metric_route routes[] = {{"GET", "/healthz", 200},
                                             {"POST", "/v1/bookings", 201},
                                             {"GET", "/v1/bookings", 200},
                                             {"DELETE", "/v1/session", 204}};
static const struct metrics_setup setup = {.slots = 4,
                                           .providers = providers,
                                           .providers_n = ARRAY_LEN(providers),
                                           .provider_ops = ops,
                                           .provider_timeouts_ms = timeouts,
                                           .routes = routes,
                                           .routes_n = ARRAY_LEN(routes)};
static struct arena *arena;

static void begin(void)
{
    arena = arena_new(1 << 16);
    ck_assert_ptr_nonnull(arena);
    metrics_forget();
    ck_assert(shm_init(metrics_size(&setup)));
    metrics_init(&setup);
}

static void end(void)
{
    metrics_forget();
    shm_fini();
    arena_free(arena);
}

static const char *page(enum metrics_format format)
{
    struct sb sb;
    struct metrics_page p = {.sb = &sb, .format = format};
    sb_init(&sb, arena, 1 << 16);
    metrics_print(&p);
    metrics_end(&p);
    return sb.p;
}

static void has(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    while (at && at != text && at[-1] != '\n')
        at = strstr(at + 1, line);
    ck_assert_msg(at != NULL, "no line '%s' in\n%.3000s", line, text);
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

START_TEST(nothing_happens_before_attach)
{
    METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_HELD);
    METRIC_OBSERVE0(M_HTTP_QUEUE, 1);
    METRIC_SET(M_HTTP_CONNECTIONS, 3, CONN_STATE_IDLE);
    ck_assert_int_eq(metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_HELD)), 0);
    ck_assert_int_eq(metric_read(M_HTTP_QUEUE, NULL, 0), 0);
}
END_TEST

/* Indices belong to a configuration, rows to names: a reload may order, add and take away. */
START_TEST(providers_keep_their_counters_over_reloads)
{
    static const char *const next[] = {"new", "mo\"ya\\sar\n", "sms"};
    static const uint32_t next_ops[] = {METRIC_OPS_SMS, METRIC_OPS_PAYMENT, METRIC_OPS_SMS};
    metrics_attach(0);
    METRIC_INC(M_PROVIDER_REQUESTS, 0, PROVIDER_OP_SMS_OTP, PROVIDER_OUTCOME_OK);
    metrics_use_providers(next, next_ops, 3);
    METRIC_INC(M_PROVIDER_REQUESTS, 0, PROVIDER_OP_SMS_OTP, PROVIDER_OUTCOME_OK);
    METRIC_INC(M_PROVIDER_REQUESTS, 2, PROVIDER_OP_SMS_OTP, PROVIDER_OUTCOME_OK);
    ck_assert_int_eq(
        metric_read(M_PROVIDER_REQUESTS, METRIC_AT(2, PROVIDER_OP_SMS_OTP, PROVIDER_OUTCOME_OK)),
        2);
    ck_assert_int_eq(
        metric_read(M_PROVIDER_REQUESTS, METRIC_AT(0, PROVIDER_OP_SMS_OTP, PROVIDER_OUTCOME_OK)),
        1);
    metrics_use_providers(next, next_ops, 1);
    const char *p = page(METRICS_TEXT);
    has(p, "bookingd_provider_requests_total{provider=\"sms\",operation=\"sms_otp\",outcome=\"ok\"}"
           " 2\n");
    has(p, "bookingd_provider_requests_total{provider=\"new\",operation=\"sms_otp\",outcome=\"ok\"}"
           " 1\n");
    metrics_use_providers(providers, ops, 2);
    ck_assert_int_eq(
        metric_read(M_PROVIDER_REQUESTS, METRIC_AT(0, PROVIDER_OP_SMS_OTP, PROVIDER_OUTCOME_OK)),
        2);
}
END_TEST

/* More names than rows over many reloads: the oldest give theirs up, emptied; those in use never.
 */
START_TEST(rows_of_forgotten_providers_are_used_again)
{
    char text[2 * METRIC_PROVIDER_ROWS][16];
    metrics_attach(0);
    for (unsigned i = 0; i < 2 * METRIC_PROVIDER_ROWS; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "p%u", i);
        const char *names[] = {"keeps", text[i]};
        metrics_use_providers(names, NULL, 2);
        METRIC_INC(M_PROVIDER_REQUESTS, 0, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_OK);
        ck_assert_int_eq(
            metric_read(M_PROVIDER_REQUESTS, METRIC_AT(1, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_OK)),
            0);
        METRIC_INC(M_PROVIDER_REQUESTS, 1, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_OK);
        METRIC_OBSERVE(M_PROVIDER_DURATION, 0.1, 1, PROVIDER_OP_REFUND);
        ck_assert_int_eq(metric_read(M_PROVIDER_DURATION, METRIC_AT(1, PROVIDER_OP_REFUND)), 1);
    }
    ck_assert_int_eq(
        metric_read(M_PROVIDER_REQUESTS, METRIC_AT(0, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_OK)),
        2 * METRIC_PROVIDER_ROWS);
}
END_TEST

START_TEST(slots_add_up_and_counters_outlive_processes)
{
    for (unsigned slot = 0; slot < setup.slots; slot++) {
        metrics_attach(slot);
        METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_HELD);
        metric_add(M_PROVIDER_REQUESTS, 5,
                   METRIC_AT(1, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_TIMEOUT));
        METRIC_SET(M_HTTP_CONNECTIONS, 2, CONN_STATE_READING);
    }
    ck_assert_int_eq(metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_HELD)), 4);
    ck_assert_int_eq(metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_CONFIRMED)), 0);
    ck_assert_int_eq(metric_read(M_PROVIDER_REQUESTS,
                                 METRIC_AT(1, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_TIMEOUT)),
                     20);
    ck_assert_int_eq(metric_read(M_PROVIDER_REQUESTS,
                                 METRIC_AT(0, PROVIDER_OP_REFUND, PROVIDER_OUTCOME_TIMEOUT)),
                     0);
    ck_assert_int_eq(metric_read(M_HTTP_CONNECTIONS, METRIC_AT(CONN_STATE_READING)), 8);
    metrics_attach(3); /* the next process of that position: counters stay, gauges start anew */
    ck_assert_int_eq(metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_HELD)), 4);
    ck_assert_int_eq(metric_read(M_HTTP_CONNECTIONS, METRIC_AT(CONN_STATE_READING)), 6);
    metrics_release(2); /* its process died */
    ck_assert_int_eq(metric_read(M_HTTP_CONNECTIONS, METRIC_AT(CONN_STATE_READING)), 4);
    ck_assert_int_eq(metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_HELD)), 4);
    METRIC_SET0(M_HTTP_QUEUE_LENGTH, -1);
    ck_assert_int_eq(metric_read(M_HTTP_QUEUE_LENGTH, NULL, 0), -1);
}
END_TEST

START_TEST(the_page_in_text)
{
    metrics_attach(0);
    METRIC_INC(M_HTTP_REQUESTS, 1, metric_status_index(201));
    METRIC_INC(M_HTTP_REQUESTS, 1, metric_status_index(409));
    METRIC_INC(M_HTTP_REQUESTS, 4, metric_status_index(299));
    METRIC_OBSERVE(M_HTTP_DURATION, 0.25, metric_route_index(1));
    METRIC_OBSERVE(M_HTTP_DURATION, 0.2500001, metric_route_index(2));
    METRIC_OBSERVE(M_HTTP_DURATION, 100, metric_route_index(1));
    METRIC_OBSERVE(M_HTTP_DURATION, -1, metric_route_index(1));
    METRIC_OBSERVE(M_HTTP_DURATION, NAN, metric_route_index(1));
    metrics_config_read(true);
    const char *t = page(METRICS_TEXT);
    has(t, "# HELP bookingd_http_requests_total Requests answered.\n# TYPE "
           "bookingd_http_requests_total counter\n");
    has(t, "bookingd_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 0\n");
    has(t,
        "bookingd_http_requests_total{method=\"POST\",route=\"/v1/bookings\",status=\"201\"} 1\n");
    has(t,
        "bookingd_http_requests_total{method=\"POST\",route=\"/v1/bookings\",status=\"409\"} 1\n");
    has(t,
        "bookingd_http_requests_total{method=\"DELETE\",route=\"/v1/session\",status=\"204\"} 0\n");
    has(t, "bookingd_http_requests_total{method=\"other\",route=\"none\",status=\"404\"} 0\n");
    has(t, "bookingd_http_requests_total{method=\"other\",route=\"none\",status=\"other\"} 1\n");
    ck_assert_uint_eq(count(t, "\nbookingd_http_requests_total{"), 5 + 2);
    has(t,
        "bookingd_http_request_duration_seconds_bucket{route=\"/v1/bookings\",le=\"0.001\"} 1\n");
    has(t, "bookingd_http_request_duration_seconds_bucket{route=\"/v1/bookings\",le=\"0.1\"} 1\n");
    has(t, "bookingd_http_request_duration_seconds_bucket{route=\"/v1/bookings\",le=\"0.25\"} 2\n");
    has(t, "bookingd_http_request_duration_seconds_bucket{route=\"/v1/bookings\",le=\"0.5\"} 3\n");
    has(t, "bookingd_http_request_duration_seconds_bucket{route=\"/v1/bookings\",le=\"10.0\"} 3\n");
    has(t, "bookingd_http_request_duration_seconds_bucket{route=\"/v1/bookings\",le=\"+Inf\"} 4\n");
    has(t, "bookingd_http_request_duration_seconds_sum{route=\"/v1/bookings\"} 100.5000001\n");
    has(t, "bookingd_http_request_duration_seconds_count{route=\"/v1/bookings\"} 4\n");
    has(t, "bookingd_http_request_duration_seconds_count{route=\"none\"} 0\n");
    has(t, "bookingd_http_request_queue_seconds_bucket{le=\"1.0\"} 0\n");
    has(t, "bookingd_provider_request_duration_seconds_bucket{provider=\"sms\",operation=\"sms_"
           "otp\",le=\"8.0\"} 0\n");
    has(t, "bookingd_provider_requests_total{provider=\"mo\\\"ya\\\\sar\\n\",operation=\"refund\","
           "outcome=\"ok\"} 0\n");
    ck_assert_uint_eq(count(t, "\nbookingd_provider_requests_total{"),
                      (unsigned)__builtin_popcount(METRIC_OPS_SMS | METRIC_OPS_PAYMENT) *
                          PROVIDER_OUTCOME_COUNT);
    ck_assert_uint_eq(count(t, "\nbookingd_webhooks_total{"),
                      WEBHOOK_OUTCOME_COUNT); /* nobody sends webhooks about SMS */
    ck_assert_uint_eq(count(t, "\nbookingd_notifications_total{"),
                      NOTIFICATION_TEMPLATE_COUNT * NOTIFICATION_OUTCOME_COUNT);
    ck_assert_uint_eq(count(t, "\nbookingd_http_requests_shed_total{"), SHED_REASON_COUNT);
    has(t, "bookingd_config_last_reload_successful 1\n");
    ck_assert_ptr_null(strstr(t, "\n\n"));
    ck_assert_ptr_null(strstr(t, "# EOF"));
}
END_TEST

START_TEST(the_page_in_openmetrics)
{
    metrics_attach(0);
    const char *t = page(METRICS_OPENMETRICS);
    has(t,
        "# HELP bookingd_otp One-time passwords by what happened to them; those throttled by the "
        "limit that was met.\n# TYPE bookingd_otp counter\n"
        "bookingd_otp_total{outcome=\"sent\",scope=\"\"} 0\n");
    has(t, "bookingd_otp_total{outcome=\"throttled\",scope=\"network\"} 0\n");
    ck_assert_uint_eq(count(t, "bookingd_otp_total{"), OTP_OUTCOME_COUNT + OTP_SCOPE_COUNT - 2);
    ck_assert_uint_eq(count(t, "# TYPE bookingd_otp_total"), 0);
    has(t, "# TYPE bookingd_notifications_total unknown\n"); /* the other name is the gauge's */
    has(t, "# TYPE bookingd_http_connections gauge\n");
    ck_assert_str_eq(t + strlen(t) - 7, "\n# EOF\n");
    ck_assert_uint_eq(count(t, "# EOF"), 1);
    ck_assert_ptr_null(strstr(t, "\n\n"));
}
END_TEST

START_TEST(computed_families)
{
    struct sb sb, labels;
    struct metrics_page p = {.sb = &sb, .format = _i ? METRICS_OPENMETRICS : METRICS_TEXT};
    sb_init(&sb, arena, 256);
    sb_init(&labels, arena, 64);
    metrics_label(&labels, "version", "0.1\n");
    metrics_label(&labels, "revision", "a\"b\\c");
    metrics_family(&p, "x_build_info", METRIC_INFO, "What \"it\" is.\\\n");
    metrics_sample(&p, "x_build_info", labels.p, 1);
    metrics_family(&p, "x_seconds_total", METRIC_COUNTER, "Time.");
    metrics_sample(&p, "x_seconds_total", NULL, 0.1);
    ck_assert_str_eq(
        sb.p,
        _i ? "# HELP x_build What \\\"it\\\" is.\\\\\\n\n# TYPE x_build info\n"
             "x_build_info{version=\"0.1\\n\",revision=\"a\\\"b\\\\c\"} 1\n"
             "# HELP x_seconds Time.\n# TYPE x_seconds counter\nx_seconds_total 0.1\n"
           : "# HELP x_build_info What \"it\" is.\\\\\\n\n# TYPE x_build_info gauge\n"
             "x_build_info{version=\"0.1\\n\",revision=\"a\\\"b\\\\c\"} 1\n"
             "# HELP x_seconds_total Time.\n# TYPE x_seconds_total counter\nx_seconds_total 0.1\n");
}
END_TEST

START_TEST(values)
{
    static const struct {
        double in;
        const char *out;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {1, "1"},
                 {-3, "-3"},
                 {0.1, "0.1"},
                 {1e15, "1e+15"},
                 {1.5e-9, "1.5e-09"},
                 {1763812345.123456, "1763812345.123456"},
                 {1.0 / 3, "0.33333333333333331"},
                 {INFINITY, "+Inf"},
                 {-INFINITY, "-Inf"},
                 {NAN, "NaN"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sb sb;
        sb_init(&sb, arena, 32);
        metrics_value(&sb, cases[i].in);
        ck_assert_str_eq(sb.p, cases[i].out);
    }
}
END_TEST

START_TEST(routes_share_a_template)
{
    ck_assert_uint_eq(metric_route_index(0), 0);
    ck_assert_uint_eq(metric_route_index(1), 1);
    ck_assert_uint_eq(metric_route_index(2), 1);
    ck_assert_uint_eq(metric_route_index(3), 2);
    ck_assert_uint_eq(metric_route_index(4), 3); /* none */
    ck_assert_uint_eq(metric_route_index(999), 3);
}
END_TEST

START_TEST(the_accept_field)
{
#define OM METRICS_OPENMETRICS
#define TX METRICS_TEXT
    static const struct {
        const char *accept;
        enum metrics_format want;
    } cases[] = {
        {NULL, TX},
        {"", TX},
        {"*/*", TX},
        {"text/html,application/xhtml+xml,*/*;q=0.8", TX},
        {"text/plain", TX},
        {"application/openmetrics-text", OM},
        {"application/openmetrics-text; version=1.0.0", OM},
        {"application/openmetrics-text; version=1.0.0; charset=utf-8", OM},
        {"APPLICATION/OpenMetrics-Text;VERSION=\"1.0.0\"", OM},
        {"application/openmetrics-text; version=0.0.1", TX},
        {"application/openmetrics-text; version=2.0.0", TX},
        {"application/openmetrics-text;version=1.0.0,application/"
         "openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         OM}, /* Prometheus 2.42 */
        {"application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/"
         "*;q=0.1",
         TX},
        {"text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", TX},
        {"text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.6", OM},
        {"application/openmetrics-text;q=0", TX},
        {"application/openmetrics-text;q=0.000, */*", TX},
        {"application/openmetrics-text;q=0.001", OM},
        {"text/plain,application/openmetrics-text", TX},
        {"application/openmetrics-text,text/plain", OM},
        {"*/*,application/openmetrics-text", OM},
        {"*/*;q=1.0,application/openmetrics-text;q=0.9", TX},
        {"text/*;q=0.9,application/openmetrics-text;q=0.8,*/*;q=0.1", TX},
        {"application/openmetrics-text;q=1.5", TX},
        {"application/openmetrics-text;q=abc", TX},
        {"application/openmetrics-text;q=", TX},
        {"application/openmetrics-text;q=0.1234", TX},
        {";;;,,,;q=;", TX},
        {"application/*", TX},
        {"application/openmetrics-text ; version = 1.0.0 ; q = 0.8 , text/plain ; q = 0.2", OM},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(http_accept_metrics(str_of(cases[i].accept)) == cases[i].want, "'%s'",
                      cases[i].accept);
    ck_assert_str_eq(metrics_content_type(TX), "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_str_eq(metrics_content_type(OM),
                     "application/openmetrics-text; version=1.0.0; charset=utf-8");
}
END_TEST

/* ---- with processes ---- */

/* While others count, a reader sees sums that never fall; killed writers lose nothing that they had
 * counted. */
START_TEST(sums_never_fall)
{
    int64_t last = 0;
    for (int round = 0; round < 10; round++) {
        pid_t pids[3];
        for (unsigned i = 0; i < 3; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                metrics_attach(i);
                for (;;) {
                    METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_HELD);
                    METRIC_OBSERVE0(M_DB_DURATION, 0.003);
                }
            }
        }
        for (int reads = 0; reads < 500; reads++) {
            int64_t now = metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_HELD));
            ck_assert_int_ge(now, last);
            last = now;
            ck_assert_int_ge(metric_read(M_DB_DURATION, NULL, 0), 0);
        }
        for (unsigned i = 0; i < 3; i++) {
            kill(pids[i], SIGKILL);
            ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
        }
        int64_t now = metric_read(M_BOOKINGS, METRIC_AT(BOOKING_OUTCOME_HELD));
        ck_assert_int_ge(now, last);
        last = now;
    }
    ck_assert_int_gt(last, 0);
}
END_TEST

/* One writer a slot and no lock: not one count is lost. */
START_TEST(every_count_arrives)
{
    enum { N = 200000 };
    pid_t pids[3];
    for (unsigned i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            metrics_attach(i);
            for (int k = 0; k < N; k++) {
                METRIC_INC(M_BOOKINGS, (unsigned)k % BOOKING_OUTCOME_COUNT);
                METRIC_OBSERVE0(M_HTTP_QUEUE, 0.5);
            }
            _exit(0);
        }
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
    for (unsigned o = 0; o < BOOKING_OUTCOME_COUNT; o++)
        ck_assert_int_eq(metric_read(M_BOOKINGS, METRIC_AT(o)), 3 * N / BOOKING_OUTCOME_COUNT);
    ck_assert_int_eq(metric_read(M_HTTP_QUEUE, NULL, 0), 3 * N);
    has(page(METRICS_TEXT), "bookingd_http_request_queue_seconds_sum 300000\n");
}
END_TEST

START_TEST(wrong_labels_abort)
{
    metrics_attach(0);
    switch (_i) {
    case 0:
        METRIC_INC0(M_BOOKINGS);
        break;
    case 1:
        METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_COUNT);
        break;
    case 2:
        METRIC_SET0(M_LOG_DROPPED, 1);
        break;
    case 3:
        METRIC_INC(M_HTTP_CONNECTIONS, CONN_STATE_IDLE);
        break;
    default:
        metrics_attach(setup.slots);
        break;
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *c = th_case(s, "metrics");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, nothing_happens_before_attach);
    tcase_add_test(c, slots_add_up_and_counters_outlive_processes);
    tcase_add_test(c, providers_keep_their_counters_over_reloads);
    tcase_add_test(c, rows_of_forgotten_providers_are_used_again);
    tcase_add_test(c, the_page_in_text);
    tcase_add_test(c, the_page_in_openmetrics);
    tcase_add_loop_test(c, computed_families, 0, 2);
    tcase_add_test(c, values);
    tcase_add_test(c, routes_share_a_template);
    tcase_add_test(c, the_accept_field);
    TCase *f = th_case(s, "fork");
    tcase_set_tags(f, TH_TAG_FORK);
    tcase_set_timeout(f, 30);
    tcase_add_checked_fixture(f, begin, end);
    tcase_add_test(f, sums_never_fall);
    tcase_add_test(f, every_count_arrives);
    tcase_add_loop_test_raise_signal(f, wrong_labels_abort, SIGABRT, 0, 5);
    return th_run(s);
}
