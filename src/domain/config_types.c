/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Readers of values that only this service has; named by rows of config.def. */
#include "base/names.h"
#include "config_priv.h"

void config_read_prepared(const struct config_entry *e)
{
    static const char *const values[] = {
        [PREPARED_AUTO] = "auto", [PREPARED_ON] = "on", [PREPARED_OFF] = "off", NULL};
    config_entry_set_choice(e, values);
}

void config_read_delivery(const struct config_entry *e)
{
    static const char *const values[] = {
        [DELIVERY_INLINE] = "inline", [DELIVERY_DEFERRED] = "deferred", NULL};
    config_entry_set_choice(e, values);
}

void config_read_on_unknown(const struct config_entry *e)
{
    static const char *const values[] = {
        [ON_UNKNOWN_HOLD] = "hold", [ON_UNKNOWN_RESEND] = "resend", NULL};
    config_entry_set_choice(e, values);
}

/* otp.delivery, payments.delivery: asked for by analogy with notifications, and never possible. */
void config_read_never(const struct config_entry *e)
{
    bool otp = str_starts(str_of(e->key->path), STR("otp."));
    config_fault_key(e->l, e->node, "unknown key: %s inside the request and never deferred",
                     otp ? "one-time passwords are always sent" : "payment calls are always made");
}

const char *const config_log_skips[LOG_SKIP_COUNT + 1] = {
    [LOG_SKIP_HEALTHZ] = "healthz", [LOG_SKIP_READYZ] = "readyz"};

void config_read_log_skip(const struct config_entry *e)
{
    if (!config_entry_is_list(e, "a list of routes: [healthz, readyz]"))
        return;
    unsigned skip = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next) {
        const int i = item->kind == CONFIG_SCALAR
                          ? name_find(config_log_skips, LOG_SKIP_COUNT, str_of(item->text))
                          : -1;
        if (i >= 0)
            skip |= 1U << i;
        else if (item->kind != CONFIG_REFUSED)
            config_fault(e->l, item, "must be healthz or readyz");
    }
    config_entry_set(e, &skip, sizeof skip);
}

/* ---- database.url ---- */

/* libpq's parser lives in db, a layer above. Set at the start of programs that have it; NULL in the
 * others. */
static const char *(*config_url_check)(const char *url);

void config_set_url_check(const char *(*fault)(const char *url))
{
    config_url_check = fault;
}

/* What cannot be a URL or conninfo at all; libpq, through the check, judges the details. It may
 * hold a password. Its faults never print the text. */
static const char *database_url_fault(const char *text)
{
    struct str url = str_of(text);
    if (!str_starts(url, STR("postgresql://")) && !str_starts(url, STR("postgres://")) &&
        (!strchr(text, '=') || strstr(text, "://")))
        return "must be a postgresql:// URI or libpq conninfo (host=... dbname=...)";
    return config_url_check ? config_url_check(text) : NULL;
}

/*
 * A URL that is unreadable is refused also in commands that run without secrets: each of them
 * connects. The owner's can be root's file: the service's account need not read it. Then it is "",
 * and `migrate` says so. What may be left out is NULL then.
 */
void config_read_database(const struct config_entry *e)
{
    const bool offline = e->l->offline, optional = e->key->fallback && *e->key->fallback == '\0';
    e->l->offline = false; /* nothing works without it */
    e->l->others = e->key->offset == offsetof(struct config, database.migrate_url);
    const char *text = config_secret(e->l, e->node);
    const bool denied = e->l->denied;
    e->l->offline = offline;
    e->l->others = e->l->denied = false;
    if (denied)
        config_entry_set(e, &(const char *){""}, sizeof text);
    if (text && *text == '\0' && optional)
        return;
    if (text && *text == '\0')
        config_fault(e->l, e->node, "is empty");
    else if (text && database_url_fault(text))
        config_fault(e->l, e->node, "%s", database_url_fault(text));
    else if (text)
        config_entry_set(e, &text, sizeof text);
}
