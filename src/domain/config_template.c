/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Keys of the templated `http` provider. Readers named by rows of config.def. Everything that could
 * make one request into two, or send it elsewhere, is refused here and not at the first call.
 */
#include "base/chars.h"
#include "base/jsonpath.h"
#include "base/names.h"
#include "base/num.h"
#include "base/template.h"
#include "config_priv.h"
#include "domain/text_rule.h"

/* The values that src/ext/sms_http.c fills in; etc/bookingd.yaml describes them. */
static const char *const placeholders[] = {"to",   "to_digits", "to_national", "text",
                                           "code", "sender",    "id",          NULL};

/* ---- templates ---- */

/* Text, maybe a secret, with known placeholders; NULL after a fault. Not strict: JSON bodies are
 * full of braces, and only known names are filled in. */
static const char *template_text(const struct config_entry *e, const struct config_node *n)
{
    const char *text = config_secret(e->l, n);
    if (!text || !config_placeholders(e->l, n, text, placeholders, false))
        return NULL;
    if (!str_utf8_valid(str_of(text))) {
        config_fault(e->l, n, "must be UTF-8");
        return NULL;
    }
    return text;
}

/* A body has no rules beside those of all templates: the provider decides what its form is. */
void config_read_template(const struct config_entry *e)
{
    const char *text = template_text(e, e->node);
    if (text)
        config_entry_set(e, &text, sizeof text);
}

/* The characters of RFC 3986 without a fragment. A blank in it would end the request line early. */
void config_read_path(const struct config_entry *e)
{
    const char *text = template_text(e, e->node);
    if (!text)
        return;
    bool good = text[0] == '/';
    for (const char *p = text; *p; p++)
        good &= (unsigned char)*p > 0x20 && (unsigned char)*p < 0x7F && *p != '#';
    if (good)
        config_entry_set(e, &text, sizeof text);
    else
        config_fault(e->l, e->node,
                     "must start with / and have no spaces, no #, and only ASCII characters");
}

/* These fields say where a message ends or who it is for, and the client sets them itself. Set
 * twice, such a field makes the peer read the message differently (RFC 9112 6 and RFC 9110 7). */
static bool is_framing(struct str name)
{
    static const char *const ours[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "expect",         "content-type",
                                       "te",         "upgrade",        "trailer"};
    /* Names of fields are compared without regard to case (RFC 9110 5.1). */
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (str_eq_nocase(name, str_of(ours[i])))
            return true;
    return false;
}

/* The name is checked as well: a name with a line break would be a second header. */
static bool read_header(const struct config_entry *e, const struct config_node *n,
                        struct config_pair *out)
{
    struct str name = str_of(n->key);
    if (!chars_all(name, char_is_token))
        config_fault_key(e->l, n, "is not the name of a header");
    else if (str_eq_nocase(name, STR("content-type")))
        config_fault_key(e->l, n, "is set by content_type, not here");
    else if (is_framing(name))
        config_fault_key(e->l, n, "cannot be set here: bookingd sets this field itself");
    else {
        out->key = arena_strdup(e->l->arena, n->key);
        out->value = template_text(e, n);
        if (out->value && chars_have_control(str_of(out->value)))
            config_fault(e->l, n, "must not contain line breaks or control characters");
        return out->value != NULL;
    }
    return false;
}

/* Values are percent-encoded when the request is built, so any text is allowed in them. */
static bool read_param(const struct config_entry *e, const struct config_node *n,
                       struct config_pair *out)
{
    if (!chars_all(str_of(n->key), char_is_token)) {
        config_fault_key(e->l, n, "is not the name of a parameter");
        return false;
    }
    out->key = arena_strdup(e->l->arena, n->key);
    out->value = template_text(e, n);
    return out->value != NULL;
}

/* A mapping of names to templates, read entry by entry with `read`. Entries that have a fault are
 * left out of the list; the faults keep the configuration from being used. */
static void read_pairs(const struct config_entry *e, const char *what,
                       bool (*read)(const struct config_entry *, const struct config_node *,
                                    struct config_pair *))
{
    if (e->node->kind != CONFIG_MAP) {
        config_fault(e->l, e->node, "must be a mapping of %s names to templates", what);
        return;
    }
    /* Bounded by the row of the table: each entry is rendered for each message. */
    if ((int64_t)e->node->n > e->key->max) {
        config_fault(e->l, e->node, "must have at most %lld entries", (long long)e->key->max);
        return;
    }
    struct config_pair *pairs = arena_array(e->l->arena, e->node->n, sizeof *pairs);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next)
        n += read(e, item, &pairs[n]);
    config_entry_set_list(e, pairs, n);
}

void config_read_headers(const struct config_entry *e)
{
    read_pairs(e, "header", read_header);
}

void config_read_params(const struct config_entry *e)
{
    read_pairs(e, "parameter", read_param);
}

/* What known gateways use. DELETE and others send no message. */
void config_read_method(const struct config_entry *e)
{
    static const char *const values[] = {"GET", "POST", "PUT", NULL};
    int v = config_choice(e->l, e->node, values);
    if (v >= 0)
        config_entry_set(e, &values[v], sizeof values[v]);
}

/* RFC 9110 8.3.1: type "/" subtype, then parameters, which are passed on as they are. */
void config_read_media_type(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a media type like application/json");
    if (!text)
        return;
    struct str params = str_of(text), whole = str_cut(&params, ';'), subtype = whole,
               type = str_cut(&subtype, '/');
    if (!chars_all(type, char_is_token) || !chars_all(str_trim(subtype), char_is_token) ||
        chars_have_control(str_of(text))) {
        config_fault(e->l, e->node, "must be a media type like application/json");
        return;
    }
    text = arena_strdup(e->l->arena, text);
    config_entry_set(e, &text, sizeof text);
}

/* ---- success ---- */

/* A quoted "200" is refused: who quotes it may mean a text in the answer's body. */
static bool read_status(const struct config_entry *e, const struct config_node *n, int *out)
{
    int64_t v;
    bool good = n->kind == CONFIG_SCALAR && !n->quoted && num_range(str_of(n->text), 100, 599, &v);
    if (good)
        *out = (int)v;
    else if (n->kind != CONFIG_REFUSED)
        config_fault(e->l, n, "must be an HTTP status, 100 to 599");
    return good;
}

/* Which answers mean success: one status or several, as gateways differ (200, 201, 202). */
void config_read_status(const struct config_entry *e)
{
    bool one = e->node->kind == CONFIG_SCALAR;
    if (!one && !config_entry_is_list(e, "an HTTP status or a list of them"))
        return;
    int *statuses = arena_array(e->l->arena, one ? 1 : e->node->n, sizeof *statuses);
    size_t n = 0;
    if (one)
        n += read_status(e, e->node, &statuses[0]);
    else
        for (const struct config_node *item = e->node->first; item; item = item->next)
            n += read_status(e, item, &statuses[n]);
    config_entry_set_list(e, statuses, n);
}

/* The grammar of the runtime; and no control characters, which no provider's names have. */
static bool json_path_valid(const char *text)
{
    return jsonpath_valid(text) && !chars_have_control(str_of(text));
}

/* Text, whatever its form: the answer's value is compared as text too, so 1 and "1" are alike. */
static const char *one_value(const struct config_entry *e, const struct config_node *n)
{
    if (n->kind == CONFIG_SCALAR)
        return arena_strdup(e->l->arena, n->text);
    if (n->kind != CONFIG_REFUSED)
        config_fault(e->l, n, "must be a value like ok, 1 or true, or a list of them");
    return NULL;
}

/* All rules must hold for success; of one rule's values any may be there. */
static bool read_rule(const struct config_entry *e, const struct config_node *n,
                      struct config_success *out)
{
    bool list = n->kind == CONFIG_LIST;
    size_t count = list ? n->n : 1;
    const char **values = arena_array(e->l->arena, count, sizeof *values);
    if (!json_path_valid(n->key)) {
        config_fault_key(e->l, n, "is not a JSON path like data.status or messages[0].status");
        return false;
    }
    if (count == 0) {
        config_fault(e->l, n, "must have at least one value");
        return false;
    }
    const struct config_node *item = list ? n->first : n;
    for (size_t i = 0; i < count; i++, item = item->next)
        if (!(values[i] = one_value(e, item)))
            return false;
    *out = (struct config_success){arena_strdup(e->l->arena, n->key), values, count};
    return true;
}

void config_read_success(const struct config_entry *e)
{
    if (e->node->kind != CONFIG_MAP || e->node->n == 0 || (int64_t)e->node->n > e->key->max) {
        config_fault(e->l, e->node, "must be a mapping of 1 to %lld JSON paths to values",
                     (long long)e->key->max);
        return;
    }
    struct config_success *rules = arena_array(e->l->arena, e->node->n, sizeof *rules);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next)
        n += read_rule(e, item, &rules[n]);
    config_entry_set_list(e, rules, n);
}

/* Of the error code, or of the message's identifier, in the provider's answer. */
void config_read_json_path(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a JSON path like data.id");
    if (!text)
        return;
    if (!json_path_valid(text)) {
        config_fault(e->l, e->node, "must be a JSON path like data.id or messages[0].id");
        return;
    }
    text = arena_strdup(e->l->arena, text);
    config_entry_set(e, &text, sizeof text);
}

/* ---- rules on the text of an answer ---- */

/* The expression is compiled once here, so that a wrong one is reported now and not at the first
 * answer. */
void config_read_text_rule(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a text, or /REGEX/");
    if (!text)
        return;
    /* Closed at once: the configuration keeps the text, and whoever uses the rule compiles it. */
    struct text_rule rule;
    char reason[128];
    if (!text_rule_open(&rule, text, reason, sizeof reason)) {
        config_fault(e->l, e->node, "%s", reason);
        return;
    }
    text_rule_close(&rule);
    text = arena_strdup(e->l->arena, text);
    config_entry_set(e, &text, sizeof text);
}

/* A code, or a list of them. Kept as one text with blanks, in the form in which drivers have theirs
 * (sms_priv.h). */
void config_read_codes(const struct config_entry *e)
{
    bool one = e->node->kind == CONFIG_SCALAR;
    if (!one && !config_entry_is_list(e, "a code or a list of codes"))
        return;
    struct sb words;
    sb_init(&words, e->l->arena, 64);
    for (const struct config_node *n = one ? e->node : e->node->first; n; n = n->next) {
        /* No blanks in a code: a blank parts one from the next. */
        if (n->kind != CONFIG_SCALAR || !chars_all(str_of(n->text), char_is_id_or_dot)) {
            config_fault(e->l, n, "must be a code of A-Z a-z 0-9 . _ -");
            return;
        }
        sb_printf(&words, "%s%s", words.n > 0 ? " " : "", n->text);
        if (one)
            break;
    }
    const char *text = sb_str(&words).p;
    config_entry_set(e, &text, sizeof text);
}
