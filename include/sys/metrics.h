/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Counters, gauges and histograms in shared memory. metrics.def has one row a family; each
 * process writes only the slot of its child position (relaxed atomics, no lock), which outlives
 * the process, so counters never step back; the monitor adds the slots up when it prints.
 * Label values are closed sets, fixed before the first fork (contract 9).
 *
 *     METRIC_INC(M_OTP, OTP_SENT);
 *     METRIC_INC(M_PROVIDER_REQUESTS, provider_index, op, outcome);
 *     METRIC_OBSERVE(M_HTTP_DURATION, seconds, route);
 */
#ifndef BOOKINGD_SYS_METRICS_H
#define BOOKINGD_SYS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/err.h"
#include "base/str.h"

/* METRIC_INFO is for computed families: a gauge of 1 in text, an info in OpenMetrics. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

/* Upper bounds of a histogram; metrics.c has the figures. */
enum metric_buckets { BUCKETS_NONE, BUCKETS_HTTP, BUCKETS_PROVIDER, BUCKETS_DB, BUCKETS_COUNT };

/* Families: METRIC(id, kind, "name", "help", buckets, dim1, dim2, dim3); unused dimensions are
 * DIM_NONE. */
enum metric_id {
#define METRIC(id, kind, name, help, buckets, d1, d2, d3) id,
#include "sys/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* A dimension: label name(s) and its closed set of values; some are known only after the
 * configuration was read. */
enum metric_dim {
    DIM_NONE,
    DIM_PROVIDER,  /* provider=NAME, by index in the configuration in use (metrics_use_providers) */
    DIM_OPERATION, /* operation=, enum provider_op */
    DIM_PROVIDER_OUTCOME, /* outcome=, enum provider_outcome */
    DIM_ROUTE_METHOD,     /* method=,route= : rows of the route table, last row:
                             method="other",route="none" */
    DIM_ROUTE,            /* route= : distinct templates, last "none" */
    DIM_STATUS,           /* status= : metric_status_index() */
    DIM_SHED_REASON,
    DIM_CONN_STATE,
    DIM_CLOSED_REASON,
    DIM_TEMPLATE,       /* template=, enum notice_template */
    DIM_NOTICE_OUTCOME, /* outcome=, enum notice_outcome */
    DIM_OTP_OUTCOME,
    DIM_BOOKING_OUTCOME,
    DIM_DB_ERROR_CLASS,
    DIM_ROLE,
    DIM_EXIT_REASON,
    DIM_WEBHOOK_OUTCOME,
    DIM_PAYMENT_ACT, /* act=, enum payment_act */
    DIM_COUNT
};

enum provider_op {
    OP_SMS_OTP,
    OP_SMS_NOTICE,
    OP_INVOICE_CREATE,
    OP_INVOICE_FETCH,
    OP_INVOICE_FIND,
    OP_INVOICE_CANCEL,
    OP_PAYMENT_FETCH,
    OP_PAYMENT_FIND,
    OP_REFUND,
    OP_VOID,
    OP_COUNT
};
extern const char
    *const provider_op_names[OP_COUNT]; /* "sms_otp", "sms_notice", "invoice_create", ... */
enum provider_outcome { PO_OK, PO_REJECTED, PO_FAILED, PO_TIMEOUT, PO_UNAVAILABLE, PO_COUNT };
extern const char *const provider_outcome_names[PO_COUNT];
/* "sent", then the error codes of openapi Notification.error_code in its order. */
enum notice_outcome {
    NO_SENT,
    NO_PROVIDER_REJECTED,
    NO_PROVIDER_FAILED,
    NO_PROVIDER_TIMEOUT,
    NO_PROVIDER_UNAVAILABLE,
    NO_DEADLINE,
    NO_INTERRUPTED,
    NO_EXPIRED,
    NO_COUNT
};
extern const char *const notice_outcome_names[NO_COUNT];
enum otp_outcome {
    OTP_SENT,
    OTP_SEND_FAILED,
    OTP_SEND_UNKNOWN,
    OTP_THROTTLED,
    OTP_VERIFIED,
    OTP_INCORRECT,
    OTP_EXPIRED,
    OTP_EXHAUSTED,
    OTP_OUTCOME_COUNT
};
enum booking_outcome {
    BO_HELD,
    BO_CONFIRMED,
    BO_CANCELLED,
    BO_EXPIRED,
    BO_RESCHEDULED,
    BO_COMPLETED,
    BO_NO_SHOW,
    BO_CONFLICT,
    BO_COUNT
};
enum shed_reason {
    SHED_QUEUE_FULL,
    SHED_QUEUE_TIMEOUT,
    SHED_CONNECTIONS,
    SHED_DRAINING,
    SHED_COUNT
};
enum closed_reason {
    CLOSED_IDLE,
    CLOSED_HEAD,
    CLOSED_BODY,
    CLOSED_RATE,
    CLOSED_UNREAD,
    CLOSED_EVICTED,
    CLOSED_ADDRESS,
    CLOSED_COUNT
};
enum conn_state { CONN_IDLE, CONN_READING, CONN_QUEUED, CONN_ACTIVE, CONN_STATE_COUNT };
enum db_error_class {
    DBE_TIMEOUT,
    DBE_CONNECTION,
    DBE_CONFLICT,
    DBE_COMMIT_UNKNOWN,
    DBE_OTHER,
    DBE_COUNT
};
enum exit_reason {
    EXIT_REASON_EXIT,
    EXIT_REASON_SIGNAL,
    EXIT_REASON_OVERDUE,
    EXIT_REASON_RECYCLE,
    EXIT_REASON_COUNT
};
enum payment_act {
    PA_CREATED,
    PA_UNKNOWN,
    PA_PAID,
    PA_FAILED,
    PA_EXPIRED,
    PA_SURPLUS,  /* a charge that no booking stands for was given back */
    PA_MISMATCH, /* the gateway's amount, currency or reference is not ours */
    PA_REFUNDED,
    PA_REFUND_FAILED,
    PA_INVOICE_CANCELLED,
    PA_COUNT
};
enum webhook_outcome { WH_APPLIED, WH_DUPLICATE, WH_REFUSED, WH_UNKNOWN, WH_MISMATCH, WH_COUNT };

/* Rows of DIM_PROVIDER: both generations of a reload have room. */
#define METRIC_PROVIDER_ROWS 32

/* What the registry must know before the first fork. Strings are borrowed for ever, but for the
 * providers' names. */
struct metric_route {
    const char *method, *route;
    int success_status; /* 0: 200 */
};
struct metrics_setup {
    unsigned slots; /* scoreboard_slots() */
    const char *const *providers;
    size_t providers_n;
    /* per provider: which operations it has, METRIC_OPS_*; NULL: all. Only those become series. */
    const uint32_t *provider_ops;
    /* per provider: its time limit, which becomes a bucket's bound, so that "cut off" can be read;
     * NULL: none */
    const int64_t *provider_timeouts_ms;
    const struct metric_route *routes; /* rows of the route table */
    size_t routes_n;
};
#define METRIC_OPS_SMS (1u << OP_SMS_OTP | 1u << OP_SMS_NOTICE)
#define METRIC_OPS_PAYMENT                                                                        \
    (1u << OP_INVOICE_CREATE | 1u << OP_INVOICE_FETCH | 1u << OP_INVOICE_FIND |                   \
     1u << OP_INVOICE_CANCEL | 1u << OP_PAYMENT_FETCH | 1u << OP_PAYMENT_FIND | 1u << OP_REFUND | \
     1u << OP_VOID)
/* Bytes of shared memory that metrics_init will take. */
size_t metrics_size(const struct metrics_setup *setup);
void metrics_init(const struct metrics_setup *setup);
/*
 * The master, before it forks a child that runs with another configuration: from now on index i of
 * DIM_PROVIDER means names[i]. A name has a row for itself, which outlives reloads, so its counters
 * go on; a row is given to another name only when all are taken, and then one that neither these
 * names nor those before use. ops as in metrics_setup. The buckets' bounds stay those of the start.
 */
void metrics_use_providers(const char *const *names, const uint32_t *ops, size_t n);
/* Tests: as if never initialised. */
void metrics_forget(void);
/* Which slot this process writes. Gauges of the slot are reset, counters stay. */
void metrics_attach(unsigned slot);

/* The master, after a child's end: gauges of its slot go to zero, since nobody is there; counters
 * stay. */
void metrics_release(unsigned slot);
/* The master, at start and after each reload. */
void metrics_config_read(bool good);

/* Index of an HTTP status in DIM_STATUS; unknown ones share the last, "other". */
unsigned metric_status_index(int status);
/* Index in DIM_ROUTE of row i of the route table. */
unsigned metric_route_index(size_t row);

#define METRIC_AT(...) \
    (const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned)
/* Families without labels: METRIC_INC0, METRIC_SET0, METRIC_OBSERVE0. */
#define METRIC_INC(id, ...) metric_add((id), 1, METRIC_AT(__VA_ARGS__))
#define METRIC_INC0(id) metric_add((id), 1, NULL, 0)
#define METRIC_SET(id, value, ...) metric_set((id), (value), METRIC_AT(__VA_ARGS__))
#define METRIC_SET0(id, value) metric_set((id), (value), NULL, 0)
#define METRIC_OBSERVE(id, seconds, ...) metric_observe((id), (seconds), METRIC_AT(__VA_ARGS__))
#define METRIC_OBSERVE0(id, seconds) metric_observe((id), (seconds), NULL, 0)

/* All three do nothing before metrics_attach() (tests, cli). A wrong number of labels is a bug. */
void metric_add(enum metric_id id, uint64_t n, const unsigned *at, size_t at_n);
void metric_set(enum metric_id id, int64_t value, const unsigned *at, size_t at_n);
void metric_observe(enum metric_id id, double seconds, const unsigned *at, size_t at_n);

/* Sum over all slots; histograms: the count. For tests, status page, log. */
int64_t metric_read(enum metric_id id, const unsigned *at, size_t at_n);

/*
 * A page being written: families of the registry, then families that the caller computes
 * (ledger gauges, process_*), each in one block.
 */
enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };
/* From the Accept header: OpenMetrics 1.0.0 only when named with the higher quality (or with the
 * same and more closely or earlier than text), else text 0.0.4. */
enum metrics_format metrics_negotiate(struct str accept);
const char *metrics_content_type(enum metrics_format f);

struct metrics_page {
    struct sb *sb;
    enum metrics_format format;
};
void metrics_print(struct metrics_page *page);
/* A computed family: header, then samples. `labels` is NULL or ready text:
 * template="x",error_code="y" (escape values with metrics_label). */
void metrics_family(struct metrics_page *page, const char *name, enum metric_kind kind,
                    const char *help);
void metrics_sample(struct metrics_page *page, const char *name, const char *labels, double value);
/* Appends name="value" escaped, with a comma before it when sb is not empty. */
void metrics_label(struct sb *sb, const char *name, const char *value);
/* Value as the formats want it: whole numbers plain, "+Inf", else the shortest text that reads back
 * the same. */
void metrics_value(struct sb *sb, double v);
/* "# EOF" for OpenMetrics. */
void metrics_end(struct metrics_page *page);

#endif
