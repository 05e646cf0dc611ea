/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Tells conditions to the operator's webhook and phones. Called by the keeper every two seconds,
 * with or without a database, and by the command alert-test. What was told lies in shared memory,
 * and is the keeper's alone; on several hosts each tells its own.
 */
#include "svc/alert.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/ensure.h"
#include "ext/hook.h"
#include "ext/sms.h"
#include "sys/json.h"
#include "sys/log.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

/* After a failure the next attempt is so far away, doubling up to the second figure. */
#define RETRY_FIRST_MS 5000
#define RETRY_MOST_MS 300000
/* One message may take a provider's whole time; what is due and does not fit waits for the next
 * run, two seconds later. */
#define LEAST_MS 1000

const char *const alert_event_names[] = {[ALERT_NONE] = "alert.test",
                                         [ALERT_BEGAN] = "condition.began",
                                         [ALERT_REPEATED] = "condition.repeated",
                                         [ALERT_ENDED] = "condition.ended"};

/* In the area of shared memory that conditions.c keeps for the keeper. For each channel: what was
 * told of each condition, how many messages the limit has counted, and whether it is failing. */
struct alert_state {
    struct alert_told told[ALERT_CHANNELS][CONDITION_COUNT];
    struct {
        struct wall begun; /* of the window that alerts.limit counts in */
        int64_t sent;
        bool failing;
        struct wall again; /* no attempt before */
        int64_t pause_ms;
    } channels[ALERT_CHANNELS];
};
_Static_assert(sizeof(struct alert_state) <= CONDITIONS_KEEPER_BYTES, "it has room");
static struct alert_state *alert_state; /* outlives a keeper: what was told is not told again */

/* Without a receiver a channel is never tried, and cannot fail. */
static bool alert_channel_used(const struct config *cfg, enum alert_channel channel)
{
    return channel == ALERT_WEBHOOK ? cfg->alerts.provider >= 0 && cfg->alerts.webhook
                                    : cfg->alerts.sms_provider >= 0 && cfg->alerts.sms_to_n > 0;
}

/* An end comes before a new beginning: a condition that ended and began again between two runs is
 * first told as ended. Only what was told is told as ended. */
enum alert_event alert_due(const struct config *cfg, const struct conditions *c, enum condition id,
                           const struct alert_told *told, struct wall now)
{
    /* `since` names the occurrence: another start is another one, even if no run saw the end
     * between. */
    const struct wall since = c->at[id].since;
    if (told->told && (!c->at[id].holds || since.us != told->since.us))
        return ALERT_ENDED;
    if (!c->at[id].holds)
        return ALERT_NONE;
    if (!told->told)
        return wall_us_between(since, now) >= cfg->alerts.after_ms * 1000 ? ALERT_BEGAN
                                                                          : ALERT_NONE;
    return wall_us_between(told->last, now) >= cfg->alerts.repeat_ms * 1000 ? ALERT_REPEATED
                                                                            : ALERT_NONE;
}

/* ---- messages ---- */

/* One message, before it has the form of a channel. ALERT_NONE: the test message. */
struct alert {
    enum alert_event event;
    enum condition id;
    double value;
    struct wall since;
    int64_t times;
};

/* Several hosts may share one receiver; the name says which of them speaks. */
static const char *alert_host(struct arena *a)
{
    char name[128] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !*name)
        return "localhost";
    return arena_strdup(a, name);
}

/* The same for each attempt at one message, so that its receiver can drop a second one. */
static const char *alert_id(struct arena *a, const struct alert *al)
{
    char hash[SHA256_HEX_MAX];
    const char *text = arena_printf(a, "%s %s %" PRId64 " %" PRId64 " %s", alert_host(a),
                                    al->event == ALERT_NONE ? "test" : condition_rows[al->id].name,
                                    al->since.us, al->times, alert_event_names[al->event]);
    digest_sha256_hex(str_of(text), hash);
    return arena_printf(a, "msg_%.32s", hash);
}

/* One line for a chat or a phone. */
static const char *alert_line(struct arena *a, const struct alert *al)
{
    const char *host = alert_host(a);
    if (al->event == ALERT_NONE)
        return arena_printf(a, "bookingd on %s: a test, nothing is wrong.", host);
    const struct condition_row *row = &condition_rows[al->id];
    if (al->event == ALERT_ENDED)
        return arena_printf(a, "bookingd on %s, resolved: %s", host, row->name);
    return arena_printf(a, "bookingd on %s, %s: %s (%s)", host, severity_names[row->severity],
                        condition_summary(a, al->id, al->value, LOCALE_EN), row->name);
}

/* The data of the standard form. Names of members are read by programs; they do not change. */
static json_t *alert_data(struct arena *a, const struct alert *al)
{
    json_t *data = json_obj(a);
    json_put_str(a, data, "host", alert_host(a));
    json_put_str(a, data, "version", PACKAGE_VERSION);
    json_put_str(a, data, "text", alert_line(a, al));
    if (al->event == ALERT_NONE)
        return data;
    const struct condition_row *row = &condition_rows[al->id];
    json_put_str(a, data, "name", row->name);
    json_put_str(a, data, "severity", severity_names[row->severity]);
    json_put_str(a, data, "status", al->event == ALERT_ENDED ? "resolved" : "firing");
    json_put_time(a, data, "since", wall_whole_seconds(al->since));
    json_put_str(a, data, "summary", condition_summary(a, al->id, al->value, LOCALE_EN));
    json_put_str(a, data, "action", row->action[LOCALE_EN]);
    return data;
}

/* alerts.form text: {"text": ...} is what Slack, Teams and most chats take. */
static struct str alert_body(struct svc *s, const struct alert *al)
{
    struct arena *a = s->arena;
    json_t *j = json_obj(a);
    if (s->cfg->alerts.form == ALERT_TEXT) {
        json_put_str(a, j, "text",
                     al->event == ALERT_NONE || al->event == ALERT_ENDED
                         ? alert_line(a, al)
                         : arena_printf(a, "%s\n%s", alert_line(a, al),
                                        condition_rows[al->id].action[LOCALE_EN]));
        return json_text(a, j);
    }
    json_put_str(a, j, "type", alert_event_names[al->event]);
    /* type, timestamp and data are the form of Standard Webhooks, which receivers have libraries
     * for. */
    json_put_time(a, j, "timestamp", wall_whole_seconds(wall_now()));
    json_put(a, j, "data", alert_data(a, al));
    return json_text(a, j);
}

/* Signed where a secret is configured (ext/hook.c). */
static struct ext_result alert_post(struct svc *s, const struct alert *al)
{
    return hook_post(s->ext, s->arena,
                     &(struct hook){.provider = s->cfg->alerts.provider,
                                    .url = s->cfg->alerts.webhook,
                                    .secret = s->cfg->alerts.webhook_secret,
                                    .id = alert_id(s->arena, al),
                                    .sent_at = wall_now(),
                                    .body = alert_body(s, al),
                                    .request_id = s->request_id},
                     s->deadline);
}

/* To all phones; one that fails fails the message, and all get it again. */
static struct ext_result alert_text_phones(struct svc *s, const struct alert *al)
{
    struct ext_result r = {.err = ERR_OK};
    for (size_t i = 0; i < s->cfg->alerts.sms_to_n && r.err == ERR_OK; i++) {
        const char *id;
        r = sms_send(s->ext, s->arena,
                     &(struct sms){.provider = s->cfg->alerts.sms_provider,
                                   .to = s->cfg->alerts.sms_to[i],
                                   .text = alert_line(s->arena, al),
                                   .id = alert_id(s->arena, al),
                                   .request_id = s->request_id,
                                   .op = PROVIDER_OP_SMS_NOTIFICATION},
                     s->deadline, &id);
    }
    return r;
}

/* Both are calls of ext with its limits: breaker, bulkhead and deadline hold for alerts too. */
static struct ext_result alert_send(struct svc *s, enum alert_channel channel,
                                    const struct alert *al)
{
    return channel == ALERT_WEBHOOK ? alert_post(s, al) : alert_text_phones(s, al);
}

/* ---- telling ---- */

/* Whether alerts.limit leaves room for one more. */
static bool alert_take_one(const struct config *cfg, enum alert_channel channel, struct wall now)
{
    const int64_t age_us = wall_us_between(alert_state->channels[channel].begun, now);
    /* A negative age is a clock that was set back: the window begins anew instead of lasting for
     * hours. */
    if (age_us < 0 || age_us >= cfg->alerts.limit.per_ms * 1000) {
        alert_state->channels[channel].begun = now;
        alert_state->channels[channel].sent = 0;
    }
    if (alert_state->channels[channel].sent >= cfg->alerts.limit.count)
        return false;
    alert_state->channels[channel].sent++;
    return true;
}

/* The whole channel pauses: what fails for one message fails for the next as well. */
static void alert_note_failure(enum alert_channel channel, struct wall now)
{
    int64_t pause_ms = alert_state->channels[channel].pause_ms * 2;
    if (pause_ms < RETRY_FIRST_MS)
        pause_ms = RETRY_FIRST_MS;
    alert_state->channels[channel].failing = true;
    alert_state->channels[channel].pause_ms = pause_ms < RETRY_MOST_MS ? pause_ms : RETRY_MOST_MS;
    alert_state->channels[channel].again = wall_after_ms(now, pause_ms);
}

/* Only after the message was sent: one that failed is due again. */
static void alert_note_told(struct alert_told *told, const struct alert *al, struct wall now)
{
    if (al->event == ALERT_ENDED) {
        *told = (struct alert_told){.told = false};
        return;
    }
    told->told = true;
    told->since = al->since;
    told->last = now;
    told->times = al->times;
}

/* False: it could not be sent, and nothing more is tried over this channel for a while. */
static bool alert_tell(struct svc *s, enum alert_channel channel, enum condition id,
                       const struct conditions *c)
{
    struct alert_told *told = &alert_state->told[channel][id];
    const struct wall now = wall_now();
    struct alert al = {.event = alert_due(s->cfg, c, id, told, now),
                       .id = id,
                       .value = c->at[id].value,
                       .since = told->told ? told->since : c->at[id].since,
                       .times = told->told ? told->times + 1 : 1};
    if (al.event == ALERT_NONE)
        return true;
    /* Counted before the call: attempts that fail cost the receiver's patience, too. */
    if (!alert_take_one(s->cfg, channel, now))
        return false;
    struct ext_result r = alert_send(s, channel, &al);
    if (r.err != ERR_OK) {
        alert_note_failure(channel, now);
        LOG(LOG_LEVEL_WARN, "alert.unsent", F_STR("condition", condition_rows[id].name),
            F_STR("channel", channel == ALERT_WEBHOOK ? "webhook" : "sms"), F_ERR(r.err),
            F_STR("detail", r.detail));
        return false;
    }
    LOG(LOG_LEVEL_INFO, "alert.sent", F_STR("condition", condition_rows[id].name),
        F_STR("channel", channel == ALERT_WEBHOOK ? "webhook" : "sms"),
        F_STR("kind", alert_event_names[al.event]));
    alert_note_told(told, &al, now);
    /* One success ends the pause and its doubling: the receiver is back. */
    alert_state->channels[channel].failing = false;
    alert_state->channels[channel].pause_ms = 0;
    return true;
}

/* A channel that has just failed rests; its own failure is a condition like others, told by the
 * other channel. */
static void alert_tell_channel(struct svc *s, enum alert_channel channel,
                               const struct conditions *c)
{
    const int64_t left_us = wall_us_between(wall_now(), alert_state->channels[channel].again);
    const enum severity least =
        channel == ALERT_SMS ? (enum severity)s->cfg->alerts.sms_severity : SEVERITY_TICKET;
    /* A clock that was set back must not silence alerts for long. */
    if (alert_state->channels[channel].failing && left_us > 0 &&
        left_us <= RETRY_MOST_MS * INT64_C(1000))
        return;
    /* The worst first: when time or the limit ends the run, what is left out is what can wait. */
    for (unsigned severity = SEVERITY_COUNT; severity-- > least;)
        for (unsigned i = 0; i < CONDITION_COUNT; i++)
            if (condition_rows[i].severity == severity &&
                deadline_left_ms(s->deadline) > LEAST_MS &&
                !alert_tell(s, channel, (enum condition)i, c))
                return;
}

enum err alert_task(struct svc *s)
{
    struct conditions c;
    bool failing = false;
    /* NULL as long as the master has not laid it out. */
    alert_state = conditions_keeper_area();
    if (!alert_state)
        return ERR_OK;
    conditions_read(&c);
    for (unsigned channel = 0; channel < ALERT_CHANNELS; channel++) {
        if (!alert_channel_used(s->cfg, (enum alert_channel)channel))
            continue;
        alert_tell_channel(s, (enum alert_channel)channel, &c);
        failing |= alert_state->channels[channel].failing;
    }
    conditions_set_unsent(failing);
    return ERR_OK;
}

/* Past limit and pauses: an operator who asks wants to see now whether it arrives. */
enum err alert_test(struct svc *s, enum alert_channel channel, const char **detail)
{
    const struct alert al = {.event = ALERT_NONE, .since = wall_now(), .times = 1};
    *detail = NULL;
    if (!alert_channel_used(s->cfg, channel))
        return ERR_NOT_FOUND;
    struct ext_result r = alert_send(s, channel, &al);
    *detail = r.detail;
    return r.err;
}
