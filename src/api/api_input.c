/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a request brings along, checked before its handler runs: identifiers, media type, JSON,
 * schema, Idempotency-Key. Called by api.c. A handler reads structs whose members are known to be
 * valid.
 */
#include "api_priv.h"

/* Parameters called "..._id" are identifiers; one that cannot be any names nothing. */
static enum err api_input_path_ids(struct api_request *r)
{
    for (size_t i = 0; i < HTTP_PARAMS_MAX && r->params[i].p; i++) {
        struct str name = http_path_param_name(r->route->http.pattern, i);
        const char *text;
        if (!http_segment_decode(r->svc.arena, r->params[i], &text))
            return ERR_NOT_FOUND;
        r->params[i] = str_of(text);
        bool is_id = name.n > 3 && memcmp(name.p + name.n - 3, "_id", 3) == 0;
        if (is_id && !uuid_parse(r->params[i], &r->ids[i]))
            return ERR_NOT_FOUND;
    }
    return ERR_OK;
}

/* RFC 8259 8.1: JSON is UTF-8; another charset is refused instead of misread. */
bool api_media_type_is_json(struct str value)
{
    struct str rest = value;
    if (!str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json")))
        return false;
    while (rest.p) {
        struct str param = str_trim(str_cut(&rest, ';'));
        struct str text = param;
        struct str name = str_trim(str_cut(&text, '='));
        if (!str_eq_nocase(name, STR("charset")))
            continue;
        text = str_trim(text);
        if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
            text = (struct str){text.p + 1, text.n - 2};
        if (!str_eq_nocase(text, STR("utf-8")))
            return false;
    }
    return true;
}

/* Before the parser: jansson's recursion would use the stack by the client's choice. */
bool api_json_depth_ok(struct str text)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > API_JSON_DEPTH_MAX)
                return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* A PATCH without members would change nothing and still raise the version, so it is a fault. */
static enum err api_input_schema(struct api_request *r)
{
    if (!r->route->members)
        return ERR_OK;
    const struct schema schema = {r->route->members, r->route->partial};
    bool good = schema_read_object(&schema, r->json, r->input, "", &r->faults);
    if (good && r->route->partial && json_object_size(r->json) == 0) {
        api_fault(r, "", "must have at least one member");
        good = false;
    }
    return good ? ERR_OK : ERR_VALIDATION;
}

/* Encoded bodies are not decoded: a small one may become a huge one (RFC 9110 15.5.16). */
static bool api_input_is_encoded(const struct api_request *r)
{
    return r->raw_body.n > 0 && http_header_count(r->head, "Content-Encoding") > 0 &&
           !str_eq_nocase(http_header(r->head, "Content-Encoding"), STR("identity"));
}

/* In this order: encoding, media type, depth, JSON, card numbers, schema. Each step protects the
 * next. */
static enum err api_input_body(struct api_request *r)
{
    const struct api_route *route = r->route;
    if (route->input_size)
        r->input = arena_alloc(r->svc.arena, route->input_size);
    if (route->body != BODY_NONE && api_input_is_encoded(r)) {
        r->problem.detail = "The body must not be encoded.";
        r->accept_encoding = "identity";
        return ERR_UNSUPPORTED_MEDIA_TYPE;
    }
    if (route->body == BODY_NONE || route->body == BODY_ANY ||
        (route->body == BODY_OPTIONAL && r->raw_body.n == 0))
        return ERR_OK;
    size_t types = http_header_count(r->head, "Content-Type");
    /* Neither a type nor a body: the schema's "must be an object" would hide what is missing. */
    bool absent = types == 0 && r->raw_body.n == 0;
    if (!absent && (types != 1 || !api_media_type_is_json(http_header(r->head, "Content-Type"))))
        return ERR_UNSUPPORTED_MEDIA_TYPE;
    if (!api_json_depth_ok(r->raw_body))
        return ERR_MALFORMED_JSON;
    r->json = json_parse(r->svc.arena, r->raw_body);
    if (!r->json)
        return ERR_MALFORMED_JSON;
    /* Before the schema, whose faults may tell a member's name. */
    return api_card_free(r->json, &r->faults) ? api_input_schema(r) : ERR_VALIDATION;
}

/* The key is only read here; api_idem.c looks whether it was used before. */
static enum err api_input_idem_key(struct api_request *r)
{
    size_t n = http_header_count(r->head, "Idempotency-Key");
    if (!r->route->idempotent || n == 0)
        return ERR_OK;
    struct str key = http_header(r->head, "Idempotency-Key");
    if (n != 1 || !idem_key_valid(key)) {
        api_fault(r, "header:Idempotency-Key",
                  "must be one field of 1 to %d visible ASCII characters", IDEM_KEY_MAX);
        return ERR_VALIDATION;
    }
    struct api_idem *idem = &r->api->idem;
    memcpy(idem->claim.key, key.p, key.n);
    idem->claim.key[key.n] = '\0';
    r->idem = idem;
    return ERR_OK;
}

/*
 * Faults of the schema's kind are all told at once; any other ends the search. The key comes first:
 * a refusal is an outcome too, and is stored under it.
 */
enum err api_input(struct api_request *r)
{
    static enum err (*const steps[])(struct api_request * r) = {
        api_input_idem_key, api_input_path_ids, api_input_body, api_query};
    enum err first = ERR_OK;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        enum err e = steps[i](r);
        if (e != ERR_OK && e != ERR_VALIDATION)
            return e;
        if (first == ERR_OK)
            first = e;
    }
    return first;
}
