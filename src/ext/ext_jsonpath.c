/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads values out of a provider's answer by the paths of a configuration or a driver. The grammar
 * is base/jsonpath.c's, so check-config and the runtime accept the same paths.
 */
#include "ext/ext_jsonpath.h"

#include <string.h>

#include "base/jsonpath.h"

static const json_t *jsonpath_descend(const json_t *at, const struct jsonpath_step *step)
{
    if (!step->name.p)
        return json_array_get(at, step->index);
    return json_object_getn(at, step->name.p, step->name.n);
}

const json_t *ext_jsonpath_get(const json_t *root, const char *path)
{
    struct jsonpath p = {.rest = path};
    struct jsonpath_step step;
    while (root && jsonpath_more(&p)) {
        if (!jsonpath_next(&p, &step))
            return NULL;
        root = jsonpath_descend(root, &step);
    }
    return root;
}

/* As text, whatever the type: gateways write the same code as 1, "1" or true, from one version to
 * the next. */
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
