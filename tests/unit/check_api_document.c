/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The served API document against the table of routes and the table of errors. What handlers
 * answer beyond their frame is held against it by the system tests. */
#include <stdio.h>

#include "../../src/api/api_priv.h"
#include "../lib/th_unit.h"
#include "http/http_problem.h"

static struct arena *arena;
static json_t *doc;

static void set_up(void)
{
    arena = arena_new(65536);
    doc = json_parse(arena, (struct str){(const char *)api_openapi_doc, api_openapi_doc_len});
    ck_assert_ptr_nonnull(doc);
}

static void tear_down(void)
{
    arena_free(arena);
}

static json_t *at(json_t *node, const char *const *path)
{
    for (; node && *path; path++)
        node = json_object_get(node, *path);
    return node;
}
#define AT(node, ...) at((node), (const char *const[]){__VA_ARGS__, NULL})

static json_t *operation(const struct api_route *row)
{
    char method[16];
    snprintf(method, sizeof method, "%s", http_method_names[row->http.method]);
    for (char *m = method; *m; m++)
        *m = (char)(*m | 0x20);
    return AT(doc, "paths", row->http.pattern, method);
}

static bool listed(json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

/* The codes that an operation enumerates under a status; a reference leads to one of
 * components/responses. */
static json_t *codes_of(json_t *op, int status)
{
    char name[16];
    snprintf(name, sizeof name, "%d", status);
    json_t *response = AT(op, "responses", name);
    const char *ref = json_string_value(json_object_get(response, "$ref"));
    if (ref)
        response = AT(doc, "components", "responses", strrchr(ref, '/') + 1);
    json_t *parts = AT(response, "content", "application/problem+json", "schema", "allOf");
    return AT(json_array_get(parts, 1), "properties", "code", "enum");
}

static void must_list(const struct api_route *row, bool can, enum err e)
{
    if (can)
        ck_assert_msg(listed(codes_of(operation(row), http_problem_status(e)), err_code(e)),
                      "%s %s does not list %s", http_method_names[row->http.method],
                      row->http.pattern, err_code(e));
}

/* Each row is in the document that is served, with its success status, and says whether it wants a
 * token. */
START_TEST(routes_are_documented)
{
    for (size_t i = 0; i < api_route_table.n; i++) {
        const struct api_route *row = api_routes[i];
        char status[16];
        snprintf(status, sizeof status, "%d", row->http.success_status);
        json_t *op = operation(row);
        ck_assert_msg(op != NULL, "%s is not in doc/openapi.yaml", row->http.pattern);
        ck_assert_msg(AT(op, "responses", status) != NULL, "%s: no %s", row->http.pattern, status);
        bool secured = json_object_get(op, "security") != NULL;
        ck_assert_msg(secured == (row->auth != AUTH_NONE), "%s: security", row->http.pattern);
    }
}
END_TEST

/* What the frame answers before, around and after a handler follows from the route's row. */
START_TEST(codes_of_the_frame_are_listed)
{
    for (size_t i = 0; i < api_route_table.n; i++) {
        const struct api_route *row = api_routes[i];
        const bool json = row->body == BODY_OPTIONAL || row->body == BODY_REQUIRED;
        must_list(row, true, ERR_BAD_REQUEST);
        must_list(row, json, ERR_MALFORMED_JSON);
        must_list(row, json || !row->query_open, ERR_VALIDATION);
        must_list(row, row->auth != AUTH_NONE, ERR_UNAUTHORIZED);
        must_list(row, row->auth > AUTH_CUSTOMER, ERR_FORBIDDEN);
        must_list(row, strchr(row->http.pattern, '{') != NULL, ERR_NOT_FOUND);
        must_list(row, row->idempotent, ERR_IDEM_IN_FLIGHT);
        must_list(row, row->idempotent, ERR_IDEM_MISMATCH);
    }
}
END_TEST

/* The document names each code that a client can meet, and no other. */
START_TEST(codes_are_documented)
{
    json_t *codes = AT(doc, "components", "schemas", "Problem", "properties", "code", "examples");
    size_t public = 0;
    ck_assert_ptr_nonnull(codes);
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++) {
        if (http_problem_public((enum err)e) != (enum err)e)
            continue;
        public++;
        ck_assert_msg(listed(codes, err_code((enum err)e)), "%s is not in doc/openapi.yaml",
                      err_code((enum err)e));
    }
    ck_assert_uint_eq(json_array_size(codes), public);
}
END_TEST

/* Words of 3.1 that a reader of 3.0.3 does not know, or reads in another sense. */
static void assert_lowered(const json_t *node)
{
    size_t i;
    const char *name;
    json_t *value;
    if (json_is_object(node)) {
        ck_assert(!json_is_array(json_object_get(node, "type")));
        ck_assert(!json_is_string(json_object_get(node, "const")));
        ck_assert(!json_is_array(json_object_get(node, "examples")));
        ck_assert(!json_is_boolean(json_object_get(node, "unevaluatedProperties")));
        ck_assert(!json_is_string(json_object_get(node, "$ref")) || json_object_size(node) == 1);
    }
    json_object_foreach((json_t *)(uintptr_t)node, name, value) assert_lowered(value);
    json_array_foreach(node, i, value) assert_lowered(value);
}

START_TEST(the_older_document_says_the_same)
{
    json_t *old =
        json_parse(arena, (struct str){(const char *)api_openapi_30_doc, api_openapi_30_doc_len});
    const char *path;
    json_t *item, *note;
    ck_assert_str_eq(json_string_value(json_object_get(old, "openapi")), "3.0.3");
    assert_lowered(old);
    json_object_foreach(json_object_get(doc, "paths"), path, item)
        ck_assert_uint_eq(json_object_size(AT(old, "paths", path)), json_object_size(item));
    note = AT(old, "components", "schemas", "Booking", "properties", "note");
    ck_assert_str_eq(json_string_value(json_object_get(note, "type")), "string");
    ck_assert(json_is_true(json_object_get(note, "nullable")));
    ck_assert(json_is_string(
        AT(old, "components", "schemas", "Problem", "properties", "code", "example")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_document");
    TCase *c = th_case(suite, "api_document");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, routes_are_documented);
    tcase_add_test(c, codes_of_the_frame_are_listed);
    tcase_add_test(c, codes_are_documented);
    tcase_add_test(c, the_older_document_says_the_same);
    return th_run(suite);
}
