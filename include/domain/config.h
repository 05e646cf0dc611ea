/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The configuration: one immutable struct, read once from a YAML file by the master and
 * inherited by fork. src/domain/config.def has one row per key: path, type, field, default, range,
 * documentation; the reader, the manual and the checks come from that table. A new key is its row
 * and its field.
 */
#ifndef BOOKINGD_DOMAIN_CONFIG_H
#define BOOKINGD_DOMAIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cdefs.h"
#include "base/err.h"
#include "base/str.h"
#include "domain/config_alerts.h"
#include "domain/phone_config.h"
#include "domain/provider.h"
#include "domain/reminder.h"
#include "domain/templates.h"
#include "sys/config_file.h"
#include "sys/config_values.h"

/* Routes that only say that the service lives, which probes ask for every few seconds. */
enum config_log_skip { LOG_SKIP_HEALTHZ, LOG_SKIP_READYZ, LOG_SKIP_COUNT };
extern const char *const config_log_skips[LOG_SKIP_COUNT + 1]; /* as in paths, without the slash */

struct config {
    struct config_memory memory; /* first */
    const char *file;            /* NULL: defaults only */
    struct config_shown *shown;  /* for config_show(), if asked for */
    struct {
        const struct listen_addr *listen;
        size_t listen_n;
        const char *public_url; /* without trailing slash */
        int64_t workers, worker_max_requests, queue,
            queue_timeout_ms; /* max_requests 0: any number */
        const char *user;     /* "" : stay */
        bool confine;         /* filters of system calls and files for each role */
        int64_t request_budget_ms, head_timeout_ms, body_timeout_ms, idle_timeout_ms;
        int64_t max_head, max_body; /* bytes */
        int64_t max_connections, max_connections_per_address, max_requests_per_address;
        int64_t min_rate, backlog, drain_timeout_ms; /* 0: no cap, none */
        const struct cidr *trusted_proxies;
        size_t trusted_proxies_n;
        const char *const *cors_origins; /* lower case, without the scheme's own port */
        size_t cors_origins_n;
    } server;
    struct {
        struct listen_addr listen;
        int64_t poll_interval_ms;
    } monitor;
    struct {
        const char *url;
        const char *migrate_url; /* of the owner of the tables; NULL: url; "": it is not readable */
        const char *read_url;    /* of standbys; NULL: none */
        bool require_synchronous;
        int64_t read_max_lag_ms, connect_timeout_ms, statement_timeout_ms;
        enum { PREPARED_AUTO, PREPARED_ON, PREPARED_OFF } prepared;
    } database;
    const struct provider_config *providers;
    size_t providers_n;
    struct {
        int provider; /* index into providers; -1: sign-in is not configured */
        const char *secret;
        size_t secret_len;
        int64_t code_length, ttl_ms, max_attempts, resend_cooldown_ms;
        struct rate_limit per_phone, per_address, per_network, total;
        const char *const *regions;        /* ISO 3166 codes; the first is the default region */
        const struct phone_ranges *ranges; /* of single regions */
        const struct otp_test_number *test_numbers;
        size_t regions_n, ranges_n, test_numbers_n;
        const char *autofill;               /* host of the last line; "": none */
        const char *messages[LOCALE_COUNT]; /* with {code} */
    } otp;
    struct {
        int64_t ttl_ms;
    } sessions;
    struct {
        int64_t hold_ms, staff_hold_ms, max_active_per_customer;
        struct rate_limit changes_per_customer;
    } bookings;
    struct {
        int provider; /* -1: none */
        const char *const *return_origins;
        size_t return_origins_n;
    } payments;
    struct {
        int provider; /* -1: none */
        enum { DELIVERY_INLINE, DELIVERY_DEFERRED } delivery;
        int64_t couriers, poll_interval_ms;
        enum { ON_UNKNOWN_HOLD, ON_UNKNOWN_RESEND } on_unknown;
        const struct reminder_lead *reminders; /* the longest first */
        size_t reminders_n;
        struct time_of_day quiet_from, quiet_to; /* both set or none */
        struct rate_limit per_phone, per_customer;
        int64_t expire_after_ms;
        /* with {service} and the like, as the manual says by template */
        const char *messages[NOTIFICATION_TEMPLATE_COUNT][LOCALE_COUNT];
    } notifications;
    struct config_alerts alerts;
    bool desk_enabled; /* /desk is served */
    struct {
        int64_t notifications_ms, audit_ms, history_ms, webhook_events_ms; /* 0: for ever */
    } retention;
    struct {
        int format, level; /* enum log_format, enum log_level */
        unsigned skip; /* 1 << enum config_log_skip: no record of what was answered well there */
    } log;
};

/*
 * Reads and checks a file. On success *report is NULL and the result lives until config_free(). On
 * any fault returns NULL and *report, given back by config_report_free(), lists all of them in the
 * file's order. path NULL: built-in defaults, which run without any provider.
 */
struct config *config_load(const char *path, struct config_report **report) MUST_CHECK;
/*
 * The same for commands that call no provider (migrate, staff-key, status ...): secrets that cannot
 * be read from where they are, since only the service's account may, are left NULL and no fault.
 * database.url is read in any case.
 */
struct config *config_load_offline(const char *path, struct config_report **report) MUST_CHECK;
/* Judge of database.url, which is libpq's business and above this layer; main() gives it before the
 * first load. */
void config_set_url_check(const char *(*fault)(const char *url));
/*
 * Wipes all secrets but those that are kept, in this process's copy: after a fork a role has what
 * it needs and no more. What was wiped reads as empty.
 */
enum { CONFIG_KEEP_DATABASE = 1, CONFIG_KEEP_PROVIDERS = 2, CONFIG_KEEP_OTP = 4 };
#define CONFIG_KEEP_OWNER 8 /* database.migrate_url: no role of the service keeps it */
void config_forget_secrets(struct config *c, unsigned keep);
/* Calls fn with each secret of these kinds. */
void config_each_secret(const struct config *c, unsigned kinds,
                        void (*fn)(void *ctx, const char *p, size_t n), void *ctx);
/* Wipes the secrets and frees. */
void config_free(struct config *c);
/* Index of a provider by name; -1. */
int config_provider_find(const struct config *c, const char *name);

/* Name of the gateway that payments go through, the type of payments.provider. Without one it is
 * the first that there is a driver for, since rows of the past are shown as well. */
const char *config_gateway_name(const struct config *c);

#endif
