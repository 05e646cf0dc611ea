/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "../lib/th_unit.h"
#include "sys/json.h"
#include "sys/schema.h"

static struct arena *a;

static void open_arena(void)
{
    a = arena_new(4096);
}

static void close_arena(void)
{
    arena_free(a);
}

/* ---- parsing ---- */

START_TEST(texts_that_are_one_json_value)
{
    static const struct str good[] = {
        STR("{}"),
        STR(" [1, 2] "),
        STR("null"),
        STR("\"a\""),
        STR("1e2"),
        STR("\"\\u0000\""),
        STR("\"\\ud83d\\ude00\""),
        STR("{\"a\":{\"a\":1}}"),
        STR("\n\t\r {}\n"),
        STR("-0"),
        STR("99999999999999999999"),
    };
    static const struct str bad[] = {
        STR(""),
        STR(" "),
        STR("{"),
        STR("{}{}"),
        STR("{} x"),
        STR("{'a':1}"),
        STR("{a:1}"),
        STR("[1,]"),
        STR("{\"a\":1,}"),
        STR("\"\xff\""),
        STR("\"\xed\xa0\x80\""),
        STR("\"\\ud800\""),
        STR("\"a\nb\""),
        STR("\"\0\""),
        STR("01"),
        STR("+1"),
        STR(".5"),
        STR("NaN"),
        STR("Infinity"),
        STR("// x\n{}"),
        STR("{\"a\":1,\"a\":2}"),
        STR("\xef\xbb\xbf{}"),
        STR("tru"),
        STR("{\"a\\u0000\":1}"),
        STR("{}\0"),
        STR("1e999"),
        STR("[\"\\x41\"]"),
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(json_parse(a, good[i]) != NULL, "refused: %.*s", STR_ARG(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(json_parse(a, bad[i]) == NULL, "taken: %.*s", STR_ARG(bad[i]));
    ck_assert_ptr_null(json_parse(a, (struct str){NULL, 0}));
}
END_TEST

START_TEST(depth_is_bounded)
{
    static char deep[200000];
    memset(deep, '[', sizeof deep);
    ck_assert_ptr_null(json_parse(a, (struct str){deep, sizeof deep}));
    memset(deep, ']', 4000);
    memset(deep, '[', 2000);
    ck_assert_ptr_nonnull(json_parse(a, (struct str){deep, 4000}));
}
END_TEST

/* ---- schemas ---- */

struct thing {
    const char *s;
    int64_t i;
    bool b;
    struct uuid u;
    struct wall t;
    int l, e;
    json_t *arr, *obj;
    const char *n;
    bool has_s, has_n;
};
static const char *const colours[] = {"red", "green", NULL};
static const struct schema_row members[] = {
    {SCHEMA_STRING(struct thing, s, 1, 5), .required = true, SCHEMA_HAS(struct thing, has_s)},
    {SCHEMA_INT(struct thing, i, -1, 10)},
    {SCHEMA_BOOL(struct thing, b)},
    {SCHEMA_UUID(struct thing, u)},
    {SCHEMA_TIME(struct thing, t)},
    {SCHEMA_LOCALE(struct thing, l)},
    {SCHEMA_ENUM(struct thing, e, colours)},
    {SCHEMA_ARRAY(struct thing, arr, 1, 2)},
    {SCHEMA_OBJECT(struct thing, obj)},
    {SCHEMA_STRING(struct thing, n, 0, 0), .nullable = true, SCHEMA_HAS(struct thing, has_n)},
    SCHEMA_END,
};

static bool read_text(const char *text, struct thing *out, const char *base, struct faults *f)
{
    json_t *j = json_parse(a, str_of(text));
    ck_assert_msg(j != NULL, "%s", text);
    memset(out, 0, sizeof *out);
    faults_init(f, a);
    return schema_read_object(&(struct schema){.rows = members}, j, out, base, f);
}

START_TEST(a_whole_object)
{
    struct thing v;
    struct faults f;
    ck_assert(read_text("{\"s\":\"\\u0645\\u0631\\u062d\\u0628\\u0627\",\"i\":-1,\"b\":true,"
                        "\"u\":\"0190A3C4-0000-7000-8000-0123456789AB\",\"t\":\"1970-01-01T03:00:"
                        "01+03:00\",\"l\":\"en\","
                        "\"e\":\"green\",\"arr\":[1],\"obj\":{\"x\":1},\"n\":null}",
                        &v, "", &f));
    ck_assert_uint_eq(f.n, 0);
    ck_assert_str_eq(v.s, "مرحبا"); /* five characters, ten bytes */
    ck_assert_int_eq(v.i, -1);
    ck_assert(v.b);
    ck_assert_str_eq(v.u.s, "0190a3c4-0000-7000-8000-0123456789ab");
    ck_assert_int_eq(v.t.us, 1000000);
    ck_assert_int_eq(v.l, 1);
    ck_assert_int_eq(v.e, 1);
    ck_assert_uint_eq(json_array_size(v.arr), 1);
    ck_assert_uint_eq(json_object_size(v.obj), 1);
    ck_assert(v.has_s && !v.has_n && v.n == NULL);
    ck_assert(read_text("{\"s\":\"a\",\"i\":2.0,\"n\":\"\"}", &v, "", &f));
    ck_assert_int_eq(v.i, 2);
    ck_assert(v.has_n);
    ck_assert_str_eq(v.n, "");
}
END_TEST

START_TEST(one_fault_a_breach)
{
    static const struct {
        const char *text, *pointer, *detail;
    } rows[] = {
        {"{}", "/x/s", "is required"},
        {"[]", "/x", "must be an object"},
        {"null", "/x", "must be an object"},
        {"{\"s\":null}", "/x/s", "must not be null"},
        {"{\"s\":1}", "/x/s", "must be a string"},
        {"{\"s\":\"\"}", "/x/s", "must have 1 to 5 characters"},
        {"{\"s\":\"abcdef\"}", "/x/s", "must have 1 to 5 characters"},
        {"{\"s\":\"a\\u0000\"}", "/x/s", "must not contain a NUL character"},
        {"{\"s\":\"a\",\"i\":\"1\"}", "/x/i", "must be an integer"},
        {"{\"s\":\"a\",\"i\":1.5}", "/x/i", "must be an integer"},
        {"{\"s\":\"a\",\"i\":1e300}", "/x/i", "must be an integer"},
        {"{\"s\":\"a\",\"i\":99999999999999999999}", "/x/i", "must be an integer"},
        {"{\"s\":\"a\",\"i\":11}", "/x/i", "must be -1 to 10"},
        {"{\"s\":\"a\",\"i\":-2}", "/x/i", "must be -1 to 10"},
        {"{\"s\":\"a\",\"i\":true}", "/x/i", "must be an integer"},
        {"{\"s\":\"a\",\"b\":1}", "/x/b", "must be true or false"},
        {"{\"s\":\"a\",\"u\":\"x\"}", "/x/u", "must be a UUID"},
        {"{\"s\":\"a\",\"u\":5}", "/x/u", "must be a UUID"},
        {"{\"s\":\"a\",\"t\":\"2026-01-01T00:00:00\"}", "/x/t",
         "must be an RFC 3339 date-time with an offset"},
        {"{\"s\":\"a\",\"t\":\"2026-01-01T00:00:00Z\\u0000\"}", "/x/t",
         "must be an RFC 3339 date-time with an offset"},
        {"{\"s\":\"a\",\"l\":\"fr\"}", "/x/l", "must be one of \"ar\", \"en\""},
        {"{\"s\":\"a\",\"e\":\"blue\"}", "/x/e", "must be one of \"red\", \"green\""},
        {"{\"s\":\"a\",\"e\":\"red\\u0000\"}", "/x/e", "must be one of \"red\", \"green\""},
        {"{\"s\":\"a\",\"e\":0}", "/x/e", "must be one of \"red\", \"green\""},
        {"{\"s\":\"a\",\"arr\":{}}", "/x/arr", "must be an array"},
        {"{\"s\":\"a\",\"arr\":[]}", "/x/arr", "must have 1 to 2 items"},
        {"{\"s\":\"a\",\"arr\":[1,2,3]}", "/x/arr", "must have 1 to 2 items"},
        {"{\"s\":\"a\",\"obj\":[]}", "/x/obj", "must be an object"},
        {"{\"s\":\"a\",\"S\":1}", "/x/S", "is not a known member"},
        {"{\"s\":\"a\",\"\":1}", "/x/", "is not a known member"},
        {"{\"s\":\"a\",\"a/b~c\":1}", "/x/a~1b~0c", "is not a known member"},
    };
    struct thing v;
    struct faults f;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_msg(!read_text(rows[i].text, &v, "/x", &f), "taken: %s", rows[i].text);
        ck_assert_uint_eq(f.n, 1);
        ck_assert_str_eq(f.first->pointer, rows[i].pointer);
        ck_assert_str_eq(f.first->detail, rows[i].detail);
        ck_assert_ptr_null(f.first->next);
    }
}
END_TEST

START_TEST(all_breaches_at_once_but_not_endlessly)
{
    struct thing v;
    struct faults f;
    ck_assert(!read_text("{\"i\":11,\"b\":0,\"zz\":1}", &v, "", &f));
    ck_assert_uint_eq(f.n, 4);
    ck_assert_str_eq(f.first->pointer, "/s");
    ck_assert_str_eq(f.first->next->next->next->pointer, "/zz");
    struct sb b;
    sb_init(&b, a, 64);
    sb_puts(&b, "{\"s\":\"a\"");
    for (int i = 0; i < 100; i++)
        sb_printf(&b, ",\"k%d\":1", i);
    sb_puts(&b, "}");
    ck_assert(!read_text(sb_str(&b).p, &v, "", &f));
    ck_assert_uint_eq(f.n, FAULTS_MAX);
}
END_TEST

START_TEST(long_names_are_cut_at_a_character)
{
    char name[200];
    memset(name, 'k', sizeof name);
    name[63] = '\xd9'; /* two bytes, the second is number 65 */
    name[64] = '\x85';
    name[150] = '\0';
    const char *p = fault_pointer(a, "/x", name);
    ck_assert_uint_eq(strlen(p), 3 + 63);
    ck_assert(str_utf8_valid(str_of(p)));
    ck_assert_str_eq(fault_pointer_index(a, "/x", 7), "/x/7");
}
END_TEST

START_TEST(items_of_an_array)
{
    static const struct schema_row item = {.type = SCHEMA_TYPE_INT, .min = 0, .max = 6};
    json_t *j = json_parse(a, STR("[0, 6, 7, \"x\", null]"));
    struct faults f;
    int64_t v[5] = {-1, -1, -1, -1, -1};
    faults_init(&f, a);
    for (size_t i = 0; i < 5; i++)
        ck_assert(schema_read_json(&item, json_array_get(j, i), &v[i],
                                   fault_pointer_index(a, "/days", i), &f) == (i < 2));
    ck_assert_int_eq(v[1], 6);
    ck_assert_int_eq(v[2], -1);
    ck_assert_uint_eq(f.n, 3);
    ck_assert_str_eq(f.first->pointer, "/days/2");
}
END_TEST

/* A row that does not name a flag writes none, least of all into the first byte of the struct. */
START_TEST(a_row_without_a_flag_writes_none)
{
    struct flagless {
        unsigned char first;
        int64_t n;
    } v = {.first = 7};
    static const struct schema_row rows[] = {
        {.name = "n", .type = SCHEMA_TYPE_INT, .offset = offsetof(struct flagless, n)},
        SCHEMA_END,
    };
    struct faults f;
    faults_init(&f, a);
    ck_assert(schema_read_object(&(struct schema){.rows = rows}, json_parse(a, STR("{\"n\": 5}")),
                                 &v, "", &f));
    ck_assert_int_eq(v.n, 5);
    ck_assert_uint_eq(v.first, 7);
}
END_TEST

START_TEST(nothing_is_required_of_a_part)
{
    struct thing v = {.i = 0};
    struct faults f;
    faults_init(&f, a);
    ck_assert(schema_read_object(&(struct schema){.rows = members, .partial = true},
                                 json_parse(a, STR("{\"i\": 5}")), &v, "", &f));
    ck_assert_int_eq(v.i, 5);
    ck_assert(!v.has_s);
}
END_TEST

/* The rows that read JSON read queries. */
START_TEST(text_by_the_same_rows)
{
    static const struct {
        const char *name, *text, *detail; /* NULL: taken */
    } cases[] = {
        {"s", "abc", NULL},
        {"s", "", "must have 1 to 5 characters"},
        {"i", "10", NULL},
        {"i", "2.0", "must be an integer"},
        {"i", "", "must be an integer"},
        {"i", "11", "must be -1 to 10"},
        {"b", "true", NULL},
        {"b", "1", "must be true or false"},
        {"u", "0190a3c4-0000-7000-8000-0123456789ab", NULL},
        {"u", "x", "must be a UUID"},
        {"t", "1970-01-01T00:00:01Z", NULL},
        {"t", "1970", "must be an RFC 3339 date-time with an offset"},
        {"l", "en", NULL},
        {"e", "green", NULL},
        {"e", "", "must be one of \"red\", \"green\""},
    };
    struct thing v = {.i = 0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct schema_row *row = schema_find(members, cases[i].name);
        struct faults f;
        faults_init(&f, a);
        bool good = schema_read_text(row, str_of(cases[i].text), &v, "query:x", &f);
        ck_assert_msg(good == !cases[i].detail, "%s=%s", cases[i].name, cases[i].text);
        if (!good)
            ck_assert_str_eq(f.first->detail, cases[i].detail);
    }
    ck_assert(v.has_s && v.b);
    ck_assert_str_eq(v.s, "abc");
    ck_assert_int_eq(v.i, 10);
    ck_assert_int_eq(v.t.us, 1000000);
    ck_assert_int_eq(v.l, 1);
    ck_assert_int_eq(v.e, 1);
}
END_TEST

/* ---- building ---- */

START_TEST(building)
{
    json_t *top = json_obj(a), *list = json_arr(a), *inner = json_obj(a);
    json_put_str(a, top, "s", "a\"\n\xd9\x85");
    json_put_str(a, top, "null", NULL);
    json_put_int(a, top, "i", INT64_MIN);
    json_put_bool(a, top, "b", false);
    json_put_null(a, top, "n");
    json_put_time(a, top, "t", (struct wall){1000000});
    json_push(a, list, json_integer(1));
    json_push_str(a, list, "x");
    json_push(a, list, inner);
    json_push(a, list, inner); /* twice is fine: the arena owns it */
    json_put(a, top, "list", list);
    json_put_str(a, top, "bad",
                 "a\xff"
                 "b\xed\xa0\x80");
    th_assert_str(
        json_text(a, top),
        STR("{\"s\":\"a\\\"\\n\xd9\x85\",\"null\":null,\"i\":-9223372036854775808,\"b\":false,"
            "\"n\":null,"
            "\"t\":\"1970-01-01T00:00:01Z\",\"list\":[1,\"x\",{},{}],\"bad\":\"a?b???\"}"));
    th_assert_str(json_text(a, json_adopt(a, json_string("x"))), STR("\"x\""));
}
END_TEST

/* The same bytes as jansson writes, which other programs have stored and compared. */
START_TEST(text_is_what_jansson_writes)
{
    static const struct str texts[] = {
        STR("{}"),
        STR("[]"),
        STR("[[],{},[{}],null,true,false]"),
        STR("{\"b\":1,\"a\":[2,-3,9223372036854775807,-9223372036854775808,0],\"\":{\"x\":null}}"),
        STR("[1.5,-0.0,1e300,0.1,123456789012345680000.0]"),
        STR("\"\""),
        STR("\"plain\""),
        STR("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""),
        STR("\"\\u0000 in the middle\""),
        STR("\"\xd8\xb1 \xf0\x9f\x98\x80 \\ud83d\\ude00\""),
        STR("{\"a\\\"b\\n\":\"\\\"\"}"),
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const json_t *j = json_parse(a, texts[i]);
        ck_assert_ptr_nonnull(j);
        char *want = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
        th_assert_str(json_text(a, j), str_of(want));
        free(want);
    }
}
END_TEST

START_TEST(no_memory_takes_the_arenas_way)
{
    jmp_buf oom;
    volatile bool jumped = false;
    if (setjmp(oom) == 0) {
        arena_on_oom(a, &oom);
        json_adopt(a, NULL);
        ck_abort_msg("came back");
    }
    jumped = true;
    ck_assert(jumped);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *c = th_case(s, "json");

    tcase_add_checked_fixture(c, open_arena, close_arena);
    tcase_add_test(c, texts_that_are_one_json_value);
    tcase_add_test(c, depth_is_bounded);
    tcase_add_test(c, a_whole_object);
    tcase_add_test(c, one_fault_a_breach);
    tcase_add_test(c, all_breaches_at_once_but_not_endlessly);
    tcase_add_test(c, long_names_are_cut_at_a_character);
    tcase_add_test(c, items_of_an_array);
    tcase_add_test(c, a_row_without_a_flag_writes_none);
    tcase_add_test(c, nothing_is_required_of_a_part);
    tcase_add_test(c, text_by_the_same_rows);
    tcase_add_test(c, building);
    tcase_add_test(c, text_is_what_jansson_writes);
    tcase_add_test(c, no_memory_takes_the_arenas_way);
    return th_run(s);
}
