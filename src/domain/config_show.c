/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The configuration in force as YAML, for `check-config --print`: each key in the order of
 * config.def, as the file says it, else its default. Secrets are masked; where one is a reference
 * ({file: ...}), the reference is shown.
 *
 * Lines are noted while a file is read, since the tree is gone afterwards. What is computed from
 * other keys is shown by its field when all is read.
 */
#include "domain/config_show.h"

#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "config_priv.h"

#define MASK "\"***\""

/* One key. value NULL: the field at `at` has it, of the type that `key` reads. */
struct config_shown {
    const char *path; /* "providers.sms.timeout" */
    const char *value;
    const struct config_key *key;
    const char *at;
    struct config_shown *next;
};

/* ---- values ---- */

/* Words that YAML would take for something else are quoted, and what has its marks. */
static bool config_show_is_plain(const char *text)
{
    static const char *const other[] = {"null", "true", "false", "yes", "no", "on", "off", NULL};
    if (!*text || strchr("-:?+", *text) || name_find(other, NAMES_UNTIL_NULL, str_of(text)) >= 0)
        return false;
    for (const char *p = text; *p; p++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:+@", *p))
            return false;
    return text[strlen(text) - 1] != ':';
}

/* As JSON has strings, which YAML reads. */
static void config_show_add_quoted(struct sb *b, const char *text)
{
    sb_puts(b, "\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            sb_printf(b, "\\%c", *p);
        else if ((unsigned char)*p < 0x20)
            sb_printf(b, "\\u%04x", (unsigned)(unsigned char)*p);
        else
            sb_printf(b, "%c", *p);
    }
    sb_puts(b, "\"");
}

/* Quoted as in the file, or where YAML would read a plain word differently. */
static void config_show_add_scalar(struct sb *b, const struct config_node *n)
{
    if (!n->text)
        sb_puts(b, "null");
    else if (n->quoted || !config_show_is_plain(n->text))
        config_show_add_quoted(b, n->text);
    else
        sb_puts(b, n->text);
}

/* A reference to a secret tells where it is, and is none itself. */
static bool config_show_is_reference(const struct config_node *n)
{
    static const char *const kinds[] = {"file", "env", "credential", NULL};
    return n->kind == CONFIG_MAP && n->n == 1 && n->first->kind == CONFIG_SCALAR &&
           name_find(kinds, NAMES_UNTIL_NULL, str_of(n->first->key)) >= 0;
}

/* In flow style. masked: scalars are secrets. Depth is that of the file, which is bounded. */
static void config_show_add_node(struct sb *b, const struct config_node *n, bool masked)
{
    const bool map = n->kind == CONFIG_MAP;
    if (n->kind == CONFIG_SCALAR && masked && n->text && *n->text) {
        sb_puts(b, MASK);
        return;
    }
    if (n->kind == CONFIG_SCALAR) {
        config_show_add_scalar(b, n);
        return;
    }
    masked = masked && !config_show_is_reference(n);
    sb_puts(b, map ? "{" : "[");
    for (const struct config_node *item = n->first; item; item = item->next) {
        if (item != n->first)
            sb_puts(b, ", ");
        if (map && config_show_is_plain(item->key))
            sb_printf(b, "%s: ", item->key);
        else if (map) {
            config_show_add_quoted(b, item->key);
            sb_puts(b, ": ");
        }
        config_show_add_node(b, item, masked);
    }
    sb_puts(b, map ? "}" : "]");
}

/* The end of a word that must not be shown: up to the character that ends it there. */
static size_t config_show_secret_len(const char *p, const char *ends)
{
    if (*p != '\'')
        return strcspn(p, ends);
    const char *end = strchr(p + 1, '\'');
    return end ? (size_t)(end - p) + 1 : strlen(p);
}

/* user:PASSWORD@ of a URI, and password=... of either form. A password that is not masked would be
 * worse than a word that is: an '@' later in the text moves the end. */
static const char *config_show_mask_url(struct arena *a, const char *url)
{
    struct sb b;
    const char *authority = strstr(url, "://"), *p = url;
    const char *at = authority ? strrchr(authority, '@') : NULL;
    const char *colon = at ? memchr(authority + 3, ':', (size_t)(at - authority) - 3) : NULL;
    sb_init(&b, a, 64);
    if (colon) {
        sb_printf(&b, "%.*s:***", (int)(colon - url), url);
        p = at;
    }
    while (*p) {
        const char *word = strstr(p, "password");
        const char *value = word ? word + strlen("password") : NULL;
        while (value && *value == ' ')
            value++;
        if (!value || *value != '=') {
            const size_t n = value ? (size_t)(value - p) : strlen(p);
            sb_printf(&b, "%.*s", (int)n, p);
            p += n;
            continue;
        }
        for (value++; *value == ' ';)
            value++;
        sb_printf(&b, "%.*s***", (int)(value - p), p);
        p = value + config_show_secret_len(value, authority ? "&" : " ");
    }
    return sb_str(&b).n ? arena_strndup(a, b.p, b.n) : "";
}

/* ---- while a file is read ---- */

/* Texts of a driver are read as secrets, since most are; these are what customers see. */
static bool config_show_is_secret(const struct config_key *k)
{
    static const char *const shown[] = {"sender", "from", "message_type", NULL};
    if (name_find(shown, NAMES_UNTIL_NULL, str_of(k->path)) >= 0)
        return false;
    return k->read == config_read_secret || k->read == config_read_headers ||
           k->read == config_read_params || k->read == config_read_test_numbers;
}

/* What to print for a key: the file's value, or the row's default, or NULL when only the field has
 * it after reading. */
static const char *config_show_value(struct arena *a, const struct config_key *k,
                                     const struct config_node *n)
{
    struct sb b;
    sb_init(&b, a, 64);
    if (!n && (!k->fallback || !*k->fallback) && k->read != config_read_text)
        return NULL;
    if (!n && k->count_offset != CONFIG_NO_COUNT)
        return arena_printf(a, "[%s]", k->fallback);
    if (!n && (k->read == config_read_switch || config_show_is_plain(k->fallback)))
        return k->fallback;
    if (!n)
        config_show_add_quoted(&b, k->fallback);
    else if (k->read == config_read_switch && n->kind == CONFIG_SCALAR)
        sb_puts(&b, n->text);
    else if (k->read == config_read_database && n->kind == CONFIG_SCALAR)
        config_show_add_quoted(&b, config_show_mask_url(a, n->text));
    else
        config_show_add_node(&b, n, config_show_is_secret(k));
    return b.n ? arena_strndup(a, b.p, b.n) : "";
}

/* Called for each key that a scope knows, before its value is read. */
static void config_show_note(struct config_loader *l, const struct config_scope *scope,
                             const struct config_key *k, const struct config_node *map,
                             const struct config_node *n)
{
    struct config *c = config_of(l);
    /* Their own keys are noted one by one, and what is always refused is no setting. */
    if (k->read == config_read_providers || k->read == config_read_never)
        return;
    struct config_shown *line = ARENA_NEW(l->arena, struct config_shown);
    const char *prefix = map ? config_node_path(l->scratch, map) : "";
    *line = (struct config_shown){
        .path = arena_printf(l->arena, "%s%s%s", prefix, *prefix ? "." : "", k->path),
        .value = config_show_value(l->arena, k, n),
        .key = k,
        .at = scope->base + k->offset};
    /* At the end: lines come in the order in which the tables are read. */
    struct config_shown **end = &c->shown;
    while (*end)
        end = &(*end)->next;
    *end = line;
}

/* As config_load(), with each key noted on the way. */
struct config *config_load_to_show(const char *path, bool offline, struct config_report **report)
{
    return config_load_any(path, offline, config_show_note, report);
}

/* ---- afterwards ---- */

/* In the units of the file: "5s" and not 5000. */
static void config_show_print_number(const struct config_shown *line, FILE *to)
{
    struct arena *a = arena_new(256);
    int64_t v;
    memcpy(&v, line->at, sizeof v);
    fprintf(to, "%s\n", a ? config_in_units(a, v, line->key->read) : "");
    arena_free(a);
}

/* "5/1h", as the file writes rates. */
static void config_show_print_rate(const struct config_shown *line, FILE *to)
{
    struct rate_limit r;
    struct arena *a = arena_new(256);
    memcpy(&r, line->at, sizeof r);
    fprintf(to, "%lld/%s\n", (long long)r.count,
            a ? config_in_units(a, r.per_ms, config_read_duration) : "");
    arena_free(a);
}

/* One text for each language, on one line. */
static void config_show_print_texts(const char *const *texts, FILE *to)
{
    struct arena *a = arena_new(4096);
    for (int i = 0; a && i < LOCALE_COUNT; i++) {
        struct sb b;
        sb_init(&b, a, 256);
        config_show_add_quoted(&b, texts[i] ? texts[i] : "");
        fprintf(to, "%s%s: %.*s", i ? ", " : "{", locale_names[i], STR_ARG(sb_str(&b)));
    }
    fputs("}\n", to);
    arena_free(a);
}

/* Texts of the file and built-in ones, as they will be sent. */
static bool config_show_print_messages(const struct config *c, const struct config_shown *line,
                                       FILE *to)
{
    if (line->key->read == config_read_otp_messages) {
        config_show_print_texts(c->otp.messages, to);
        return true;
    }
    if (line->key->read != config_read_notification_messages)
        return false;
    fputs("\n", to);
    for (int i = 0; i < NOTIFICATION_TEMPLATE_COUNT; i++) {
        fprintf(to, "    %s: ", notification_template_names[i]);
        config_show_print_texts(c->notifications.messages[i], to);
    }
    return true;
}

/* False: there is no value, neither of the file nor by default. */
static bool config_show_has_value(const struct config_shown *line)
{
    struct rate_limit rate;
    const config_reader read = line->key->read;
    if (read == config_read_rate && !line->value) {
        memcpy(&rate, line->at, sizeof rate);
        return rate.count > 0;
    }
    return line->value || read == config_read_int || read == config_read_duration ||
           read == config_read_size || read == config_read_otp_messages ||
           read == config_read_notification_messages;
}

/* The value that was noted, else the field. */
static void config_show_print_value(const struct config *c, const struct config_shown *line,
                                    FILE *to)
{
    if (config_show_print_messages(c, line, to))
        return;
    if (line->value)
        fprintf(to, "%s\n", line->value);
    else if (line->key->read == config_read_rate)
        config_show_print_rate(line, to);
    else
        config_show_print_number(line, to);
}

/* Opens the sections of a path that the line before was not in; returns the key's own depth. */
static int config_show_print_sections(const char *path, const char *before, FILE *to)
{
    int depth = 0;
    const char *p = path;
    for (const char *dot; (dot = strchr(p, '.')) != NULL; p = dot + 1, depth++) {
        const size_t n = (size_t)(dot - path) + 1;
        if (strncmp(path, before, n) != 0)
            fprintf(to, "%*s%.*s:\n", 2 * depth, "", (int)(dot - p), p);
    }
    return depth;
}

/* Keys without any value stay in the output as comments, so that a reader sees that they exist. */
void config_show(const struct config *c, FILE *to)
{
    const char *before = "";
    for (const struct config_shown *line = c->shown; line; line = line->next) {
        const int depth = config_show_print_sections(line->path, before, to);
        const char *dot = strrchr(line->path, '.');
        const bool has = config_show_has_value(line);
        fprintf(to, "%*s%s%s: ", 2 * depth, "", has ? "" : "# ", dot ? dot + 1 : line->path);
        if (has)
            config_show_print_value(c, line, to);
        else
            fputs("not set\n", to);
        before = line->path;
    }
}
