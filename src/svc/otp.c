/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One-time passwords: the sending. Called by the handlers of /v1/otp and /v1/me/phone. Limits and
 * challenge are one statement and one commit; the SMS goes out afterwards; its result is stored
 * last. The database holds no code, only an HMAC of it. */
#include "svc/otp.h"

#include "base/rng.h"
#include "base/template.h"
#include "domain/metrics.h"
#include "ext/sms.h"
#include "otp_priv.h"
#include "svc/phone.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* Nothing changes by itself when no provider is configured: a client that asks again each minute
 * costs nothing. */
#define UNCONFIGURED_RETRY_S 60
/* A request ends with its budget or a little later; the next one with its key waits for that. */
#define ANSWER_MARGIN_MS 2000

/* All that one request needs on its way through this file. */
struct sending {
    const struct otp_send *in;
    struct otp_sent *out;
    char code[OTP_CODE_MAX + 1];
    char mac[SHA256_HEX_MAX];
    const char *phone_key, *key_hash, *from;
    const char *cooldown; /* rate subject; NULL: no cooldown is configured */
    const char *fixed;    /* the code of a test number; NULL: a real phone */
    enum locale locale;
};

/* Over id and phone as well: a code fits one challenge of one phone, and equal codes have different
 * hashes. */
void otp_code_mac(struct svc *s, const char *id, const char *phone, const char *code,
                  char hex[SHA256_HEX_MAX])
{
    unsigned char mac[SHA256_LEN];
    char *text = arena_printf(s->arena, "otp %s %s %s", id, phone, code);
    digest_hmac_sha256((struct str){s->cfg->otp.secret, s->cfg->otp.secret_len}, str_of(text), mac);
    digest_hex(mac, sizeof mac, hex);
    digest_wipe(text, strlen(text));
}

/* Hashed: what a client puts into a key is unknown, and may be personal. */
const char *otp_key_hash(struct svc *s, const char *key)
{
    if (!key)
        return NULL;
    char *hex = arena_alloc(s->arena, SHA256_HEX_MAX);
    digest_sha256_hex(str_of(key), hex);
    return hex;
}

/* Phone and address as one subject: that this address signed this phone in before. */
const char *otp_known_address(struct svc *s, const char *phone, const char *client_address)
{
    return rate_subject(
        s, "otp-known",
        arena_printf(s->arena, "%s %s", phone, rate_address(s->arena, client_address)));
}

/* Logged at every refusal: many of them for one phone are somebody guessing codes. */
void otp_count_locked(const char *phone)
{
    METRIC_INC(M_OTP, OTP_OUTCOME_THROTTLED, OTP_SCOPE_FAILURES);
    LOG(LOG_LEVEL_WARN, "otp.throttled", F_STR("scope", otp_scope_names[OTP_SCOPE_FAILURES]),
        F_PHONE("phone", phone));
}

/* ---- limits ---- */

/* What is counted for a code, in the order in which it is told. */
struct otp_limits {
    struct rate rates[RATES_MAX];
    enum otp_scope scopes[RATES_MAX];
    size_t n;
};

static void otp_add_limit(struct otp_limits *l, enum otp_scope scope, const char *subject,
                          struct rate_limit limit)
{
    l->scopes[l->n] = scope;
    l->rates[l->n++] = (struct rate){subject, limit.count, limit.per_ms};
}

/* The narrowest limit comes first: it is the one whose waiting time helps the caller most. */
static void otp_list_limits(struct svc *s, const struct sending *w, struct otp_limits *l)
{
    const struct config *cfg = s->cfg;
    const char *phone = w->out->phone, *address = w->in->client_address;
    const char *network = rate_network(s->arena, address);
    l->n = 0;
    if (w->cooldown)
        otp_add_limit(l, OTP_SCOPE_PHONE, w->cooldown,
                      (struct rate_limit){1, cfg->otp.resend_cooldown_ms});
    otp_add_limit(l, OTP_SCOPE_PHONE, rate_subject(s, OTP_RATE_PHONE, phone), cfg->otp.per_phone);
    otp_add_limit(l, OTP_SCOPE_ADDRESS,
                  rate_subject(s, "otp-address", rate_address(s->arena, address)),
                  cfg->otp.per_address);
    /* NULL for IPv4, of which one address is the narrowest that is counted. */
    if (network)
        otp_add_limit(l, OTP_SCOPE_NETWORK, rate_subject(s, "otp-network", network),
                      cfg->otp.per_network);
    otp_add_limit(l, OTP_SCOPE_TOTAL, "otp-total", cfg->otp.total);
}

/*
 * The limits of an address that never signed the phone in, when others did: a third of the phone's
 * quota, to the nearest whole, is kept for those (BEHAVIOUR §5).
 */
static void otp_cut_limits(struct svc *s, const struct sending *w, struct otp_limits *l)
{
    int64_t *count = &l->rates[w->cooldown ? 1 : 0].count;
    *count = s->cfg->otp.per_phone.count - (s->cfg->otp.per_phone.count + 1) / 3;
}

/* `denied` is the first limit in the list that had no room; nothing was counted for any of them. */
static enum err otp_refuse(struct sending *w, const struct otp_limits *l, struct db_rows rows)
{
    struct otp_sent *out = w->out;
    if (!db_is_null(rows, 0, "locked_s")) {
        out->retry_after_s = (long)db_get_int(rows, 0, "locked_s");
        out->scope = otp_scope_names[OTP_SCOPE_FAILURES];
        otp_count_locked(out->phone);
        return ERR_OTP_LOCKED;
    }
    size_t i = (size_t)db_get_int(rows, 0, "denied") - 1;
    out->retry_after_s = (long)db_get_int(rows, 0, "retry_after_s");
    METRIC_INC(M_OTP, OTP_OUTCOME_THROTTLED, l->scopes[i]);
    /* The cooldown passes soon, so it has a code of its own: a page can count it down. */
    if (w->cooldown && i == 0)
        return ERR_OTP_COOLDOWN;
    out->scope = otp_scope_names[l->scopes[i]];
    LOG(LOG_LEVEL_WARN, "otp.throttled", F_STR("scope", out->scope), F_PHONE("phone", out->phone));
    return ERR_OTP_QUOTA;
}

/* ---- the challenge ---- */

/* Words of a newer version read as "interrupted": unknown is the careful answer. */
static enum err otp_error_find(const char *code)
{
    for (int e = ERR_OK + 1; code && e < ERR_COUNT; e++)
        if (strcmp(err_code((enum err)e), code) == 0)
            return (enum err)e;
    return ERR_INTERRUPTED; /* its worker died before it could say */
}

/* By the database's clock, which the limits and the expiry use as well. */
static void otp_read_times(struct svc *s, struct db_rows rows, struct otp_sent *out)
{
    out->expires_at = db_get_time(rows, 0, "expires_us");
    out->resend_at =
        wall_after_ms(db_get_time(rows, 0, "created_us"), s->cfg->otp.resend_cooldown_ms);
}

/* The answer to the first request under this key, told again. */
static enum err otp_replay(struct svc *s, struct sending *w, struct db_rows rows)
{
    struct otp_sent *out = w->out;
    if (db_count(rows) == 0 || db_get_bool(rows, 0, "running"))
        return ERR_IDEM_IN_FLIGHT;
    if (!db_get_bool(rows, 0, "same"))
        return ERR_IDEM_MISMATCH;
    out->id = db_get_uuid(rows, 0, "id");
    /* The answer says so, and nothing is sent: a repeat costs neither an SMS nor quota. */
    out->replayed = true;
    otp_read_times(s, rows, out);
    METRIC_INC0(M_IDEMPOTENT_REPLAYS);
    if (strcmp(db_get_str(rows, 0, "status"), "sent") == 0)
        return ERR_OK;
    out->unknown = true;
    return otp_error_find(db_get(rows, 0, "error"));
}

/* ERR_ANSWERED: nothing is to be sent, *rows has what the first request made. Limits and challenge
 * in one statement: what is refused stores nothing (BEHAVIOUR §5). */
static enum err otp_begin(struct svc *s, struct sending *w, struct db_rows *repeat)
{
    struct otp_sent *out = w->out;
    struct otp_limits limits;
    struct rate_params p, cut;
    otp_list_limits(s, w, &limits);
    rate_params(s->arena, limits.rates, limits.n, &p);
    otp_cut_limits(s, w, &limits);
    rate_params(s->arena, limits.rates, limits.n, &cut);

    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_otp_begin, p.subjects, p.limits, p.windows_ms, out->id.s, out->phone,
                    w->mac, w->in->locale ? locale_names[*w->in->locale] : NULL,
                    db_int(b, s->cfg->otp.ttl_ms), locale_names[w->in->reader], w->phone_key,
                    db_int(b, OTP_FAILURES_MAX), cut.limits,
                    otp_known_address(s, out->phone, w->in->client_address), w->key_hash, w->from,
                    db_int(b, deadline_left_ms(s->deadline) + ANSWER_MARGIN_MS), w->in->customer);
    int again = w->key_hash ? DB_ADD(b, &stmt_otp_repeat, w->key_hash, out->phone, w->from) : -1;
    enum err e = db_run(b, s->deadline);
    if (e == ERR_COMMIT_UNKNOWN) /* nothing was sent: at worst one of the quota is gone */
        return ERR_DB_UNAVAILABLE;
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    if (db_get_bool(rows, 0, "repeated")) {
        *repeat = db_result(b, again);
        return ERR_ANSWERED;
    }
    if (db_is_null(rows, 0, "locale"))
        return otp_refuse(w, &limits, rows);
    w->locale = customer_locale(db_get_str(rows, 0, "locale"));
    otp_read_times(s, rows, out);
    return ERR_OK;
}

/* ---- the message ---- */

/* With the last line by which phones find the code and offer it to that site alone (WICG,
 * "Origin-bound one-time codes delivered via SMS"). */
static const char *otp_message(struct svc *s, const struct sending *w)
{
    const struct template_var code = {"code", w->code};
    const struct template_values values = {.vars = &code, .n = 1};
    const char *template = s->cfg->otp.messages[w->locale];
    struct sb text;
    sb_init(&text, s->arena, strlen(template) + OTP_CODE_MAX);
    template_add(&text, template, &values);
    if (s->cfg->otp.autofill[0])
        sb_printf(&text, "\n@%s #%s", s->cfg->otp.autofill, w->code);
    return sb_str(&text).p;
}

/* The challenge works whatever becomes of this: 'sending' is as good as 'unknown'. So a failure is
 * a line in the log. */
static void otp_store_result(struct svc *s, const struct sending *w, const struct ext_result *sms)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_otp_result, w->out->id.s,
           sms->outcome == OUTCOME_OK ? "sent" : outcome_names[sms->outcome],
           sms->err == ERR_OK ? NULL : err_code(sms->err));
    /* No SMS went out, so the customer may ask again at once. */
    if (sms->outcome == OUTCOME_FAILED && w->cooldown)
        DB_ADD(b, &stmt_otp_give_back, w->cooldown);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        LOG(LOG_LEVEL_WARN, "otp.result_not_stored", F_STR("otp", w->out->id.s), F_ERR(e));
}

/* The provider has what is left of the request, less the time to store the result. */
static enum err otp_deliver(struct svc *s, struct sending *w)
{
    static const unsigned counted[] = {[OUTCOME_OK] = OTP_OUTCOME_SENT,
                                       [OUTCOME_FAILED] = OTP_OUTCOME_SEND_FAILED,
                                       [OUTCOME_UNKNOWN] = OTP_OUTCOME_SEND_UNKNOWN};
    const char *message_id;
    const struct sms sms = {.provider = s->cfg->otp.provider,
                            .to = w->out->phone,
                            .text = otp_message(s, w),
                            .code = w->code,
                            .id = w->out->id.s,
                            .request_id = s->request_id,
                            .traceparent = s->traceparent,
                            .op = PROVIDER_OP_SMS_OTP};
    struct ext_result result =
        sms_send(s->ext, s->arena, &sms, deadline_before(s->deadline, SVC_STORE_MS), &message_id);
    otp_store_result(s, w, &result);
    METRIC_INC(M_OTP, counted[result.outcome], OTP_SCOPE_NONE);
    if (result.err != ERR_OK) {
        LOG(LOG_LEVEL_WARN, "otp.send_failed", F_STR("otp", w->out->id.s),
            F_PHONE("phone", w->out->phone), F_ERR(result.err),
            F_STR("outcome", outcome_names[result.outcome]),
            F_STR("detail", result.detail ? result.detail : ""));
    }
    w->out->unknown = result.outcome == OUTCOME_UNKNOWN;
    w->out->retry_after_s = result.retry_after_s;
    /* A wrong number is the client's to correct (422); all else that a provider refuses is not. */
    if (result.err == ERR_PROVIDER_REJECTED)
        w->out->refusal_class = refusal_class(result.refusal);
    return result.err == ERR_PROVIDER_REJECTED && result.refusal == REFUSAL_NUMBER
               ? ERR_PHONE_INVALID
               : result.err;
}

/* A test number has its code from the configuration, and no message is sent. */
static void otp_deliver_test(struct svc *s, const struct sending *w)
{
    const struct ext_result taken = {.err = ERR_OK, .outcome = OUTCOME_OK};
    otp_store_result(s, w, &taken);
    METRIC_INC(M_OTP, OTP_OUTCOME_TEST, OTP_SCOPE_NONE);
}

/* Everything that the statement needs, made before the transaction: no lock waits for a hash. */
static void otp_prepare(struct svc *s, struct sending *w)
{
    struct otp_sent *out = w->out;
    if (s->cfg->otp.resend_cooldown_ms > 0)
        w->cooldown = rate_subject(s, OTP_RATE_COOLDOWN, out->phone);
    w->phone_key = rate_subject(s, OTP_RATE_FAILURES, out->phone);
    w->from = rate_subject(s, "otp-from", rate_address(s->arena, w->in->client_address));
    w->key_hash = otp_key_hash(s, w->in->key);
    if (w->fixed)
        memcpy(w->code, w->fixed, strlen(w->fixed) + 1);
    else
        rng_digits(w->code, (size_t)s->cfg->otp.code_length);
    otp_code_mac(s, out->id.s, out->phone, w->code, w->mac);
}

/* The challenge is committed before the SMS is sent: whatever the provider says, the code in the
 * message works. */
enum err otp_send(struct svc *s, const struct otp_send *in, struct otp_sent *out)
{
    *out = (struct otp_sent){.id = uuid_new()};
    struct sending w = {.in = in, .out = out};
    struct db_rows repeat;
    enum err e = ERR_OK;
    if (!phone_find_test(s->cfg, s->arena, in->phone, &out->phone, &w.fixed))
        e = phone_normalise(s->cfg, s->arena, in->phone, PHONE_SERVED, &out->phone);
    if (e != ERR_OK)
        return e;
    /* Before anything is counted: a service that cannot send must not use up the customer's
     * quota. */
    if (!s->cfg->otp.secret || (!w.fixed && (s->cfg->otp.provider < 0 || !s->ext))) {
        out->retry_after_s = UNCONFIGURED_RETRY_S;
        return ERR_PROVIDER_UNAVAILABLE;
    }
    otp_prepare(s, &w);
    e = otp_begin(s, &w, &repeat);
    if (e == ERR_ANSWERED)
        e = otp_replay(s, &w, repeat);
    else if (e == ERR_OK && w.fixed)
        otp_deliver_test(s, &w);
    else if (e == ERR_OK)
        e = otp_deliver(s, &w);
    /* A code that stays in memory is one that a later fault could show. */
    digest_wipe(w.code, sizeof w.code);
    return e;
}
