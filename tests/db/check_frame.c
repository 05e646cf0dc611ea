/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The frame as a whole, bytes in and bytes out, on a real database: framing, time, memory that runs
 * out, claims in doubt. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>

#include "../../src/api/api_priv.h"
#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "svc/session.h"

#define CUSTOMER "019aab00-0000-7000-8000-000000000001"
#define SECRET "0123456789abcdef0123456789abcdef"

static struct th_db t;
static struct db *db;
static struct api *api;
static struct session_token token;

/* ---- allocations that fail when told; the linker puts these in the place of malloc and its kin
 * ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static long fail_at = -1; /* which allocation of the next api_serve() fails; -1: none */
static long fail_in =
    -1; /* libcheck allocates through the same functions: armed during api_serve() alone */
static unsigned failures;

static bool fails(void)
{
    if (fail_in < 0 || fail_in-- != 0)
        return false;
    failures++;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

/* ---- requests ---- */

static void set_up(void)
{
    th_db_open(&t);
    t.cfg.server.max_head = 16384;
    t.cfg.server.max_body = 65536;
    t.cfg.otp.provider = -1;
    t.cfg.otp.secret = SECRET;
    t.cfg.otp.secret_len = sizeof SECRET - 1;
    t.cfg.otp.code_length = 6;
    t.cfg.otp.max_attempts = 5;
    t.cfg.sessions.ttl_ms = 3600000;
    session_token_new(&token);
    th_db_exec(&t, "INSERT INTO customers (id, phone, name, locale) VALUES ('" CUSTOMER
                   "', '+966551234567', 'Sara', 'ar')");
    th_db_exec(&t,
               "INSERT INTO sessions (token_hash, customer_id, expires_at) VALUES ('%s', '" CUSTOMER
               "', now() + '1h')",
               token.hash);
    json_set_alloc_funcs(__wrap_malloc, free);
    db = db_new(&t.cfg);
    ck_assert_int_eq(db_connect(db, deadline_in_ms(5000)), ERR_OK);
    api = api_new(&t.cfg, db, NULL);
    ck_assert_ptr_nonnull(api);
}

static void tear_down(void)
{
    api_free(api);
    db_free(db);
    th_db_close(&t);
}

static char answer[4 * 65536]; /* of the last call, NUL-terminated */

static int call_within(const char *bytes, int64_t ms)
{
    char copy[8192];
    struct api_output out;
    snprintf(copy, sizeof copy, "%s", bytes);
    const struct api_input in = {.bytes = copy,
                                 .len = strlen(copy),
                                 .peer = "192.0.2.1",
                                 .request_id = "frame",
                                 .deadline = deadline_in_ms(ms)};
    fail_in = fail_at;
    api_serve(api, &in, &out);
    fail_in = -1;
    ck_assert_uint_lt(out.bytes.n, sizeof answer);
    memcpy(answer, out.bytes.p, out.bytes.n);
    answer[out.bytes.n] = '\0';
    api_release(api);
    ck_assert_int_eq(atoi(answer + sizeof "HTTP/1.1"), out.status);
    ck_assert_ptr_nonnull(strstr(answer, "\r\nX-Request-Id: frame\r\n"));
    ck_assert(out.keep_alive == !strstr(answer, "\r\nConnection: close\r\n"));
    return out.status;
}

static int call(const char *bytes)
{
    return call_within(bytes, 5000);
}

static const char *request(const char *line, const char *body)
{
    static char bytes[4096];
    snprintf(bytes, sizeof bytes,
             "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: "
             "application/json\r\nContent-Length: "
             "%zu\r\n\r\n%s",
             line, token.text, strlen(body), body);
    return bytes;
}

static bool says(const char *text)
{
    return strstr(answer, text) != NULL;
}

START_TEST(what_is_no_request)
{
    ck_assert_int_eq(call("GARBAGE\r\n\r\n"), 400);
    ck_assert(says("Connection: close"));
    ck_assert_int_eq(call("GET /healthz HTTP/1.1\r\n"),
                     400); /* not whole: the dispatcher would not have sent it */
    ck_assert_int_eq(call("POST /v1/otp HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}"), 400);
    ck_assert_int_eq(call("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}
END_TEST

START_TEST(chunked_body_is_joined)
{
    ck_assert_int_eq(
        call("POST /v1/otp/" CUSTOMER
             "/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
             "Transfer-Encoding: "
             "chunked\r\n\r\n9\r\n{\"code\":\"\r\n7\r\n123456\"\r\n1\r\n}\r\n0\r\n\r\n"),
        404);
    ck_assert(says("\"code\":\"not_found\""));
}
END_TEST

START_TEST(head_has_no_body)
{
    ck_assert_int_eq(call(request("HEAD /v1/me", "")), 200);
    ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    ck_assert_int_eq(call("HEAD /v1/me HTTP/1.1\r\nHost: x\r\n\r\n"), 401);
    ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

START_TEST(time_is_over)
{
    uint64_t before = db_round_trips(db);
    ck_assert_int_eq(call_within(request("GET /v1/me", ""), -1), 504);
    ck_assert(says("\"code\":\"deadline_exceeded\""));
    ck_assert_uint_eq(db_round_trips(db), before);
    ck_assert_int_eq(call(request("GET /v1/me", "")), 200);
}
END_TEST

/* A lock that another session holds: the answer comes in time and the next request finds a
 * database. */
START_TEST(time_runs_out_in_a_statement)
{
    PGconn *other = th_db_connect(&t);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"));
    struct mono begun = mono_now();
    int status = call_within(request("GET /v1/me", ""), 300);
    ck_assert(status == 504 || status == 503);
    ck_assert_int_lt((int)mono_ms_between(begun, mono_now()), 400);
    PQfinish(other);
    for (int i = 0; i < 100 && call(request("GET /v1/me", "")) != 200; i++)
        db_idle(db);
    ck_assert_int_eq(call(request("GET /v1/me", "")), 200);
}
END_TEST

/* Every allocation of a request fails in turn: each time the answer is 503 or the usual one, and
 * the process goes on.
 */
static const struct {
    const char *line, *body;
    int status;
} hungry[] = {
    {"GET /healthz", "", 200},
    {"GET /openapi.json", "", 200},
    {"GET /v1/me", "", 200},
    {"PATCH /v1/me", "{\"name\":\"Mona\",\"locale\":\"en\"}", 200},
    {"PATCH /v1/me", "{\"name\":\"\",\"a\":1,\"b\":2}", 422},
    {"PATCH /v1/me", "{", 400},
    {"POST /v1/otp/" CUSTOMER "/verify", "{\"code\":\"123456\"}", 404},
    {"GET /v1/nothing", "", 404},
};

START_TEST(memory_runs_out)
{
    const char *bytes = request(hungry[_i].line, hungry[_i].body);
    ck_assert_int_eq(call(bytes), hungry[_i].status);
    unsigned refused = 0;
    for (long n = 0; n < 1000; n++) {
        failures = 0;
        fail_at = n;
        int status = call(bytes);
        fail_at = -1;
        if (failures == 0)
            break; /* it has no more allocations than that */
        ck_assert_msg(status == 503 || status == hungry[_i].status, "allocation %ld: %d", n,
                      status);
        if (status == 503) {
            refused++;
            ck_assert(says("\"code\":\"out_of_memory\"") ||
                      says("\"code\":\"database_unavailable\""));
            ck_assert(says("\r\nRetry-After: "));
        }
        ck_assert_int_eq(db_connect(db, deadline_in_ms(5000)), ERR_OK);
        ck_assert_msg(call(bytes) == hungry[_i].status, "after allocation %ld", n);
    }
    ck_assert_uint_eq(failures, 0);
    ck_assert(refused >= 1 || strstr(bytes, "openapi") ||
              strstr(bytes, "healthz")); /* these need none */
}
END_TEST

/* ---- claims ---- */

/* As if a handler of an idempotent route had claimed the key and then failed with a status. */
static void claim_and_finish(int status)
{
    static const struct api_route route = {
        .http = {HTTP_POST, "/test", 201, NULL}, .auth = AUTH_CUSTOMER, .idempotent = true};
    static struct http_head head = {.method = HTTP_POST, .target = {"/test", 5}};
    api->idem = (struct api_idem){.claim.key = "key"};
    api->r = (struct api_request){
        .api = api,
        .route = &route,
        .head = &head,
        .auth_hash = token.hash,
        .idem = &api->idem,
        .svc = {.cfg = &t.cfg, .db = db, .arena = api->arena, .request_id = "frame"}};
    api->r.svc.deadline = deadline_in_ms(2000);
    http_resp_init(&api->r.resp, api->arena);
    ck_assert_int_eq(api_first(&api->r, api_first_batch(&api->r)), ERR_OK);
    ck_assert(api->idem.mine);
    api->r.resp.status = status;
    api->r.resp.body = STR("{}");
}

static const char *keys(const char *where)
{
    return th_db_value(&t, "SELECT count(*) FROM idempotency_keys WHERE %s", where);
}

static void database_away(bool away)
{
    PGconn *admin = PQconnectdb(getenv("BOOKINGD_TEST_PG"));
    char sql[256];
    snprintf(sql, sizeof sql, "ALTER DATABASE %s ALLOW_CONNECTIONS %s", t.name,
             away ? "false" : "true");
    PQclear(PQexec(admin, sql));
    PQfinish(admin);
    if (away)
        th_db_exec(&t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                       "current_database() AND "
                       "pid <> pg_backend_pid()");
}

START_TEST(outcomes_are_stored_or_claims_released)
{
    claim_and_finish(409);
    api_idem_finish(&api->r, ERR_SLOT_TAKEN);
    ck_assert_str_eq(keys("status = 409 AND caller = 'customer:" CUSTOMER "'"), "1");
    th_db_exec(&t, "DELETE FROM idempotency_keys");
    claim_and_finish(503);
    api_idem_finish(&api->r, ERR_PROVIDER_UNAVAILABLE);
    ck_assert_str_eq(keys("true"), "0");
    ck_assert(!api_idle(api, deadline_in_ms(1000)));
}
END_TEST

START_TEST(what_the_database_missed_it_hears_later)
{
    static const struct {
        int status;
        const char *then;
    } ends[] = {{503, "status IS NULL"}, {409, "status = 409 AND body = '{}'"}};
    claim_and_finish(ends[_i].status);
    database_away(true);
    api_idem_finish(&api->r, ends[_i].status == 503 ? ERR_DB_UNAVAILABLE : ERR_SLOT_TAKEN);
    ck_assert_uint_eq(api->pending.n, 1);
    ck_assert(api_idle(api, deadline_in_ms(200)));
    ck_assert_str_eq(keys("status IS NULL"), "1");
    database_away(false);
    for (int i = 0; i < 500 && api_idle(api, deadline_in_ms(200)); i++) {
        db_idle(db);
        (void)!poll(NULL, 0, 10);
    }
    ck_assert_uint_eq(api->pending.n, 0);
    ck_assert_str_eq(keys(ends[_i].then), ends[_i].status == 503 ? "0" : "1");
}
END_TEST

/* The claiming batch failed with its outcome unknown: the row may be there, under a caller that was
 * never read. */
START_TEST(a_claim_in_doubt_is_given_up)
{
    claim_and_finish(500);
    api->idem.mine = false;
    ck_assert_str_eq(keys("status IS NULL"), "1");
    api_idem_doubt(&api->r);
    ck_assert(!api_idle(api, deadline_in_ms(1000)));
    ck_assert_str_eq(keys("true"), "0");
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    claim_and_finish(503);
    for (int i = 0; i < 3 * API_PENDING_MAX; i++)
        api_idem_doubt(&api->r);
    ck_assert_uint_eq(api->pending.n, API_PENDING_MAX);
    ck_assert(!api_idle(api, deadline_in_ms(1000)));
    ck_assert_uint_eq(api->pending.n, 0);
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    Suite *suite = suite_create("frame");
    TCase *c = th_case(suite, "frame");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, memory_runs_out, 0, ARRAY_LEN(hungry));
    tcase_add_test(c, what_is_no_request);
    tcase_add_test(c, chunked_body_is_joined);
    tcase_add_test(c, head_has_no_body);
    tcase_add_test(c, time_is_over);
    tcase_add_test(c, time_runs_out_in_a_statement);
    tcase_add_test(c, outcomes_are_stored_or_claims_released);
    tcase_add_loop_test(c, what_the_database_missed_it_hears_later, 0, 2);
    tcase_add_test(c, a_claim_in_doubt_is_given_up);
    tcase_add_test(c, what_waits_is_bounded);
    return th_run(suite);
}
