/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Readers of plain values: numbers, durations, sizes, rates, words. Called through the rows of a
 * table of keys (config_keys.c). A reader either sets its field or reports a fault, never both.
 */
#include "base/names.h"
#include "base/num.h"
#include "base/template.h"
#include "sys/config_read.h"
#include "sys/log.h"

/* ---- for all readers ---- */

/* The row has the offset, so one reader serves every field of its type. memcpy(): the field's type
 * is known to the row, not to the compiler. */
void config_entry_set(const struct config_entry *e, const void *value, size_t size)
{
    memcpy(e->base + e->key->offset, value, size);
}

/* A pointer and, beside it, a count. */
void config_entry_set_list(const struct config_entry *e, const void *items, size_t n)
{
    memcpy(e->base + e->key->offset, &items, sizeof items);
    memcpy(e->base + e->key->count_offset, &n, sizeof n);
}

/* What was refused by the YAML reader was reported there. */
const char *config_entry_scalar(const struct config_entry *e, const char *what)
{
    if (e->node->kind == CONFIG_SCALAR && !config_node_null(e->node))
        return e->node->text;
    if (e->node->kind != CONFIG_REFUSED)
        config_fault(e->l, e->node, "must be %s", what);
    return NULL;
}

/* The range of a list's row is its number of entries. */
bool config_entry_is_list(const struct config_entry *e, const char *what)
{
    const struct config_node *n = e->node;
    if (n->kind != CONFIG_LIST) {
        config_fault(e->l, n, "must be %s", what);
        return false;
    }
    if ((int64_t)n->n < e->key->min || (int64_t)n->n > e->key->max) {
        config_fault(e->l, n, "must have %lld to %lld entries", (long long)e->key->min,
                     (long long)e->key->max);
        return false;
    }
    return true;
}

/* Case matters: two spellings of one setting would make files harder to search. */
int config_choice(struct config_loader *l, const struct config_node *n, const char *const *values)
{
    if (n->kind == CONFIG_REFUSED)
        return -1;
    if (n->kind == CONFIG_SCALAR) {
        const int i = name_find(values, NAMES_UNTIL_NULL, str_of(n->text));
        if (i >= 0)
            return i;
    }
    struct sb b;
    sb_init(&b, l->scratch, 128);
    /* "debug, info or error": the fault names all that would be right. */
    for (int i = 0; values[i]; i++)
        sb_printf(&b, "%s%s", i == 0 ? "" : values[i + 1] ? ", " : " or ", values[i]);
    config_fault(l, n, "must be %.*s", STR_ARG(sb_str(&b)));
    return -1;
}

/* ---- numbers ---- */

/* A range's end as the file would write it: "16KiB", "2m". The largest unit that divides it.
 * Compared by the reader, since units belong to types. */
const char *config_in_units(struct arena *a, int64_t v, config_reader type)
{
    static const struct unit {
        config_reader type;
        int64_t factor;
        const char *name;
    } units[] = {
        {config_read_duration, 86400000, "d"}, {config_read_duration, 3600000, "h"},
        {config_read_duration, 60000, "m"},    {config_read_duration, 1000, "s"},
        {config_read_duration, 1, "ms"},       {config_read_size, 1048576, "MiB"},
        {config_read_size, 1024, "KiB"},       {config_read_size, 1, "B"},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].type == type && v != 0 && v % units[i].factor == 0)
            return arena_printf(a, "%lld%s", (long long)(v / units[i].factor), units[i].name);
    return arena_printf(a, "%lld%s", (long long)v,
                        type == config_read_duration ? "s" : ""); /* 0, or a count */
}

/* The fault shows the range in the units of the file, not in milliseconds or bytes. */
static void set_in_range(const struct config_entry *e, int64_t v)
{
    struct arena *a = e->l->scratch;
    if (v < e->key->min || v > e->key->max)
        config_fault(e->l, e->node, "must be %s to %s",
                     config_in_units(a, e->key->min, e->key->read),
                     config_in_units(a, e->key->max, e->key->read));
    else
        config_entry_set(e, &v, sizeof v);
}

void config_read_int(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "an integer");
    int64_t v;
    if (!text)
        return;
    /* A quoted number is a text in YAML. */
    if (e->node->quoted || !num_i64(str_of(text), &v))
        config_fault(e->l, e->node, "must be an integer");
    else
        set_in_range(e, v);
}

/* A unit is required: `timeout: 5` could mean seconds or milliseconds. */
void config_read_duration(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a duration like 250ms, 5s, 15m, 24h or 30d");
    int64_t v;
    if (!text)
        return;
    if (!num_duration_ms(str_of(text), &v))
        config_fault(e->l, e->node, "must be a duration like 250ms, 5s, 15m, 24h or 30d");
    else
        set_in_range(e, v);
}

/* In bytes; KiB and MiB are powers of two. */
void config_read_size(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a size like 64KiB or 1MiB");
    int64_t v;
    if (!text)
        return;
    if (!num_size(str_of(text), &v))
        config_fault(e->l, e->node, "must be a size like 64KiB or 1MiB");
    else
        set_in_range(e, v);
}

/* The ranges of BEHAVIOUR §7. Windows shorter than a second or longer than a day make no useful
 * quota. */
#define RATE_COUNT_MAX 1000000
#define RATE_PER_MIN_MS 1000
#define RATE_PER_MAX_MS (INT64_C(24) * 3600 * 1000)

/* Both halves are checked here, since a row of the table has one range. */
void config_read_rate(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a rate like 5/1h");
    struct rate_limit r;
    if (!text)
        return;
    if (!num_rate(str_of(text), &r.count, &r.per_ms))
        config_fault(e->l, e->node, "must be a rate like 5/1h");
    else if (r.count < 1 || r.count > RATE_COUNT_MAX || r.per_ms < RATE_PER_MIN_MS ||
             r.per_ms > RATE_PER_MAX_MS)
        config_fault(e->l, e->node, "must be 1 to %d in 1s to 24h", RATE_COUNT_MAX);
    else
        config_entry_set(e, &r, sizeof r);
}

/* ---- words ---- */

/* Copied: the tree of the file is freed after loading. */
void config_read_text(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a string");
    if (!text)
        return;
    /* 0: no limit beyond that of a scalar. */
    if (e->key->max && strlen(text) > (size_t)e->key->max) {
        config_fault(e->l, e->node, "must have at most %lld bytes", (long long)e->key->max);
        return;
    }
    text = arena_strdup(e->l->arena, text);
    config_entry_set(e, &text, sizeof text);
}

/* One of a row's words, stored as its index: an enum in the order of the words. */
void config_entry_set_choice(const struct config_entry *e, const char *const *values)
{
    int v = config_choice(e->l, e->node, values);
    if (v >= 0)
        config_entry_set(e, &v, sizeof v);
}

/* "on" and "true" mean the same; "yes" and "no" are left out, as YAML 1.2 does. */
void config_read_switch(const struct config_entry *e)
{
    static const char *const values[] = {"on", "true", "off", "false", NULL};
    int i = config_choice(e->l, e->node, values);
    bool on = i == 0 || i == 1;
    if (i >= 0)
        config_entry_set(e, &on, sizeof on);
}

void config_read_log_format(const struct config_entry *e)
{
    static const char *const values[] = {
        [LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json", NULL};
    config_entry_set_choice(e, values);
}

void config_read_log_level(const struct config_entry *e)
{
    static const char *const values[] = {[LOG_LEVEL_ERROR] = "error",
                                         [LOG_LEVEL_WARN] = "warn",
                                         [LOG_LEVEL_INFO] = "info",
                                         [LOG_LEVEL_DEBUG] = "debug",
                                         NULL};
    config_entry_set_choice(e, values);
}

/* ---- placeholders ---- */

/* strict: also a lone '{' is a fault; JSON templates need theirs. */
bool config_placeholders(struct config_loader *l, const struct config_node *n, const char *text,
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
