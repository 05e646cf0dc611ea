/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Keys of the templated `http` provider. */
#include "base/num.h"
#include "config_priv.h"

static const char *const placeholders[] = {"to", "text", "sender", "id", NULL};

/* ---- placeholders ---- */

/* Length of the word between p (a '{') and the next '}'; 0 when it is no word. */
static size_t word_in_braces(const char *p)
{
    size_t n = 0;
    while ((p[n + 1] >= 'a' && p[n + 1] <= 'z') || p[n + 1] == '_')
        n++;
    return p[n + 1] == '}' ? n : 0;
}

bool config_placeholders(struct loader *l, const struct node *n, const char *text,
                         const char *const *names, bool strict)
{
    for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
        struct str word = {p + 1, word_in_braces(p)};
        size_t i = 0;
        while (names[i] && !str_eq(word, str_of(names[i])))
            i++;
        if (names[i] || (word.n == 0 && !strict))
            continue;
        struct sb b;
        sb_init(&b, l->scratch, 128);
        for (i = 0; names[i]; i++)
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

static bool has_controls(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return true;
    return false;
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

/* RFC 9110 5.6.2 */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return s.n > 0;
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
    if (!is_token(name))
        config_fault_key(s->l, n, "is no header name");
    else if (str_eq_nocase(name, STR("content-type")))
        config_fault_key(s->l, n, "is given by content_type");
    else if (is_framing(name))
        config_fault_key(s->l, n, "is not for a template to set");
    else {
        out->key = arena_strdup(s->l->arena, n->key);
        out->value = template_text(s, n);
        if (out->value && has_controls(out->value))
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
    if (!is_token(type) || !is_token(str_trim(subtype)) || has_controls(text)) {
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

/* Names and [numbers] joined by dots: data.MessageID, messages[0].status. */
static bool json_path_valid(const char *text)
{
    struct str s = str_of(text);
    if (s.n == 0 || s.p[0] == '.' || s.p[s.n - 1] == '.' || strstr(text, "..") ||
        has_controls(text))
        return false;
    for (const char *p = strchr(text, '['); p; p = strchr(p + 1, '[')) {
        size_t digits = strspn(p + 1, "0123456789");
        if (digits == 0 || digits > 6 || p[digits + 1] != ']')
            return false;
    }
    return true;
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
