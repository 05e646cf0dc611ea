/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * OpenAPI 3.1 to 3.0.3, for generators that know only the older one. Called by mkopenapi when the
 * program is built. Words are told from members of the same name (a schema has a property `type`)
 * by the kind of their value.
 */
#include <stddef.h>
#include <string.h>

#include "mkopenapi_lower.h"

static int mkopenapi_lower_node(json_t *node);

/* type: [string, "null"] is type: string with nullable: true. */
static int mkopenapi_lower_type(json_t *object)
{
    json_t *types = json_object_get(object, "type");
    const char *kept = NULL;
    size_t i;
    json_t *one;
    if (!json_is_array(types))
        return 0;
    json_array_foreach(types, i, one)
    {
        if (strcmp(json_string_value(one), "null") != 0)
            kept = json_string_value(one);
    }
    /* Two real types have no form in 3.0.3: none is said. The text is copied before its owner
     * goes. */
    json_t *type = json_array_size(types) == 2 && kept ? json_string(kept) : NULL;
    if (!type)
        return json_object_del(object, "type");
    return json_object_set_new(object, "type", type) ||
           json_object_set_new(object, "nullable", json_true());
}

/* Word by word: what became of it. */
static int mkopenapi_lower_words(json_t *object)
{
    json_t *value = json_object_get(object, "const");
    if (value && !json_is_object(value) &&
        (json_object_set_new(object, "enum", json_pack("[O]", value)) ||
         json_object_del(object, "const")))
        return -1;
    value = json_object_get(object, "examples");
    if (json_is_array(value) && (json_object_set(object, "example", json_array_get(value, 0)) ||
                                 json_object_del(object, "examples")))
        return -1;
    /* additionalProperties would refuse what the other parts of an allOf name */
    if (json_is_boolean(json_object_get(object, "unevaluatedProperties")))
        return json_object_del(object, "unevaluatedProperties");
    return 0;
}

/* Beside $ref nothing counts in 3.0.3: the reference moves into an allOf. */
static int mkopenapi_lower_ref(json_t *object)
{
    json_t *ref = json_object_get(object, "$ref");
    if (!json_is_string(ref) || json_object_size(object) == 1)
        return 0;
    return json_object_set_new(object, "allOf", json_pack("[{s:O}]", "$ref", ref)) ||
           json_object_del(object, "$ref");
}

static int mkopenapi_lower_object(json_t *object)
{
    const char *name;
    json_t *value;
    if (mkopenapi_lower_type(object) != 0 || mkopenapi_lower_words(object) != 0 ||
        mkopenapi_lower_ref(object) != 0)
        return -1;
    json_object_foreach(object, name, value)
    {
        if (mkopenapi_lower_node(value) != 0)
            return -1;
    }
    return 0;
}

static int mkopenapi_lower_node(json_t *node)
{
    size_t i;
    json_t *one;
    if (json_is_object(node))
        return mkopenapi_lower_object(node);
    json_array_foreach(node, i, one)
    {
        if (mkopenapi_lower_node(one) != 0)
            return -1;
    }
    return 0;
}

int mkopenapi_lower(json_t *doc)
{
    json_t *info = json_object_get(doc, "info");
    (void)json_object_del(info, "summary"); /* words of 3.1 alone */
    (void)json_object_del(json_object_get(info, "license"), "identifier");
    return json_object_set_new(doc, "openapi", json_string("3.0.3")) || mkopenapi_lower_node(doc)
               ? -1
               : 0;
}
