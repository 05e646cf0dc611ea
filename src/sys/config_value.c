/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Readers of plain values: numbers, durations, sizes, rates, words. And the table of all readers.
 */
#include "base/names.h"
#include "base/num.h"
#include "config_priv.h"
#include "sys/log.h"
#include "sys/regions.h"

/* ---- for all readers ---- */

void slot_set(const struct slot *s, const void *value, size_t size)
{
    memcpy(s->base + s->key->offset, value, size);
}

void slot_set_list(const struct slot *s, const void *items, size_t n)
{
    memcpy(s->base + s->key->offset, &items, sizeof items);
    memcpy(s->base + s->key->count_offset, &n, sizeof n);
}

const char *slot_scalar(const struct slot *s, const char *what)
{
    if (s->node->kind == NODE_SCALAR && !node_null(s->node))
        return s->node->text;
    if (s->node->kind != NODE_REFUSED)
        config_fault(s->l, s->node, "must be %s", what);
    return NULL;
}

bool slot_list(const struct slot *s, const char *what)
{
    const struct node *n = s->node;
    if (n->kind != NODE_LIST) {
        config_fault(s->l, n, "must be %s", what);
        return false;
    }
    if ((int64_t)n->n < s->key->min || (int64_t)n->n > s->key->max) {
        config_fault(s->l, n, "must have %lld to %lld entries", (long long)s->key->min,
                     (long long)s->key->max);
        return false;
    }
    return true;
}

int config_choice(struct loader *l, const struct node *n, const char *const *values)
{
    if (n->kind == NODE_REFUSED)
        return -1;
    if (n->kind == NODE_SCALAR) {
        const int i = name_find(values, NAMES_UNTIL_NULL, str_of(n->text));
        if (i >= 0)
            return i;
    }
    struct sb b;
    sb_init(&b, l->scratch, 128);
    for (int i = 0; values[i]; i++)
        sb_printf(&b, "%s%s", i == 0 ? "" : values[i + 1] ? ", " : " or ", values[i]);
    config_fault(l, n, "must be %.*s", STR_ARG(sb_str(&b)));
    return -1;
}

/* ---- numbers ---- */

/* A range's end as the file would write it: "16KiB", "2m". */
static const char *in_units(struct arena *a, int64_t v, enum config_type type)
{
    static const struct unit {
        enum config_type type;
        int64_t factor;
        const char *name;
    } units[] = {
        {T_DURATION, 86400000, "d"}, {T_DURATION, 3600000, "h"}, {T_DURATION, 60000, "m"},
        {T_DURATION, 1000, "s"},     {T_DURATION, 1, "ms"},      {T_SIZE, 1048576, "MiB"},
        {T_SIZE, 1024, "KiB"},       {T_SIZE, 1, "B"},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].type == type && v != 0 && v % units[i].factor == 0)
            return arena_printf(a, "%lld%s", (long long)(v / units[i].factor), units[i].name);
    return arena_printf(a, "%lld%s", (long long)v,
                        type == T_DURATION ? "s" : ""); /* 0, or a count */
}

static void set_in_range(const struct slot *s, int64_t v)
{
    struct arena *a = s->l->scratch;
    if (v < s->key->min || v > s->key->max)
        config_fault(s->l, s->node, "must be %s to %s", in_units(a, s->key->min, s->key->type),
                     in_units(a, s->key->max, s->key->type));
    else
        slot_set(s, &v, sizeof v);
}

static void read_int(const struct slot *s)
{
    const char *text = slot_scalar(s, "an integer");
    int64_t v;
    if (!text)
        return;
    if (s->node->quoted || !num_i64(str_of(text), &v))
        config_fault(s->l, s->node, "must be an integer");
    else
        set_in_range(s, v);
}

static void read_duration(const struct slot *s)
{
    const char *text = slot_scalar(s, "a duration like 250ms, 5s, 15m, 24h or 30d");
    int64_t v;
    if (!text)
        return;
    if (!num_duration_ms(str_of(text), &v))
        config_fault(s->l, s->node, "must be a duration like 250ms, 5s, 15m, 24h or 30d");
    else
        set_in_range(s, v);
}

static void read_size(const struct slot *s)
{
    const char *text = slot_scalar(s, "a size like 64KiB or 1MiB");
    int64_t v;
    if (!text)
        return;
    if (!num_size(str_of(text), &v))
        config_fault(s->l, s->node, "must be a size like 64KiB or 1MiB");
    else
        set_in_range(s, v);
}

#define RATE_COUNT_MAX 1000000
#define RATE_PER_MIN_MS 1000
#define RATE_PER_MAX_MS (INT64_C(24) * 3600 * 1000)

static void read_rate(const struct slot *s)
{
    const char *text = slot_scalar(s, "a rate like 5/1h");
    struct rate_limit r;
    if (!text)
        return;
    if (!num_rate(str_of(text), &r.count, &r.per_ms))
        config_fault(s->l, s->node, "must be a rate like 5/1h");
    else if (r.count < 1 || r.count > RATE_COUNT_MAX || r.per_ms < RATE_PER_MIN_MS ||
             r.per_ms > RATE_PER_MAX_MS)
        config_fault(s->l, s->node, "must be 1 to %d in 1s to 24h", RATE_COUNT_MAX);
    else
        slot_set(s, &r, sizeof r);
}

/* ---- words ---- */

static void read_text(const struct slot *s)
{
    const char *text = slot_scalar(s, "a string");
    if (!text)
        return;
    if (s->key->max && strlen(text) > (size_t)s->key->max) {
        config_fault(s->l, s->node, "must have at most %lld bytes", (long long)s->key->max);
        return;
    }
    text = arena_strdup(s->l->arena, text);
    slot_set(s, &text, sizeof text);
}

static void set_choice(const struct slot *s, const char *const *values)
{
    int v = config_choice(s->l, s->node, values);
    if (v >= 0)
        slot_set(s, &v, sizeof v);
}

static void read_switch(const struct slot *s)
{
    static const char *const values[] = {"on", "true", "off", "false", NULL};
    int i = config_choice(s->l, s->node, values);
    bool on = i == 0 || i == 1;
    if (i >= 0)
        slot_set(s, &on, sizeof on);
}

static void read_prepared(const struct slot *s)
{
    static const char *const values[] = {
        [PREPARED_AUTO] = "auto", [PREPARED_ON] = "on", [PREPARED_OFF] = "off", NULL};
    set_choice(s, values);
}

static void read_delivery(const struct slot *s)
{
    static const char *const values[] = {[DELIVERY_INLINE] = "inline", NULL};
    if (s->node->kind == NODE_SCALAR && str_eq(str_of(s->node->text), STR("deferred")))
        config_fault(s->l, s->node, "deferred delivery is not built into this version; use inline");
    else
        set_choice(s, values);
}

static void read_log_format(const struct slot *s)
{
    static const char *const values[] = {
        [LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json", NULL};
    set_choice(s, values);
}

static void read_log_level(const struct slot *s)
{
    static const char *const values[] = {[LOG_LEVEL_ERROR] = "error",
                                         [LOG_LEVEL_WARN] = "warn",
                                         [LOG_LEVEL_INFO] = "info",
                                         [LOG_LEVEL_DEBUG] = "debug",
                                         NULL};
    set_choice(s, values);
}

/* otp.delivery, payments.delivery: asked for by analogy with notifications, and never possible. */
static void read_never(const struct slot *s)
{
    bool otp = str_starts(str_of(s->key->path), STR("otp."));
    config_fault_key(s->l, s->node, "unknown key: %s inside the request and never deferred",
                     otp ? "one-time passwords are always sent" : "payment calls are always made");
}

static void read_regions(const struct slot *s)
{
    if (!slot_list(s, "a list of region codes like [SA, AE]"))
        return;
    const char **codes = arena_array(s->l->arena, s->node->n, sizeof *codes);
    size_t n = 0;
    for (const struct node *item = s->node->first; item; item = item->next) {
        const struct region *r = item->kind == NODE_SCALAR ? region_find(str_of(item->text)) : NULL;
        bool twice = false;
        for (size_t i = 0; r && i < n; i++)
            twice |= str_eq(str_of(codes[i]), str_of(r->code));
        if (item->kind == NODE_REFUSED)
            continue;
        if (!r)
            config_fault(s->l, item, "is no known region (ISO 3166 code like SA)");
        else if (twice)
            config_fault(s->l, item, "is given twice");
        else
            codes[n++] = r->code;
    }
    slot_set_list(s, codes, n);
}

const config_reader config_readers[T_COUNT] = {
    [T_INT] = read_int,
    [T_DURATION] = read_duration,
    [T_SIZE] = read_size,
    [T_RATE] = read_rate,
    [T_TEXT] = read_text,
    [T_SECRET] = config_read_secret,
    [T_DATABASE] = config_read_database,
    [T_URL] = config_read_url,
    [T_LISTEN] = config_read_listen,
    [T_LISTENS] = config_read_listens,
    [T_CIDRS] = config_read_cidrs,
    [T_ORIGINS] = config_read_origins,
    [T_REGIONS] = read_regions,
    [T_SWITCH] = read_switch,
    [T_PREPARED] = read_prepared,
    [T_DELIVERY] = read_delivery,
    [T_LOG_FORMAT] = read_log_format,
    [T_LOG_LEVEL] = read_log_level,
    [T_NEVER] = read_never,
    [T_PROVIDERS] = config_read_providers,
    [T_PROVIDER_TYPE] = config_read_provider_type,
    [T_SMS_PROVIDER] = config_read_sms_provider,
    [T_PAYMENT_PROVIDER] = config_read_payment_provider,
    [T_OTP_MESSAGES] = config_read_otp_messages,
    [T_NOTICE_MESSAGES] = config_read_notice_messages,
    [T_METHOD] = config_read_method,
    [T_PATH] = config_read_path,
    [T_TEMPLATE] = config_read_template,
    [T_HEADERS] = config_read_headers,
    [T_MEDIA_TYPE] = config_read_media_type,
    [T_STATUS] = config_read_status,
    [T_SUCCESS] = config_read_success,
    [T_JSON_PATH] = config_read_json_path,
};
