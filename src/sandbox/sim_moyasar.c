/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What all calls of the gateway's API share: error envelopes, and what a request carries. */
#include "sim_moyasar.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "http/http_path.h"

#define METADATA_KEYS_MAX 30
#define METADATA_KEY_MAX 40
#define METADATA_VALUE_MAX 500

/* ---- errors: {"type", "message", "errors"} ---- */

/* 400: the only status whose answers list errors. */
static void moyasar_put_errors(struct sim_request *r, struct sim_reply *out, const char *type,
                               const char *message, json_t *errors)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "type", type);
    json_put_str(r->arena, j, "message", message);
    json_put(r->arena, j, "errors", errors);
    sim_reply_json(r, out, 400, j);
}

void sim_refuse(struct sim_request *r, struct sim_reply *out, int status, const char *type,
                const char *message)
{
    moyasar_put_errors(r, out, type, message, json_null());
    out->status = status;
}

void sim_not_found(struct sim_request *r, struct sim_reply *out)
{
    sim_refuse(r, out, 404, "record_not_found", "Object not found");
}

void sim_complain(struct sim_request *r, json_t *errors, const char *field, const char *sentence)
{
    json_t *list = json_object_get(errors, field);
    if (list == NULL) {
        list = json_arr(r->arena);
        json_put(r->arena, errors, field, list);
    }
    json_push_str(r->arena, list, sentence);
}

bool sim_complained(struct sim_request *r, struct sim_reply *out, json_t *errors)
{
    if (json_object_size(errors) == 0)
        return false;
    moyasar_put_errors(r, out, "validation_error", "Validation Failed", errors);
    return true;
}

/* ---- what a request carries: JSON or a form ---- */

/* "name[key]" into an object below name, "name[]" into a list, all else as it stands. */
static void moyasar_put_field(struct sim_request *r, json_t *j, const char *name, const char *value)
{
    struct arena *a = r->arena;
    size_t head = strcspn(name, "["), n = strlen(name);
    int64_t number;
    if (name[head] != '[' || name[n - 1] != ']') {
        if (strcmp(name, "amount") == 0 && num_i64(str_of(value), &number))
            json_put_int(a, j, name, number);
        else
            json_put_str(a, j, name, value);
        return;
    }
    const char *outer = arena_strndup(a, name, head),
               *inner = arena_strndup(a, name + head + 1, n - head - 2);
    json_t *below = json_object_get(j, outer);
    if (below == NULL) {
        below = *inner == '\0' ? json_arr(a) : json_obj(a);
        json_put(a, j, outer, below);
    }
    if (json_is_array(below))
        json_push_str(a, below, value);
    else if (json_is_object(below))
        json_put_str(a, below, inner, value);
}

static json_t *moyasar_read_form(struct sim_request *r)
{
    struct http_query *q = ARENA_NEW(r->arena, struct http_query);
    if (!http_query_parse(r->arena, r->body, q))
        return NULL;
    json_t *j = json_obj(r->arena);
    for (size_t i = 0; i < q->n; i++)
        moyasar_put_field(r, j, q->items[i].name, q->items[i].value);
    return j;
}

json_t *sim_sent(struct sim_request *r, struct sim_reply *out)
{
    if (str_trim(r->body).n == 0)
        return json_obj(r->arena);
    struct str type = http_header(r->head, "Content-Type");
    bool form = str_starts(type, STR("application/x-www-form-urlencoded"));
    json_t *j = form ? moyasar_read_form(r) : json_parse(r->arena, r->body);
    if (j != NULL) /* an empty list is what some clients make of no parameters */
        return json_is_object(j) ? j : json_obj(r->arena);
    /* The one fault whose `errors` is a sentence. */
    moyasar_put_errors(r, out, "invalid_request_error", "Wrong number of parameters",
                       json_string("The body is no set of parameters."));
    return NULL;
}

const char *sim_text(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

json_t *sim_metadata(struct sim_request *r, const json_t *in, json_t *errors)
{
    json_t *metadata = json_object_get(in, "metadata"), *value;
    const char *key;
    if (metadata == NULL || json_is_null(metadata))
        return NULL;
    if (!json_is_object(metadata) || json_object_size(metadata) > METADATA_KEYS_MAX) {
        sim_complain(r, errors, "metadata", "The value must be an object of at most 30 keys.");
        return NULL;
    }
    json_object_foreach(metadata, key, value)
    {
        const char *text = json_string_value(value);
        bool scalar = text != NULL || json_is_number(value) || json_is_boolean(value);
        if (!scalar || strlen(key) > METADATA_KEY_MAX ||
            (text != NULL && str_utf8_len(str_of(text)) > METADATA_VALUE_MAX))
            sim_complain(r, errors, "metadata",
                         "A key has at most 40 characters, a value at most 500.");
    }
    return json_object_size(metadata) > 0 ? metadata : NULL;
}
