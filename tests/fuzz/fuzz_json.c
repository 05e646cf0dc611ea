/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of any bytes against a schema of every type: strings that are taken are text, and printing
 * parses again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/ensure.h"
#include "sys/json.h"

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

#define MEMBER(name_, type_, min_, max_)                                                       \
    {                                                                                          \
        .name = #name_, .type = (type_), .nullable = true, .min = (min_), .max = (max_),       \
        .values = colours, .offset = offsetof(struct thing, name_), .present = JSON_NO_PRESENT \
    }

static const char *const colours[] = {"red", "green", NULL};
static const struct json_member members[] = {
    MEMBER(s, J_STRING, 1, 8), MEMBER(i, J_INT, -5, 5),    MEMBER(b, J_BOOL, 0, 0),
    MEMBER(u, J_UUID, 0, 0),   MEMBER(t, J_TIME, 0, 0),    MEMBER(l, J_LOCALE, 0, 0),
    MEMBER(e, J_ENUM, 0, 0),   MEMBER(arr, J_ARRAY, 1, 3), MEMBER(obj, J_OBJECT, 0, 0),
    JSON_MEMBERS_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(4096);
    struct thing v;
    struct faults f;
    ENSURE(a);
    json_t *j = json_parse(a, (struct str){(const char *)data, size});
    if (j) {
        struct str text = json_text(a, j);
        json_t *again = json_parse(a, text);
        ENSURE(again && str_utf8_valid(text));
        memset(&v, 0, sizeof v);
        faults_init(&f, a);
        bool good = json_read(j, members, &v, "", &f);
        ENSURE(good == (f.n == 0) && f.n <= FAULTS_MAX);
        ENSURE(!v.s || (str_utf8_valid(str_of(v.s)) && str_utf8_len(str_of(v.s)) <= 8));
        ENSURE(v.i >= -5 && v.i <= 5);
        for (const struct fault *one = f.first; one; one = one->next)
            ENSURE(str_utf8_valid(str_of(one->pointer)) && *one->detail);
    }
    arena_free(a);
    return 0;
}
