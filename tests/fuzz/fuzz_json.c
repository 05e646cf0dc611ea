/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of any bytes against a schema of every type: strings that are taken are text, and printing
 * parses again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/ensure.h"
#include "sys/json.h"
#include "sys/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct thing {
    const char *s;
    int64_t i;
    bool b;
    struct uuid u;
    struct wall t;
    int l, e;
    json_t *arr, *obj;
};

static const char *const colours[] = {"red", "green", NULL};
static const struct schema_row rows[] = {
    {SCHEMA_STRING(struct thing, s, 1, 8), .nullable = true},
    {SCHEMA_INT(struct thing, i, -5, 5), .nullable = true},
    {SCHEMA_BOOL(struct thing, b), .nullable = true},
    {SCHEMA_UUID(struct thing, u), .nullable = true},
    {SCHEMA_TIME(struct thing, t), .nullable = true},
    {SCHEMA_LOCALE(struct thing, l), .nullable = true},
    {SCHEMA_ENUM(struct thing, e, colours), .nullable = true},
    {SCHEMA_ARRAY(struct thing, arr, 1, 3), .nullable = true},
    {SCHEMA_OBJECT(struct thing, obj), .nullable = true},
    SCHEMA_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(4096);
    struct thing v;
    struct faults f;
    ENSURE(a);
    faults_init(&f, a);
    for (const struct schema_row *row = rows; size > 0 && row->type < SCHEMA_TYPE_ARRAY; row++) {
        const struct str text = {(const char *)data, size};
        if (!str_utf8_valid(text)) /* what is no text never gets this far */
            break;
        const unsigned before = f.n;
        memset(&v, 0, sizeof v);
        ENSURE(schema_read_text(row, text, &v, "query:x", &f) == (f.n == before));
    }
    json_t *j = json_parse(a, (struct str){(const char *)data, size});
    if (j) {
        struct str text = json_text(a, j);
        json_t *again = json_parse(a, text);
        ENSURE(again && str_utf8_valid(text));
        memset(&v, 0, sizeof v);
        faults_init(&f, a);
        bool good = schema_read_object(&(struct schema){.rows = rows}, j, &v, "", &f);
        ENSURE(good == (f.n == 0) && f.n <= FAULTS_MAX);
        ENSURE(!v.s || (str_utf8_valid(str_of(v.s)) && str_utf8_len(str_of(v.s)) <= 8));
        ENSURE(v.i >= -5 && v.i <= 5);
        for (const struct fault *one = f.first; one; one = one->next)
            ENSURE(str_utf8_valid(str_of(one->pointer)) && *one->detail);
    }
    arena_free(a);
    return 0;
}
