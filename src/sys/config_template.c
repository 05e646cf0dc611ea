/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Keys of the templated `http` provider. */
#include "base/chars.h"
#include "base/jsonpath.h"
#include "base/names.h"
#include "base/num.h"
#include "base/template.h"
#include "config_priv.h"

static const char *const placeholders[] = {"to", "text", "sender", "id", NULL};

/* ---- placeholders ---- */

bool config_placeholders(struct loader *l, const struct node *n, const char *text,
                         const char *const *names, bool strict)
{
    for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
        struct str word = template_placeholder(p);
        if (name_find(names, NAMES_UNTIL_NULL, word) >= 0 || (word.n == 0 && !strict))
            continue;
        struct sb b;
        sb_init(&b, l->scratch, 128);
        for (size_t i = 0; names[i]; i++)
            sb_printf(&b, " {%s}", names[i]);
        if (word.n)
            config_fault(l, n, "unknown placeholder {%.*s}; known:%.*s", STR_ARG(word),
                         STR_ARG(sb_str(&b)));
        else
            config_fault(l, n, "has a '{' that begins no placeholder; known:%.*s",
                         STR_ARG(sb_str(&b)));
        return false;
    }
    return true;
}

/* ---- templates ---- */

/* Text, maybe a secret, with known placeholders; NULL after a fault. */
static const char *template_text(const struct slot *s, const struct node *n)
{
    const char *text = config_secret(s->l, n);
    if (!text || !config_placeholders(s->l, n, text, placeholders, false))
        return NULL;
    if (!str_utf8_valid(str_of(text))) {
        config_fault(s->l, n, "must be UTF-8");
        return NULL;
    }
    return text;
}

void config_read_template(const struct slot *s)
{
    const char *text = template_text(s, s->node);
    if (text)
        slot_set(s, &text, sizeof text);
}

void config_read_path(const struct slot *s)
{
    const char *text = template_text(s, s->node);
    if (!text)
        return;
    bool good = text[0] == '/';
    for (const char *p = text; *p; p++)
        good &= (unsigned char)*p > 0x20 && (unsigned char)*p < 0x7F && *p != '#';
    if (good)
        slot_set(s, &text, sizeof text);
    else
        config_fault(s->l, s->node,
                     "must start with / and have no spaces, no # and nothing beyond ASCII");
}

/* Those say where a message ends or who it is for, and are ours. */
static bool is_framing(struct str name)
{
    static const char *const ours[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "expect",         "content-type",
                                       "te",         "upgrade",        "trailer"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (str_eq_nocase(name, str_of(ours[i])))
            return true;
    return false;
}

static bool read_header(const struct slot *s, const struct node *n, struct config_pair *out)
{
    struct str name = str_of(n->key);
    if (!chars_all(name, char_is_token))
        config_fault_key(s->l, n, "is no header name");
    else if (str_eq_nocase(name, STR("content-type")))
        config_fault_key(s->l, n, "is given by content_type");
    else if (is_framing(name))
        config_fault_key(s->l, n, "is not for a template to set");
    else {
        out->key = arena_strdup(s->l->arena, n->key);
        out->value = template_text(s, n);
        if (out->value && chars_have_control(str_of(out->value)))
            config_fault(s->l, n, "must not contain line breaks or control characters");
        return out->value != NULL;
    }
    return false;
}

void config_read_headers(const struct slot *s)
{
    if (s->node->kind != NODE_MAP) {
        config_fault(s->l, s->node, "must be a mapping of header names to templates");
        return;
    }
    if ((int64_t)s->node->n > s->key->max) {
        config_fault(s->l, s->node, "must have at most %lld entries", (long long)s->key->max);
        return;
    }
    struct config_pair *headers = arena_array(s->l->arena, s->node->n, sizeof *headers);
    size_t n = 0;
    for (const struct node *item = s->node->first; item; item = item->next)
        n += read_header(s, item, &headers[n]);
    slot_set_list(s, headers, n);
}

void config_read_method(const struct slot *s)
{
    static const char *const values[] = {"GET", "POST", "PUT", NULL};
    int v = config_choice(s->l, s->node, values);
    if (v >= 0)
        slot_set(s, &values[v], sizeof values[v]);
}

void config_read_media_type(const struct slot *s)
{
    const char *text = slot_scalar(s, "a media type like application/json");
    if (!text)
        return;
    struct str params = str_of(text), whole = str_cut(&params, ';'), subtype = whole,
               type = str_cut(&subtype, '/');
    if (!chars_all(type, char_is_token) || !chars_all(str_trim(subtype), char_is_token) ||
        chars_have_control(str_of(text))) {
        config_fault(s->l, s->node, "must be a media type like application/json");
        return;
    }
    text = arena_strdup(s->l->arena, text);
    slot_set(s, &text, sizeof text);
}

/* ---- success ---- */

static bool read_status(const struct slot *s, const struct node *n, int *out)
{
    int64_t v;
    bool good = n->kind == NODE_SCALAR && !n->quoted && num_range(str_of(n->text), 100, 599, &v);
    if (good)
        *out = (int)v;
    else if (n->kind != NODE_REFUSED)
        config_fault(s->l, n, "must be an HTTP status, 100 to 599");
    return good;
}

void config_read_status(const struct slot *s)
{
    bool one = s->node->kind == NODE_SCALAR;
    if (!one && !slot_list(s, "an HTTP status or a list of them"))
        return;
    int *statuses = arena_array(s->l->arena, one ? 1 : s->node->n, sizeof *statuses);
    size_t n = 0;
    if (one)
        n += read_status(s, s->node, &statuses[0]);
    else
        for (const struct node *item = s->node->first; item; item = item->next)
            n += read_status(s, item, &statuses[n]);
    slot_set_list(s, statuses, n);
}

/* The grammar of the runtime; and no control characters, which no provider's names have. */
static bool json_path_valid(const char *text)
{
    return jsonpath_valid(text) && !chars_have_control(str_of(text));
}

static const char *one_value(const struct slot *s, const struct node *n)
{
    if (n->kind == NODE_SCALAR)
        return arena_strdup(s->l->arena, n->text);
    if (n->kind != NODE_REFUSED)
        config_fault(s->l, n, "must be a value like ok, 1 or true, or a list of them");
    return NULL;
}

static bool read_rule(const struct slot *s, const struct node *n, struct config_success *out)
{
    bool list = n->kind == NODE_LIST;
    size_t count = list ? n->n : 1;
    const char **values = arena_array(s->l->arena, count, sizeof *values);
    if (!json_path_valid(n->key)) {
        config_fault_key(s->l, n, "is no JSON path like data.status or messages[0].status");
        return false;
    }
    if (count == 0) {
        config_fault(s->l, n, "must have at least one value");
        return false;
    }
    const struct node *item = list ? n->first : n;
    for (size_t i = 0; i < count; i++, item = item->next)
        if (!(values[i] = one_value(s, item)))
            return false;
    *out = (struct config_success){arena_strdup(s->l->arena, n->key), values, count};
    return true;
}

void config_read_success(const struct slot *s)
{
    if (s->node->kind != NODE_MAP || s->node->n == 0 || (int64_t)s->node->n > s->key->max) {
        config_fault(s->l, s->node, "must be a mapping of 1 to %lld JSON paths to values",
                     (long long)s->key->max);
        return;
    }
    struct config_success *rules = arena_array(s->l->arena, s->node->n, sizeof *rules);
    size_t n = 0;
    for (const struct node *item = s->node->first; item; item = item->next)
        n += read_rule(s, item, &rules[n]);
    slot_set_list(s, rules, n);
}

void config_read_json_path(const struct slot *s)
{
    const char *text = slot_scalar(s, "a JSON path like data.id");
    if (!text)
        return;
    if (!json_path_valid(text)) {
        config_fault(s->l, s->node, "must be a JSON path like data.id or messages[0].id");
        return;
    }
    text = arena_strdup(s->l->arena, text);
    slot_set(s, &text, sizeof text);
}
