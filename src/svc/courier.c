/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a courier does with a row: claims it, sends it, decides what becomes of it. Called by
 * roles/courier.c; the tasks at the end by the keeper.
 *
 * The call is made outside any transaction. The number of the claim is the fence: whoever lost its
 * claim (to the keeper, to staff) stores nothing any more.
 */
#include "svc/courier.h"

#include <stdlib.h>

#include "base/names.h"
#include "base/rng.h"
#include "ext/sms.h"
#include "notification_priv.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* Beyond the provider's time limit: for the way to the call and the way back (BEHAVIOUR §13). */
#define CLAIM_GRACE_MS 5000
/* A call is begun only so soon after its claim that it ends before the claim does. */
#define CLAIM_BEGIN_MS 4000
/* Waits between two attempts: doubled each time. */
#define WAIT_FIRST_MS 1000
#define WAIT_MAX_MS 60000
/* Couriers that failed together must not come back together. */
#define WAIT_JITTER 0.2

const struct notification_move_row notification_moves[MOVE_COUNT] = {
#define MOVE(EVENT, FROM, TO, GIVES_BACK) [MOVE_##EVENT] = {PLACE_##FROM, PLACE_##TO, GIVES_BACK},
#include "domain/notification_moves.def"
};

/* Longer than any call can take: a claim that ends during its call would be sent twice. */
int64_t courier_claim_ms(const struct config *cfg)
{
    const int provider = cfg->notifications.provider;
    return (provider >= 0 ? cfg->providers[provider].timeout_ms : 0) + CLAIM_GRACE_MS;
}

/* "booking_reminder:86400:1767225600". */
int courier_lead_of(const char *event)
{
    static const int64_t leads_s[] = {900,   1800,  3600,  7200,   10800,  14400,
                                      21600, 43200, 86400, 172800, 259200, 604800};
    _Static_assert(ARRAY_LEN(leads_s) == REMINDER_LEAD_OTHER, "each label has its lead");
    struct str rest = str_of(event), name = str_cut(&rest, ':');
    const char *reminder = notification_template_names[NOTIFICATION_TEMPLATE_BOOKING_REMINDER];
    if (!str_eq(name, str_of(reminder)))
        return -1;
    /* Ends at the next colon by itself. Leads that no label has share one, so that the metric stays
     * small. */
    const long long lead_s = strtoll(rest.p, NULL, 10);
    int i = 0;
    while (i < REMINDER_LEAD_OTHER && leads_s[i] != lead_s)
        i++;
    return i;
}

/* ---- the round trip ---- */

/* Once for each row that has ended; a reminder is counted under its lead time as well. */
static void courier_count_end(const struct courier_result *r)
{
    METRIC_INC(M_NOTIFICATIONS, r->template, r->outcome);
    if (r->lead >= 0)
        METRIC_INC(M_REMINDERS, (unsigned)r->lead,
                   r->outcome == NOTIFICATION_OUTCOME_SENT ? REMINDER_OUTCOME_SENT
                   : r->overtaken                          ? REMINDER_OUTCOME_DROPPED
                                                           : REMINDER_OUTCOME_FAILED);
}

/* `was` says that the row took the result. Counted once: one that was in doubt may be in the row
 * already, and one that the keeper called interrupted was counted by it. */
static void courier_read_stored(struct db_rows rows, const struct courier_result *r)
{
    const char *was = db_get(rows, 0, "was");
    const bool first = was ? strcmp(was, "PENDING") == 0 : r->in_doubt;
    if (first && notification_moves[r->move].to != PLACE_WAITING)
        courier_count_end(r);
    if (!was && !r->in_doubt)
        LOG(LOG_LEVEL_WARN, "courier.result_late", F_STR("notification", r->id.s),
            F_INT("claim", r->claim));
}

/* One row at most. Its texts are on the arena of the turn, which lives until the call has ended. */
static void courier_read_claimed(struct db_rows rows, struct courier_turn *t)
{
    t->got = !db_is_null(rows, 0, "id");
    t->due = db_get_time(rows, 0, "due_us");
    if (!t->got)
        return;
    struct courier_row *row = &t->row;
    row->venue_id = db_get_uuid(rows, 0, "venue_id");
    row->id = db_get_uuid(rows, 0, "id");
    row->recipient = db_get(rows, 0, "recipient");
    row->body = db_get(rows, 0, "body");
    row->event = db_get_str(rows, 0, "event");
    row->template = notification_template_find(db_get_str(rows, 0, "template"));
    row->claim = db_get_int(rows, 0, "claim");
    row->attempts = db_get_int(rows, 0, "attempts");
    row->postponed = db_get_int(rows, 0, "waits");
    row->waited_ms = db_get_int(rows, 0, "waited_ms");
    row->expired = db_get_bool(rows, 0, "expired");
    row->stale = db_get_bool(rows, 0, "stale");
}

/* Waiting and held rows are both PENDING in the table; only sent and failed ones have ended. */
static const char *courier_status_of(const struct courier_result *r)
{
    switch (notification_moves[r->move].to) {
    case PLACE_SENT:
        return notification_status_names[NOTIFICATION_SENT];
    case PLACE_FAILED:
        return notification_status_names[NOTIFICATION_FAILED];
    case PLACE_WAITING:
    case PLACE_HELD:
    default:
        return notification_status_names[NOTIFICATION_PENDING];
    }
}

static const char *courier_text_or_null(const char *z)
{
    return *z ? z : NULL;
}

/* One statement stores the last result and claims the next row: a courier that has work needs one
 * round trip for each message. */
enum err courier_take_turn(struct svc *s, struct courier_turn *t)
{
    static const struct courier_result none = {.move = MOVE_NOT_SENT};
    const struct courier_result *r = t->result ? t->result : &none;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    t->got = false;
    /* Before the round trip, so that the claim seems older than it is and never younger. */
    t->row.taken_at = mono_now();
    int at = DB_ADD(
        b, &stmt_courier_turn, t->result ? r->venue_id.s : NULL, t->result ? r->id.s : NULL,
        db_int(b, r->claim), courier_status_of(r),
        notification_moves[r->move].to == PLACE_FAILED ? notification_outcome_names[r->outcome]
                                                       : NULL,
        courier_text_or_null(r->detail), courier_text_or_null(r->provider),
        courier_text_or_null(r->message_id), db_int(b, notification_moves[r->move].gives_back),
        db_int(b, r->again_ms), db_bool(r->longer), t->process->s,
        t->claim ? db_int(b, courier_claim_ms(s->cfg)) : NULL,
        t->since.us ? db_time(b, t->since) : "-infinity", db_bool(r->overtaken));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (t->result)
        courier_read_stored(db_result(b, at), t->result);
    courier_read_claimed(db_result(b, at), t);
    return ERR_OK;
}

/* ---- sending ---- */

/* Due again after a while that grows; the provider's own word, if it gave one, is kept. */
static void courier_wait_longer(const struct courier_row *row, long retry_after_s,
                                struct courier_result *out)
{
    const int64_t doubled =
        row->postponed < 6 ? (int64_t)WAIT_FIRST_MS << row->postponed : (int64_t)WAIT_MAX_MS;
    out->again_ms = rng_jitter_ms(doubled, WAIT_JITTER);
    if (out->again_ms > WAIT_MAX_MS)
        out->again_ms = WAIT_MAX_MS;
    /* After the maximum: a provider that asks for ten minutes gets them. */
    if (out->again_ms < (int64_t)retry_after_s * 1000)
        out->again_ms = (int64_t)retry_after_s * 1000;
    out->move = MOVE_NOT_SENT;
    out->longer = true;
}

/* The outcome table of BEHAVIOUR §13. */
static void courier_judge(const struct config *cfg, const struct courier_row *row,
                          const struct ext_result *sent, struct courier_result *out)
{
    out->outcome = notification_find_outcome(sent->err);
    switch (notification_attempt_outcome(sent)) {
    case ATTEMPT_OUTCOME_SENT:
        out->move = MOVE_TAKEN;
        break;
    case ATTEMPT_OUTCOME_REJECTED:
        out->move = MOVE_REFUSED;
        break;
    case ATTEMPT_OUTCOME_UNKNOWN:
        /* Once more is once: `attempts` counts the one that just ended. */
        out->move = cfg->notifications.on_unknown == ON_UNKNOWN_RESEND && row->attempts < 2
                        ? MOVE_AGAIN
                        : MOVE_UNKNOWN;
        out->again_ms = WAIT_FIRST_MS;
        break;
    case ATTEMPT_OUTCOME_NOT_SENT:
    case ATTEMPT_OUTCOME_INTERRUPTED:
    case ATTEMPT_OUTCOME_COUNT:
    default:
        courier_wait_longer(row, sent->retry_after_s, out);
        /* The breaker is the retry policy: the row waits for its probe, however often. */
        if (sent->circuit_open) {
            out->again_ms = (int64_t)sent->retry_after_s * 1000;
            out->longer = false;
        }
        break;
    }
}

/* The claim is noted on the board first: should this process die in the call, the others know that
 * the message may have gone out. */
static void courier_call(struct svc *s, const struct courier_row *row, struct courier_result *out)
{
    const int provider = s->cfg->notifications.provider;
    const struct sms m = {.provider = provider,
                          .to = row->recipient,
                          .text = row->body,
                          .id = row->id.s,
                          .request_id = s->request_id,
                          .op = PROVIDER_OP_SMS_NOTIFICATION};
    const char *message_id;
    notification_copy(out->provider, sizeof out->provider, s->cfg->providers[provider].name);
    /* Not after the call: between the two nobody could tell a message that was sent from one that
     * was not. */
    courier_board_call(row->id.s, row->claim);
    struct mono begun = mono_now();
    struct ext_result sent = sms_send(s->ext, s->arena, &m, s->deadline, &message_id);
    METRIC_INC(M_NOTIFICATION_ATTEMPTS, notification_attempt_outcome(&sent));
    courier_judge(s->cfg, row, &sent, out);
    if (out->move == MOVE_TAKEN) {
        notification_copy(out->message_id, sizeof out->message_id, message_id);
        METRIC_OBSERVE0(M_NOTIFICATION_DELAY, (double)row->waited_ms / 1000 +
                                                  mono_seconds_between(row->taken_at, mono_now()));
    } else {
        notification_copy(out->detail, sizeof out->detail, sent.detail);
    }
    LOG(LOG_LEVEL_DEBUG, "courier.called", F_STR("notification", row->id.s),
        F_STR("outcome", attempt_outcome_names[notification_attempt_outcome(&sent)]),
        F_MS("took", mono_ms_since(begun)));
}

/* Why it is not to be sent at all; NULL. */
static const char *courier_find_obstacle(const struct svc *s, const struct courier_row *row,
                                         enum notification_outcome *outcome)
{
    *outcome = NOTIFICATION_OUTCOME_EXPIRED;
    /* Before the age: a message about a booking that is gone is dropped for that reason, also when
     * it is old. */
    if (row->stale)
        return "the booking was cancelled or moved";
    if (row->expired)
        return row->recipient ? "too old to be of use" : "its recipient was erased";
    *outcome = NOTIFICATION_OUTCOME_PROVIDER_UNAVAILABLE;
    return s->cfg->notifications.provider < 0 ? "no provider is configured" : NULL;
}

/* What comes out is a move of notification_moves.def; the next turn stores it. */
void courier_send(struct svc *s, const struct courier_row *row, struct courier_result *out)
{
    *out = (struct courier_result){.venue_id = row->venue_id,
                                   .id = row->id,
                                   .claim = row->claim,
                                   .move = MOVE_DROP,
                                   .template = row->template,
                                   .lead = courier_lead_of(row->event),
                                   .overtaken = row->stale};
    const char *why = courier_find_obstacle(s, row, &out->outcome);
    if (why) {
        notification_copy(out->detail, sizeof out->detail, why);
    } else if (mono_ms_between(row->taken_at, mono_now()) > CLAIM_BEGIN_MS) {
        /* This process stood still. A call now might outlast the claim. */
        notification_copy(out->detail, sizeof out->detail, "claimed too long ago");
        out->move = MOVE_NOT_SENT;
    } else {
        courier_call(s, row, out);
    }
    if (notification_moves[out->move].to != PLACE_SENT)
        LOG(LOG_LEVEL_WARN,
            notification_moves[out->move].to == PLACE_FAILED ? "notification.failed"
                                                             : "notification.waits",
            F_STR("notification", out->id.s),
            F_STR("template", notification_template_names[out->template]),
            F_STR("error", notification_outcome_names[out->outcome]), F_STR("detail", out->detail),
            F_MS("again", (double)out->again_ms));
}

/* ---- rows of the dead ---- */

/* A row that was not called for becomes due again; the one that was called for ends as
 * interrupted. */
enum err courier_release(struct svc *s, const struct courier_hand *hand)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_courier_release, hand->process.s, courier_text_or_null(hand->called.s),
                    db_int(b, hand->called_claim));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && db_affected(db_result(b, at)) > 0)
        LOG(LOG_LEVEL_INFO, "courier.released", F_INT("rows", db_affected(db_result(b, at))));
    return e;
}

enum err courier_release_dead(struct svc *s)
{
    struct courier_hand hand;
    enum err e = ERR_OK;
    for (unsigned i = 0; e == ERR_OK && i < COURIER_GRAVES; i++) {
        /* Places of processes that ended without giving their rows back. */
        if (courier_board_grave(i, &hand))
            e = courier_release(s, &hand);
    }
    return e;
}

/* ---- tasks of the keeper ---- */

/* Rows that no courier took before they were too old, as when the provider was away for hours. */
enum err courier_task_expire(struct svc *s)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = db_add(b, &stmt_courier_expire, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    for (int i = 0; i < db_count(rows); i++) {
        const struct courier_result r = {
            .move = MOVE_EXPIRE,
            .outcome = NOTIFICATION_OUTCOME_EXPIRED,
            .template = notification_template_find(db_get_str(rows, i, "template")),
            .lead = courier_lead_of(db_get_str(rows, i, "event"))};
        if (r.template <NOTIFICATION_TEMPLATE_COUNT)
            courier_count_end(&r);
    }
    if (db_count(rows) > 0)
        LOG(LOG_LEVEL_WARN, "notifications.expired", F_INT("rows", db_count(rows)));
    return ERR_OK;
}

/* Asked only while it matters: a configuration that has couriers anyway needs no word. */
enum err courier_task_watch(struct svc *s)
{
    enum err e = courier_release_dead(s);
    if (e != ERR_OK || s->cfg->notifications.couriers == 0 || courier_board_wanted() ||
        s->cfg->notifications.delivery == DELIVERY_DEFERRED ||
        s->cfg->notifications.reminders_n > 0)
        return e;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int at = db_add(b, &stmt_courier_wanted, NULL, 0);
    e = db_run(b, s->deadline);
    if (e == ERR_OK && db_get_bool(db_result(b, at), 0, "wanted")) {
        LOG(LOG_LEVEL_INFO, "couriers.wanted",
            F_STR("reason", "rows wait for couriers, or venues have reminders of their own"));
        courier_board_want();
    }
    return e;
}
