/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Dimensions: the closed sets of label values, in the order of their enums. */
#include <string.h>

#include "base/ensure.h"
#include "metrics_priv.h"
#include "sys/config.h"
#include "sys/metrics.h"
#include "sys/scoreboard.h"

const char *const provider_op_names[OP_COUNT] = {
    [OP_SMS_OTP] = "sms_otp",
    [OP_SMS_NOTICE] = "sms_notice",
    [OP_INVOICE_CREATE] = "invoice_create",
    [OP_INVOICE_FETCH] = "invoice_fetch",
    [OP_INVOICE_FIND] = "invoice_find",
    [OP_INVOICE_CANCEL] = "invoice_cancel",
    [OP_PAYMENT_FETCH] = "payment_fetch",
    [OP_PAYMENT_FIND] = "payment_find",
    [OP_REFUND] = "refund",
    [OP_VOID] = "void",
};
const char *const provider_outcome_names[PO_COUNT] = {
    [PO_OK] = "ok",           [PO_REJECTED] = "rejected",       [PO_FAILED] = "failed",
    [PO_TIMEOUT] = "timeout", [PO_UNAVAILABLE] = "unavailable",
};
const char *const notice_outcome_names[NO_COUNT] = {
    [NO_SENT] = "sent",
    [NO_PROVIDER_REJECTED] = "provider_rejected",
    [NO_PROVIDER_FAILED] = "provider_failed",
    [NO_PROVIDER_TIMEOUT] = "provider_timeout",
    [NO_PROVIDER_UNAVAILABLE] = "provider_unavailable",
    [NO_DEADLINE] = "deadline_exceeded",
    [NO_INTERRUPTED] = "interrupted",
    [NO_EXPIRED] = "expired",
};
static const char *const otp_outcomes[OTP_OUTCOME_COUNT] = {
    [OTP_SENT] = "sent",
    [OTP_SEND_FAILED] = "send_failed",
    [OTP_SEND_UNKNOWN] = "send_unknown",
    [OTP_THROTTLED] = "throttled",
    [OTP_VERIFIED] = "verified",
    [OTP_INCORRECT] = "incorrect",
    [OTP_EXPIRED] = "expired",
    [OTP_EXHAUSTED] = "exhausted",
};
static const char *const booking_outcomes[BO_COUNT] = {
    [BO_HELD] = "held",       [BO_CONFIRMED] = "confirmed",     [BO_CANCELLED] = "cancelled",
    [BO_EXPIRED] = "expired", [BO_RESCHEDULED] = "rescheduled", [BO_COMPLETED] = "completed",
    [BO_NO_SHOW] = "no_show", [BO_CONFLICT] = "conflict",
};
static const char *const shed_reasons[SHED_COUNT] = {
    [SHED_QUEUE_FULL] = "queue_full",
    [SHED_QUEUE_TIMEOUT] = "queue_timeout",
    [SHED_CONNECTIONS] = "connections",
    [SHED_DRAINING] = "draining",
};
static const char *const closed_reasons[CLOSED_COUNT] = {
    [CLOSED_IDLE] = "idle",       [CLOSED_HEAD] = "head",     [CLOSED_BODY] = "body",
    [CLOSED_RATE] = "rate",       [CLOSED_UNREAD] = "unread", [CLOSED_EVICTED] = "evicted",
    [CLOSED_ADDRESS] = "address",
};
static const char *const conn_states[CONN_STATE_COUNT] = {[CONN_IDLE] = "idle",
                                                          [CONN_READING] = "reading",
                                                          [CONN_QUEUED] = "queued",
                                                          [CONN_ACTIVE] = "active"};
static const char *const db_error_classes[DBE_COUNT] = {
    [DBE_TIMEOUT] = "timeout",   [DBE_CONNECTION] = "connection",
    [DBE_CONFLICT] = "conflict", [DBE_COMMIT_UNKNOWN] = "commit_unknown",
    [DBE_OTHER] = "other",
};
static const char *const exit_reasons[EXIT_REASON_COUNT] = {
    [EXIT_REASON_EXIT] = "exit",
    [EXIT_REASON_SIGNAL] = "signal",
    [EXIT_REASON_OVERDUE] = "overdue",
    [EXIT_REASON_RECYCLE] = "recycle",
};
static const char *const webhook_outcomes[WH_COUNT] = {
    [WH_APPLIED] = "applied", [WH_DUPLICATE] = "duplicate", [WH_REFUSED] = "refused",
    [WH_UNKNOWN] = "unknown", [WH_MISMATCH] = "mismatch",
};

static const char *const payment_acts[PA_COUNT] = {
    [PA_CREATED] = "created",
    [PA_UNKNOWN] = "unknown",
    [PA_PAID] = "paid",
    [PA_FAILED] = "failed",
    [PA_EXPIRED] = "expired",
    [PA_SURPLUS] = "surplus",
    [PA_MISMATCH] = "mismatch",
    [PA_REFUNDED] = "refunded",
    [PA_REFUND_FAILED] = "refund_failed",
    [PA_INVOICE_CANCELLED] = "invoice_cancelled",
};

/* Every status that the contract, the parser or a handler can answer with. */
static const short statuses[] = {200, 201, 202, 204, 302, 303, 304, 400, 401, 402, 403, 404,
                                 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421,
                                 422, 423, 425, 428, 429, 431, 500, 501, 502, 503, 504, 505};

struct values {
    const char *const *names;
    unsigned n;
};

/* Sets known at build time; the others have no row. */
static const struct values fixed[DIM_COUNT] = {
    [DIM_OPERATION] = {provider_op_names, OP_COUNT},
    [DIM_PROVIDER_OUTCOME] = {provider_outcome_names, PO_COUNT},
    [DIM_SHED_REASON] = {shed_reasons, SHED_COUNT},
    [DIM_CONN_STATE] = {conn_states, CONN_STATE_COUNT},
    [DIM_TEMPLATE] = {notice_names, NOTICE_COUNT},
    [DIM_NOTICE_OUTCOME] = {notice_outcome_names, NO_COUNT},
    [DIM_OTP_OUTCOME] = {otp_outcomes, OTP_OUTCOME_COUNT},
    [DIM_BOOKING_OUTCOME] = {booking_outcomes, BO_COUNT},
    [DIM_DB_ERROR_CLASS] = {db_error_classes, DBE_COUNT},
    [DIM_ROLE] = {role_names, ROLE_COUNT},
    [DIM_EXIT_REASON] = {exit_reasons, EXIT_REASON_COUNT},
    [DIM_WEBHOOK_OUTCOME] = {webhook_outcomes, WH_COUNT},
    [DIM_PAYMENT_ACT] = {payment_acts, PA_COUNT},
    [DIM_CLOSED_REASON] = {closed_reasons, CLOSED_COUNT},
};

unsigned metric_status_index(int status)
{
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i] == status)
            return i;
    return ARRAY_LEN(statuses);
}

int metric_status_of(unsigned index)
{
    return index < ARRAY_LEN(statuses) ? statuses[index] : 0;
}

const char *const *metric_dim_values(enum metric_dim dim)
{
    return fixed[dim].names;
}

/* The first row with the same template stands for all of them. */
static size_t first_row(const struct metrics_setup *s, size_t row)
{
    size_t i = 0;
    while (i < row && strcmp(s->routes[i].route, s->routes[row].route) != 0)
        i++;
    return i;
}

unsigned metric_route_index(size_t row)
{
    const struct metrics_setup *s = metrics_current();
    const size_t end = row < s->routes_n ? first_row(s, row) : s->routes_n;
    unsigned index = 0;
    for (size_t i = 0; i < end; i++)
        index += first_row(s, i) == i;
    return index;
}

const char *metric_route_name(unsigned index)
{
    const struct metrics_setup *s = metrics_current();
    for (size_t i = 0; i < s->routes_n; i++)
        if (first_row(s, i) == i && index-- == 0)
            return s->routes[i].route;
    return "none";
}

unsigned metric_dim_count(enum metric_dim dim)
{
    const struct metrics_setup *s = metrics_current();
    switch (dim) {
    case DIM_NONE:
        return 1;
    case DIM_PROVIDER:
        return METRIC_PROVIDER_ROWS;
    case DIM_ROUTE_METHOD:
        return (unsigned)s->routes_n + 1;
    case DIM_ROUTE:
        return metric_route_index(s->routes_n) + 1;
    case DIM_STATUS:
        return ARRAY_LEN(statuses) + 1;
    case DIM_OPERATION:
    case DIM_PROVIDER_OUTCOME:
    case DIM_SHED_REASON:
    case DIM_CONN_STATE:
    case DIM_CLOSED_REASON:
    case DIM_TEMPLATE:
    case DIM_NOTICE_OUTCOME:
    case DIM_OTP_OUTCOME:
    case DIM_BOOKING_OUTCOME:
    case DIM_DB_ERROR_CLASS:
    case DIM_ROLE:
    case DIM_EXIT_REASON:
    case DIM_WEBHOOK_OUTCOME:
    case DIM_PAYMENT_ACT:
        return fixed[dim].n;
    case DIM_COUNT:
        break;
    }
    ENSURE(dim < DIM_COUNT);
    return 0;
}
