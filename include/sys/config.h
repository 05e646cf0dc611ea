/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The configuration: one immutable struct, read once from a YAML file by the master and
 * inherited by fork. config.def has one row a key: path, type, field, default, range, flags,
 * documentation; loader, check, manual and sample are held against that table by tests.
 * Faults are collected, never logged here: "file:line:column: key: what is wrong".
 */
#ifndef BOOKINGD_SYS_CONFIG_H
#define BOOKINGD_SYS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cdefs.h"
#include "base/err.h"

enum locale { LOCALE_AR, LOCALE_EN, LOCALE_COUNT };
/* "ar", "en" */
extern const char *const locale_names[LOCALE_COUNT];

/* The notification templates of the contract, in this order everywhere. */
enum notice_template {
    NOTICE_BOOKING_CONFIRMED,
    NOTICE_BOOKING_CANCELLED,
    NOTICE_BOOKING_RESCHEDULED,
    NOTICE_BOOKING_EXPIRED,
    NOTICE_PAYMENT_REFUNDED,
    NOTICE_COUNT
};
extern const char *const notice_names[NOTICE_COUNT]; /* "booking_confirmed", ... */

enum listen_kind { LISTEN_TCP, LISTEN_UNIX, LISTEN_SYSTEMD };
struct listen_addr {
    enum listen_kind kind;
    const char *text; /* as configured, for messages */
    const char
        *host; /* TCP: a literal address, v6 without brackets (localhost has become 127.0.0.1) */
    uint16_t port;    /* TCP; 0 lets the kernel choose */
    const char *path; /* unix */
};

struct cidr {
    int family; /* AF_INET, AF_INET6 */
    unsigned char addr[16];
    unsigned prefix;
};

struct rate_limit {
    int64_t count;
    int64_t per_ms;
};

struct config_pair { /* a header of the templated http provider, a success rule ... */
    const char *key;
    const char *value;
};
struct config_success { /* JSON path and the values, compared as text, one of which it must have */
    const char *path;
    const char *const *values;
    size_t values_n;
};

enum provider_type {
    PROVIDER_TAQNYAT,
    PROVIDER_UNIFONIC,
    PROVIDER_MSEGAT,
    PROVIDER_TWILIO,
    PROVIDER_HTTP,
    PROVIDER_MOYASAR,
    PROVIDER_TYPE_COUNT
};
extern const char *const provider_type_names[PROVIDER_TYPE_COUNT];
#define PROVIDERS_MAX 16

struct provider_config {
    const char
        *name; /* as the file names it: metric and log label, at most 32 of A-Z a-z 0-9 - _ */
    enum provider_type type;
    const char *base_url; /* http or https, no trailing slash, no user info, query or fragment */
    const char *sender;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t max_concurrent;
    int64_t breaker_failures;
    int64_t breaker_open_for_ms;
    /* by type; NULL when the type has no such key */
    const char *token;                       /* taqnyat */
    const char *app_sid;                     /* unifonic */
    const char *user, *api_key;              /* msegat */
    const char *account_sid, *auth_token;    /* twilio */
    const char *from;                        /* twilio */
    const char *secret_key, *webhook_secret; /* moyasar */
    /* http */
    const char *method, *path, *body, *content_type, *id_path, *error_path;
    const struct config_pair *headers;
    size_t headers_n;
    const int *success_status; /* empty: any 2xx */
    size_t success_status_n;
    const struct config_success *success;
    size_t success_n;
};

struct config {
    const char *file; /* NULL: defaults only */
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
        int64_t max_connections, max_connections_per_address, min_rate, backlog,
            drain_timeout_ms; /* 0: no cap, none */
        const struct cidr *trusted_proxies;
        size_t trusted_proxies_n;
    } server;
    struct {
        struct listen_addr listen;
        int64_t poll_interval_ms;
    } monitor;
    struct {
        const char *url;
        int64_t connect_timeout_ms, statement_timeout_ms;
        enum { PREPARED_AUTO, PREPARED_ON, PREPARED_OFF } prepared;
    } database;
    const struct provider_config *providers;
    size_t providers_n;
    struct {
        int provider; /* index into providers; -1: sign-in is not configured */
        const char *secret;
        size_t secret_len;
        int64_t code_length, ttl_ms, max_attempts, resend_cooldown_ms;
        struct rate_limit per_phone, per_address, total;
        const char *const *regions; /* ISO 3166 codes; the first is the default region */
        size_t regions_n;
        const char *messages[LOCALE_COUNT]; /* with {code} */
    } otp;
    struct {
        int64_t ttl_ms;
    } sessions;
    struct {
        int64_t hold_ms, max_active_per_customer;
    } bookings;
    struct {
        int provider; /* -1: none */
        const char *const *return_origins;
        size_t return_origins_n;
    } payments;
    struct {
        int provider; /* -1: none */
        enum { DELIVERY_INLINE, DELIVERY_DEFERRED } delivery;
        int64_t expire_after_ms;
        const char *messages[NOTICE_COUNT][LOCALE_COUNT]; /* {service} {venue} {resource}
                                                             {starts_at} {ends_at} {party_size} */
    } notifications;
    struct {
        int format; /* enum log_format */
        int level;  /* enum log_level */
    } log;
};

/* Where a fault is and what it is; line 0 when it has no place in the file. */
struct config_fault {
    int line, column;
    const char *key; /* "server.workers"; "" when none */
    const char *what;
};
struct config_report {
    const struct config_fault *faults;
    size_t n;
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
void config_set_url_check(bool (*valid)(const char *url));
/* Prints "file:line:column: key: what is wrong", a line a fault. */
void config_report_print(const struct config_report *report, const char *path, FILE *to);
void config_report_free(struct config_report *report);
/*
 * Wipes all secrets but those that are kept, in this process's copy: after a fork a role has what
 * it needs and no more. What was wiped reads as empty.
 */
enum { CONFIG_KEEP_DATABASE = 1, CONFIG_KEEP_PROVIDERS = 2, CONFIG_KEEP_OTP = 4 };
void config_forget_secrets(struct config *c, unsigned keep);
/* Calls fn with each secret of these kinds. */
void config_each_secret(const struct config *c, unsigned kinds,
                        void (*fn)(void *ctx, const char *p, size_t n), void *ctx);
/* Wipes the secrets and frees. */
void config_free(struct config *c);
/* Host of a base_url, v6 without brackets, into buf; false when it does not fit. For name lookups.
 */
bool config_url_host(const char *url, char *buf, size_t size) MUST_CHECK;
/* Index of a provider by name; -1. */
int config_provider_find(const struct config *c, const char *name);

#endif
