/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sending notifications: the row in the transaction of a change, the message after its commit.
 * Called by the booking services, and by the resends of staff. A failure here never fails the
 * request: it ends as a row (BEHAVIOUR §4). With notifications.delivery "deferred", and for
 * reminders, only the row is written here, and a courier sends the message (courier.c). */
#include "svc/notification.h"

#include "svc/svc_sql.h"
#include <stdio.h>

#include "base/names.h"
#include "ext/sms.h"
#include "notification_priv.h"
#include "svc/ratelimit.h"
#include "sys/log.h"
#include "sys/wake.h"

/* The last part of a request is not a provider's: the result has to be stored and the answer
 * written (BEHAVIOUR §3). */
#define KEEP_MS 100
/* With less than this beyond it a call is not begun. */
#define TRY_MIN_MS 100
/* A sender that has not reported this long after its budget ended is dead; the keeper comes by
 * within seconds, so that the row is FAILED within the 60 s of the contract. */
#define REPORT_GRACE_MS 5000
/* 60 s of the contract, less the keeper's period of 1 s and the longest run of its other tasks. */
#define SEND_BY_MAX_MS 50000

/* Rendered now: what the customer is told is what was true at the commit. */
void notification_enqueue(struct svc *s, struct db_batch *b, struct notification *n)
{
    n->id = uuid_new();
    n->made_at = mono_now();
    n->body = notification_render(s->cfg, s->arena, n);
    const char *name = notification_template_names[n->template];
    const char *event =
        n->event ? n->event
                 : arena_printf(s->arena, "%s:%lld", name, (long long)n->booking_version);
    const bool waits = n->by_courier || s->cfg->notifications.delivery == DELIVERY_DEFERRED;
    int64_t expires_ms = s->cfg->notifications.expire_after_ms;
    if (n->expires_ms > 0 && n->expires_ms < expires_ms)
        expires_ms = n->expires_ms;
    const struct rate_limit *phone = &s->cfg->notifications.per_phone,
                            *customer = &s->cfg->notifications.per_customer;
    const struct rate rates[] = {
        {rate_subject(s, NOTIFICATION_RATE_PHONE, n->recipient), phone->count, phone->per_ms},
        {"", customer->count, customer->per_ms}};
    struct rate_params p;
    rate_params(s->arena, rates, ARRAY_LEN(rates), &p);
    /* Read after the commit, by notification_was_throttled(). */
    n->batch = b;
    n->batch_at = DB_ADD(b, &stmt_notification_enqueue, n->venue_id, n->id.s, n->booking_id, event,
                         name, locale_names[n->locale], n->recipient, n->body,
                         waits ? NULL : db_int(b, notification_send_by_ms(s)),
                         db_int(b, expires_ms), rates[0].subject, p.limits, p.windows_ms);
}

/* A quota was used up when the row was written: it is FAILED already, and the booking stands. */
static bool notification_was_throttled(const struct notification *n)
{
    struct db_rows row = db_result(n->batch, n->batch_at);
    if (db_count(row) == 0 || !db_get_bool(row, 0, "throttled"))
        return false;
    METRIC_INC(M_NOTIFICATIONS, n->template, NOTIFICATION_OUTCOME_THROTTLED);
    LOG(LOG_LEVEL_WARN, "notification.failed", F_STR("notification", n->id.s),
        F_STR("template", notification_template_names[n->template]),
        F_STR("error", notification_outcome_names[NOTIFICATION_OUTCOME_THROTTLED]),
        F_PHONE("phone", n->recipient));
    return true;
}

/* A courier sends it. */
static bool notification_waits(const struct notification *n)
{
    struct db_rows row = db_result(n->batch, n->batch_at);
    return db_count(row) == 1 && db_get_bool(row, 0, "waits");
}

/* Relative, in milliseconds: the database adds it to its own clock, which the keeper compares
 * with. */
int64_t notification_send_by_ms(const struct svc *s)
{
    int64_t ms = (int64_t)deadline_left_ms(s->deadline) + REPORT_GRACE_MS;
    return ms < SEND_BY_MAX_MS ? ms : SEND_BY_MAX_MS;
}

/* A call that is cut off before any provider can answer would only make the outcome unknown. */
bool notification_has_time(const struct svc *s)
{
    return deadline_left_ms(deadline_before(s->deadline, KEEP_MS)) >= TRY_MIN_MS;
}

/* NOTIFICATION_TEMPLATE_COUNT for a name of another version: such a row is left as it is. */
enum notification_template notification_template_find(const char *name)
{
    const int i = name_find(notification_template_names, NOTIFICATION_TEMPLATE_COUNT, str_of(name));
    return i >= 0 ? (enum notification_template)i : NOTIFICATION_TEMPLATE_COUNT;
}

/* Whatever else went wrong is the provider's failure to whoever reads the list. */
enum notification_outcome notification_find_outcome(enum err e)
{
    static const struct {
        enum err err;
        enum notification_outcome outcome;
    } map[] = {
        {ERR_OK, NOTIFICATION_OUTCOME_SENT},
        {ERR_PROVIDER_REJECTED, NOTIFICATION_OUTCOME_PROVIDER_REJECTED},
        {ERR_PROVIDER_TIMEOUT, NOTIFICATION_OUTCOME_PROVIDER_TIMEOUT},
        {ERR_PROVIDER_UNAVAILABLE, NOTIFICATION_OUTCOME_PROVIDER_UNAVAILABLE},
        {ERR_DEADLINE, NOTIFICATION_OUTCOME_DEADLINE},
    };
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].err == e)
            return map[i].outcome;
    }
    return NOTIFICATION_OUTCOME_PROVIDER_FAILED;
}

/* Fixed sizes: a result may wait longer than the request's memory lives. What is too long is
 * cut. */
void notification_copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from ? from : "");
}

/* A refusal for the account (credit, credentials) is no word about this message: it was not sent,
 * and may be sent later. */
enum attempt_outcome notification_attempt_outcome(const struct ext_result *r)
{
    if (r->err == ERR_OK)
        return ATTEMPT_OUTCOME_SENT;
    if (r->outcome == OUTCOME_UNKNOWN)
        return ATTEMPT_OUTCOME_UNKNOWN;
    return r->err == ERR_PROVIDER_REJECTED && r->refusal != REFUSAL_ACCOUNT
               ? ATTEMPT_OUTCOME_REJECTED
               : ATTEMPT_OUTCOME_NOT_SENT;
}

static void notification_call_provider(struct svc *s, const struct notification_try *t,
                                       struct notification_result *r)
{
    int provider = s->cfg->notifications.provider;
    const struct sms m = {.provider = provider,
                          .to = t->recipient,
                          .text = t->body,
                          .id = t->id,
                          .request_id = s->request_id,
                          .traceparent = s->traceparent,
                          .op = PROVIDER_OP_SMS_NOTIFICATION};
    const char *message_id;

    notification_copy(r->provider, sizeof r->provider, s->cfg->providers[provider].name);
    struct ext_result sent =
        sms_send(s->ext, s->arena, &m, deadline_before(s->deadline, KEEP_MS), &message_id);
    r->outcome = notification_find_outcome(sent.err);
    /* A message that was not tried does not count as an attempt. */
    r->tried = r->outcome != NOTIFICATION_OUTCOME_DEADLINE;
    if (r->tried)
        METRIC_INC(M_NOTIFICATION_ATTEMPTS, notification_attempt_outcome(&sent));
    if (r->outcome == NOTIFICATION_OUTCOME_SENT) {
        notification_copy(r->message_id, sizeof r->message_id, message_id);
        if (t->made_at.ns != 0)
            METRIC_OBSERVE0(M_NOTIFICATION_DELAY, mono_seconds_since(t->made_at));
    } else {
        notification_copy(r->detail, sizeof r->detail, sent.detail);
    }
}

/* Ends in notification_store() whatever happens: no way leads out of here without a result. */
enum notification_outcome notification_attempt(struct svc *s, const struct notification_try *t)
{
    struct notification_result r = {.template = t->template, .claim = t->claim};
    notification_copy(r.venue_id.s, sizeof r.venue_id.s, t->venue_id);
    notification_copy(r.id.s, sizeof r.id.s, t->id);
    if (t->expired) {
        r.outcome = NOTIFICATION_OUTCOME_EXPIRED;
        notification_copy(r.detail, sizeof r.detail, "too old to be of use");
    } else if (s->cfg->notifications.provider < 0 || !s->ext) {
        r.outcome = NOTIFICATION_OUTCOME_PROVIDER_UNAVAILABLE;
        notification_copy(r.detail, sizeof r.detail, "no provider is configured");
    } else if (!notification_has_time(s)) {
        r.outcome = NOTIFICATION_OUTCOME_DEADLINE;
        notification_copy(r.detail, sizeof r.detail,
                          "too little of the request's time was left to try");
    } else {
        notification_call_provider(s, t, &r);
    }
    if (r.outcome != NOTIFICATION_OUTCOME_SENT) {
        LOG(LOG_LEVEL_WARN, "notification.failed", F_STR("notification", r.id.s),
            F_STR("template", notification_template_names[r.template]),
            F_STR("error", notification_outcome_names[r.outcome]), F_STR("detail", r.detail));
    }
    notification_store(s, &r);
    return r.outcome;
}

/* Returns nothing on purpose: no caller can make a request fail because of a message. */
void notification_deliver(struct svc *s, const struct notification *n)
{
    struct notification_try t = {
        .venue_id = n->venue_id,
        .id = n->id.s,
        .recipient = n->recipient,
        .body = n->body,
        .template = n->template,
        .claim = 1, /* as notification_enqueue() wrote it */
        .made_at = n->made_at,
        .expired = mono_ms_between(n->made_at, mono_now()) > s->cfg->notifications.expire_after_ms,
    };
    if (notification_was_throttled(n))
        return;
    if (notification_waits(n)) {
        wake_signal(1);
        return;
    }
    (void)notification_attempt(s, &t);
}
