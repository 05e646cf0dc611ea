/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "ext/ext_jsonpath.h"

#include <string.h>

#include "base/num.h"

/* One step: a member name or an index. */
struct step {
    struct str name; /* absent: index */
    int64_t index;
};

/* Cuts the next step off *path; false when the rest has no valid form. `first`: no dot before a
 * name. */
static bool next_step(const char **path, bool first, struct step *out)
{
    const char *p = *path;
    *out = (struct step){0};
    if (*p == '[') {
        size_t n = strcspn(p + 1, "]");
        *path = p + 1 + n + 1;
        return p[1 + n] == ']' && num_range((struct str){p + 1, n}, 0, INT32_MAX, &out->index);
    }
    if (!first && *p++ != '.')
        return false;
    size_t n = strcspn(p, ".[]");
    out->name = (struct str){p, n};
    *path = p + n;
    return n > 0 && p[n] != ']';
}

bool ext_jsonpath_valid(const char *path)
{
    struct step step;
    bool first = true;
    do {
        if (!next_step(&path, first, &step))
            return false;
        first = false;
    } while (*path);
    return true;
}

static const json_t *descend(const json_t *at, const struct step *step)
{
    if (!step->name.p)
        return json_array_get(at, (size_t)step->index);
    return json_object_getn(at, step->name.p, step->name.n);
}

const json_t *ext_jsonpath_get(const json_t *root, const char *path)
{
    struct step step;
    bool first = true;
    while (root && (first || *path)) {
        if (!next_step(&path, first, &step))
            return NULL;
        root = descend(root, &step);
        first = false;
    }
    return root;
}

const char *ext_json_text(struct arena *a, const json_t *v)
{
    if (!v)
        return NULL;
    switch (json_typeof(v)) {
    case JSON_STRING:
        /* a NUL inside would make "M0000\0..." equal to "M0000" */
        if (strlen(json_string_value(v)) != json_string_length(v))
            return NULL;
        return arena_strdup(a, json_string_value(v));
    case JSON_INTEGER:
        return arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    case JSON_REAL:
        return arena_printf(a, "%.15g", json_real_value(v));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "";
    case JSON_ARRAY:
        return json_array_size(v) == 0 ? "" : NULL;
    case JSON_OBJECT:
        return json_object_size(v) == 0 ? "" : NULL;
    }
    return NULL;
}
