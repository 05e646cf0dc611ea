/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The parts of the frame that need no database: cursors, If-Match, client address, media type,
 * depth, problems, routes.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "../../src/api/api_priv.h"
#include "../lib/th_unit.h"
#include "http/http_problem.h"

static struct arena *arena;
static struct config cfg;
static struct api_request request;
static struct api process;
static const struct api_route route_a = {.http = {HTTP_GET, "/v1/a", 200, NULL}};
static const struct api_route route_b = {.http = {HTTP_GET, "/v1/b", 200, NULL}};

static void set_up(void)
{
    arena = arena_new(16384);
    cfg = (struct config){.otp = {.secret = "0123456789abcdef0123456789abcdef", .secret_len = 32}};
    request = (struct api_request){.svc = {.cfg = &cfg, .arena = arena, .request_id = "unit"},
                                   .problem.attempts_left = -1};
    faults_init(&request.faults, arena);
    http_resp_init(&request.resp, arena);
    process.cfg = &cfg;
    request.api = &process;
    request.route = &route_a;
    api_cursor_init(&process);
}

static void tear_down(void)
{
    arena_free(arena);
}

/* ---- cursors ---- */

static bool read_cursor(const char *text, const char **fields, size_t n)
{
    size_t found;
    bool good = api_cursor_read(&request, text, fields, n, &found);
    ck_assert_uint_eq(found, good && text ? n : 0);
    ck_assert_uint_eq(request.faults.n, good ? 0 : 1);
    if (!good)
        ck_assert_str_eq(request.faults.first->pointer, "query:after");
    faults_init(&request.faults, arena);
    return good;
}

START_TEST(cursor_comes_back)
{
    const char *const in[] = {"2026-01-02T03:04:05Z", ""};
    const char *out[2];
    const char *text = api_cursor_make(&request, in, 2);
    ck_assert_uint_eq(
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        strlen(text));
    ck_assert(read_cursor(text, out, 2));
    ck_assert_str_eq(out[0], in[0]);
    ck_assert_str_eq(out[1], "");
    ck_assert(read_cursor(NULL, out, 2));
}
END_TEST

START_TEST(cursor_of_another_kind_is_refused)
{
    const char *const in[] = {"1", "2"};
    const char *out[2];
    const char *text = api_cursor_make(&request, in, 2);
    static const char *const broken[] = {"",    "x",        "====", "AAAAAAAAAAAAAAAAAAAA",
                                         "a b", "\xC3\xA4", "%00"};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        ck_assert_msg(!read_cursor(broken[i], out, 2), "%s", broken[i]);
    ck_assert(!read_cursor(api_cursor_make(&request, in, 1), out, 2)); /* too few fields */
    ck_assert(!read_cursor(text, out, 1));                             /* too many */
    char *longer = arena_alloc(arena, 5000);
    memset(longer, 'A', 4999);
    ck_assert(!read_cursor(longer, out, 2));
    request.route = &route_b;
    ck_assert(!read_cursor(text, out, 2)); /* of another list */
    request.route = &route_a;
    ck_assert(read_cursor(text, out, 2));
    cfg.otp.secret = "another secret..................";
    api_cursor_init(&process);
    ck_assert(!read_cursor(text, out, 2)); /* of another installation */
}
END_TEST

/* No change of one character makes another cursor that is believed. */
START_TEST(cursor_cannot_be_bent)
{
    const char *const in[] = {"1700000000000000", "019aab00-0000-7000-8000-000000000000"};
    const char *out[2];
    char *text = arena_strdup(arena, api_cursor_make(&request, in, 2));
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        text[i] = was == 'B' ? 'C' : 'B';
        if (text[i + 1]) /* the last character has bits of padding */
            ck_assert_msg(!read_cursor(text, out, 2), "at %zu", i);
        text[i] = was;
    }
}
END_TEST

/* ---- If-Match ---- */

struct match_case {
    const char *field;
    bool good, limited;
    const char *versions; /* "1 2" */
};
static const struct match_case matches[] = {
    {"*", true, false, ""},
    {"\"3\"", true, true, "3"},
    {"  \"3\"\t", true, true, "3"},
    {"\"1\", \"2\"", true, true, "1 2"},
    {"\"1\",\"2\"", true, true, "1 2"},
    {",, \"1\" ,,\"2\",", true, true, "1 2"},
    {"W/\"3\"", true, true, ""},
    {"W/\"3\", \"4\"", true, true, "4"},
    {"\"abc\"", true, true, ""},
    {"\"\"", true, true, ""},
    {"\"3 \"", true, true, ""},
    {"\"03\"", true, true, ""},
    {"\"-1\"", true, true, ""},
    {"\"99999999999999999999\"", true, true, ""},
    {"\"a,b\", \"5\"", true, true, "5"},
    {"", false, true, ""},
    {",", false, true, ""},
    {"3", false, true, ""},
    {"\"3", false, true, ""},
    {"\"3\" \"4\"", false, true, ""},
    {"w/\"3\"", false, true, ""},
    {"\"3\", *", false, true, ""},
    {"\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"", false, true, ""},
};

START_TEST(if_match)
{
    const struct match_case *m = &matches[_i];
    struct versions v = {.limited = false};
    char text[128] = "";
    bool good = api_if_match_parse(str_of(m->field), &v);
    ck_assert_msg(good == m->good, "%s", m->field);
    if (!good)
        return;
    for (unsigned i = 0; i < v.n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "",
                 (int)v.v[i]);
    ck_assert_msg(v.limited == m->limited, "%s", m->field);
    ck_assert_str_eq(text, m->versions);
    ck_assert_int_eq(versions_check(&v, 4),
                     !m->limited || strstr(m->versions, "4") ? ERR_OK : ERR_VERSION_MISMATCH);
}
END_TEST

/* The field as the frame takes it: absent, once, twice, malformed. */
START_TEST(if_match_field)
{
    struct http_head head = {.headers_n = 0};
    struct versions v;
    request.head = &head;
    ck_assert(api_if_match(&request, &v) == ERR_OK && !v.limited);
    head = (struct http_head){.headers_n = 1, .headers = {{STR("If-Match"), STR("\"3\"")}}};
    ck_assert(api_if_match(&request, &v) == ERR_OK && v.limited && v.n == 1 && v.v[0] == 3);
    head.headers[head.headers_n++] = (struct http_header){STR("if-match"), STR("\"4\"")};
    ck_assert_int_eq(api_if_match(&request, &v), ERR_VALIDATION);
    head = (struct http_head){.headers_n = 1, .headers = {{STR("If-Match"), STR("3")}}};
    ck_assert_int_eq(api_if_match(&request, &v), ERR_VALIDATION);
    ck_assert_uint_eq(request.faults.n, 2);
    ck_assert_str_eq(request.faults.first->pointer, "header:If-Match");
    api_etag(&request, 7);
    ck_assert_str_eq(request.resp.headers[0].value, "\"7\"");
}
END_TEST

/* ---- X-Forwarded-For ---- */

static struct cidr proxies[] = {
    {AF_INET, {10, 0, 0, 0}, 8},
    {AF_INET6, {0xfd}, 8},
};

struct forward_case {
    const char *peer, *first, *second; /* fields; NULL: absent */
    const char *want;
};
static const struct forward_case forwards[] = {
    {"192.0.2.1", NULL, NULL, "192.0.2.1"},
    {"192.0.2.1", "198.51.100.9", NULL, "192.0.2.1"}, /* nobody trusts that peer */
    {"10.0.0.1", NULL, NULL, "10.0.0.1"},
    {"10.0.0.1", "198.51.100.9", NULL, "198.51.100.9"},
    {"10.0.0.1", "203.0.113.5, 198.51.100.9", NULL,
     "198.51.100.9"}, /* the left one is the client's own claim */
    {"10.0.0.1", "203.0.113.5, 198.51.100.9, 10.1.1.1", NULL, "198.51.100.9"},
    {"10.0.0.1", "203.0.113.5", "198.51.100.9", "198.51.100.9"}, /* two fields are one list */
    {"10.0.0.1", "198.51.100.9", "10.2.2.2", "198.51.100.9"},
    {"10.0.0.1", "10.3.3.3, 10.2.2.2", NULL, "10.3.3.3"},
    {"10.0.0.1", "198.51.100.9:4711", NULL, "198.51.100.9"},
    {"10.0.0.1", "[2001:db8::9]:4711", NULL, "2001:db8::9"},
    {"10.0.0.1", "2001:DB8::9", NULL, "2001:db8::9"},
    {"fd00::1", "2001:db8::9", NULL, "2001:db8::9"},
    {"10.0.0.1", "unknown", NULL, "10.0.0.1"},
    {"10.0.0.1", "198.51.100.9, unknown", NULL, "10.0.0.1"},
    {"10.0.0.1", "198.51.100.9, unknown, 10.2.2.2", NULL, "10.2.2.2"},
    {"10.0.0.1", "", NULL, "10.0.0.1"},
    {"10.0.0.1", "198.51.100.9,", NULL, "10.0.0.1"},
    {"10.0.0.1", "198.51.100.999", NULL, "10.0.0.1"},
    {"unix", "198.51.100.9", NULL, "198.51.100.9"},
};

static const char *client_of(const struct forward_case *f)
{
    struct http_head head = {.headers_n = 0};
    const char *const values[] = {f->first, f->second};
    for (size_t i = 0; i < 2 && values[i]; i++)
        head.headers[head.headers_n++] =
            (struct http_header){STR("x-forwarded-for"), str_of(values[i])};
    return api_client_address(&cfg, arena, &head, f->peer);
}

START_TEST(client_address)
{
    cfg.server.trusted_proxies = proxies;
    cfg.server.trusted_proxies_n = ARRAY_LEN(proxies);
    ck_assert_str_eq(client_of(&forwards[_i]), forwards[_i].want);
    cfg.server.trusted_proxies_n = 0;
    ck_assert_str_eq(client_of(&forwards[_i]), forwards[_i].peer);
}
END_TEST

/* ---- bodies ---- */

START_TEST(media_types)
{
    static const char *const good[] = {
        "application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"", "application/json ; x=y"};
    static const char *const bad[] = {"",
                                      "text/json",
                                      "application/json; charset=latin1",
                                      "application/jsonx",
                                      "application/problem+json",
                                      "multipart/form-data; boundary=x",
                                      "application/json, text/plain"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(api_media_type_is_json(str_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!api_media_type_is_json(str_of(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[4 * API_JSON_DEPTH_MAX];
    memset(text, '[', sizeof text);
    ck_assert(api_json_depth_ok((struct str){text, API_JSON_DEPTH_MAX}));
    ck_assert(!api_json_depth_ok((struct str){text, API_JSON_DEPTH_MAX + 1}));
    text[0] = '"'; /* brackets in a string are none */
    ck_assert(api_json_depth_ok((struct str){text, sizeof text}));
    ck_assert(api_json_depth_ok(STR("\"\\")));
    ck_assert(api_json_depth_ok((struct str){NULL, 0}));
}
END_TEST

/* ---- problems ---- */

static json_t *problem_of(enum err e)
{
    api_problem(&request, e);
    ck_assert_str_eq(request.resp.content_type, "application/problem+json");
    json_t *doc = json_parse(arena, request.resp.body);
    ck_assert_ptr_nonnull(doc);
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "status")), request.resp.status);
    ck_assert_str_eq(json_string_value(json_object_get(doc, "type")), "about:blank");
    ck_assert_str_eq(json_string_value(json_object_get(doc, "request_id")), "unit");
    ck_assert(json_string_length(json_object_get(doc, "title")) > 0);
    return doc;
}

static const char *header(const char *name)
{
    for (size_t i = 0; i < request.resp.headers_n; i++) {
        if (strcmp(request.resp.headers[i].name, name) == 0)
            return request.resp.headers[i].value;
    }
    return "";
}

static const char *text_of(json_t *doc, const char *member)
{
    const char *z = json_string_value(json_object_get(doc, member));
    return z ? z : "";
}

START_TEST(every_error_has_an_answer)
{
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++) {
        json_t *doc = problem_of((enum err)e);
        ck_assert_int_ge(request.resp.status, 400);
        ck_assert_int_le(request.resp.status, 599);
        ck_assert_str_eq(text_of(doc, "code"), err_code(http_problem_public((enum err)e)));
        ck_assert_ptr_null(json_object_get(doc, "attempts_left"));
        ck_assert_ptr_null(json_object_get(doc, "errors"));
        if (request.resp.status == 503)
            ck_assert_int_ge(atoi(header("Retry-After")), 1);
    }
}
END_TEST

START_TEST(what_is_ours_stays_ours)
{
    ck_assert_str_eq(text_of(problem_of(ERR_DB_UNIQUE), "code"), "internal");
    ck_assert_int_eq(request.resp.status, 500);
    ck_assert_str_eq(text_of(problem_of(ERR_DB_SCHEMA), "code"), "database_unavailable");
    ck_assert_str_eq(text_of(problem_of(ERR_DB_RETRY), "code"), "database_unavailable");
}
END_TEST

START_TEST(outcomes_are_told)
{
    ck_assert_str_eq(text_of(problem_of(ERR_COMMIT_UNKNOWN), "outcome"), "unknown");
    ck_assert_str_eq(text_of(problem_of(ERR_PROVIDER_TIMEOUT), "outcome"),
                     "unknown"); /* nobody said otherwise */
    ck_assert_str_eq(text_of(problem_of(ERR_SLOT_TAKEN), "outcome"), "");
    ck_assert_int_eq(api_provider_failed(&request, ERR_PROVIDER_FAILED, false, 7),
                     ERR_PROVIDER_FAILED);
    ck_assert_str_eq(text_of(problem_of(ERR_PROVIDER_FAILED), "outcome"), "failed");
    ck_assert_str_eq(header("Retry-After"), "7");
}
END_TEST

START_TEST(members_of_a_problem)
{
    request.problem.detail = "why";
    request.problem.attempts_left = 0;
    request.problem.otp_id = "one";
    request.problem.payment_id = "two";
    request.allow = "GET, HEAD";
    api_fault(&request, "/a", "is %d", 1);
    api_fault(&request, "query:b", "is \"quoted\"");
    json_t *doc = problem_of(ERR_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(text_of(doc, "detail"), "why");
    ck_assert(json_is_integer(json_object_get(doc, "attempts_left")));
    ck_assert_str_eq(text_of(doc, "otp_id"), "one");
    ck_assert_str_eq(text_of(doc, "payment_id"), "two");
    ck_assert_str_eq(header("Allow"), "GET, HEAD");
    json_t *errors = json_object_get(doc, "errors");
    ck_assert_uint_eq(json_array_size(errors), 2);
    ck_assert_str_eq(text_of(json_array_get(errors, 1), "pointer"), "query:b");
    ck_assert_str_eq(text_of(json_array_get(errors, 1), "detail"), "is \"quoted\"");
    (void)problem_of(ERR_UNAUTHORIZED);
    ck_assert_str_eq(header("WWW-Authenticate"), "Bearer");
}
END_TEST

START_TEST(problem_bytes_for_the_dispatcher)
{
    struct str s = http_problem_bytes(arena, &(struct http_problem){.err = ERR_INTERRUPTED,
                                                                    .detail = "gone",
                                                                    .request_id = "id-1",
                                                                    .retry_after_s = 3,
                                                                    .outcome_unknown = true});
    const char *z = arena_strndup(arena, s.p, s.n);
    ck_assert_ptr_nonnull(strstr(z, "HTTP/1.1 502 "));
    ck_assert_ptr_nonnull(strstr(z, "Retry-After: 3\r\n"));
    ck_assert_ptr_nonnull(strstr(z, "X-Request-Id: id-1\r\n"));
    ck_assert_ptr_nonnull(strstr(z, "Connection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(z, "\"outcome\":\"unknown\""));
    s = http_problem_bytes(arena, &(struct http_problem){.err = ERR_OVERLOADED,
                                                         .request_id = "id-2",
                                                         .keep_alive = true,
                                                         .head_only = true});
    z = arena_strndup(arena, s.p, s.n);
    ck_assert_ptr_nonnull(strstr(z, "Retry-After: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(z, "Content-Length: "));
    ck_assert_str_eq(strstr(z, "\r\n\r\n"), "\r\n\r\n"); /* HEAD */
}
END_TEST

/* ---- routes ---- */

static enum err route(enum http_method method, const char *path)
{
    static struct http_head head;
    head = (struct http_head){.method = method, .path = str_of(path)};
    request.head = &head;
    request.allow = NULL;
    request.route = NULL;
    return api_route(&request);
}

START_TEST(routing)
{
    ck_assert_int_eq(route(HTTP_GET, "/healthz"), ERR_OK);
    ck_assert_str_eq(request.route->http.pattern, "/healthz");
    ck_assert_int_eq(route(HTTP_HEAD, "/healthz"), ERR_OK);
    ck_assert_int_eq(route(HTTP_POST, "/healthz"), ERR_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(request.allow, "GET, HEAD");
    ck_assert_uint_eq(request.row, api_route_table.n);
    ck_assert_int_eq(route(HTTP_OPTIONS, "/v1/me"), ERR_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(request.allow, "GET, HEAD, PATCH, DELETE");
    ck_assert_int_eq(route(HTTP_HEAD, "/v1/otp"), ERR_METHOD_NOT_ALLOWED);
    ck_assert_str_eq(request.allow, "POST");
    ck_assert_int_eq(route(HTTP_GET, "/healthz/"), ERR_NOT_FOUND);
    ck_assert_int_eq(route(HTTP_GET, "/"), ERR_NOT_FOUND);
    ck_assert_int_eq(route(HTTP_GET, "*"), ERR_NOT_FOUND);
    ck_assert_int_eq(route(HTTP_OTHER, "/healthz"), ERR_NOT_IMPLEMENTED);
    ck_assert_int_eq(route(HTTP_POST, "/v1/otp/x/verify"), ERR_OK);
    ck_assert(http_route_has_path(&api_route_table, STR("/v1/otp/x/verify")));
    ck_assert(!http_route_has_path(&api_route_table, STR("/v1/otp/x/verify/")));
    ck_assert_str_eq(http_route_pattern(&api_route_table, request.row), "/v1/otp/{otp_id}/verify");
    ck_assert_str_eq(http_route_pattern(&api_route_table, api_route_table.n), "none");
    th_assert_str(request.params[0], STR("x"));
}
END_TEST

START_TEST(rows_hold_together)
{
    for (size_t i = 0; i < api_route_table.n; i++) {
        const struct api_route *row = api_routes[i];
        ck_assert_ptr_nonnull(row->handler);
        ck_assert_msg(!row->members || row->input_size > 0, "%s", row->http.pattern);
        ck_assert_msg(!row->query || row->query_size > 0, "%s", row->http.pattern);
        ck_assert_msg(!row->idempotent || row->http.method == HTTP_POST, "%s", row->http.pattern);
        ck_assert_msg(row->http.success_status >= 200 && row->http.success_status < 400, "%s",
                      row->http.pattern);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(api_routes[k]->http.method != row->http.method ||
                              strcmp(api_routes[k]->http.pattern, row->http.pattern) != 0,
                          "%s twice", row->http.pattern);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api");
    TCase *c = th_case(suite, "api");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, cursor_of_another_kind_is_refused);
    tcase_add_test(c, cursor_cannot_be_bent);
    tcase_add_test(c, cursor_comes_back);
    tcase_add_loop_test(c, if_match, 0, ARRAY_LEN(matches));
    tcase_add_test(c, if_match_field);
    tcase_add_loop_test(c, client_address, 0, ARRAY_LEN(forwards));
    tcase_add_test(c, media_types);
    tcase_add_test(c, depth_is_bounded);
    tcase_add_test(c, every_error_has_an_answer);
    tcase_add_test(c, what_is_ours_stays_ours);
    tcase_add_test(c, outcomes_are_told);
    tcase_add_test(c, members_of_a_problem);
    tcase_add_test(c, problem_bytes_for_the_dispatcher);
    tcase_add_test(c, routing);
    tcase_add_test(c, rows_hold_together);
    return th_run(suite);
}
