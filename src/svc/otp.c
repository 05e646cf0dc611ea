/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One-time passwords: sending a code, and signing in with it. Called by the handlers of /v1/otp. */
#include "svc/otp.h"

#include "base/rng.h"
#include "base/template.h"
#include "domain/metrics.h"
#include "ext/sms.h"
#include "svc/phone.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

#define CODE_MAX 10
/* What storing the result may take of the request's end. */
#define UNCONFIGURED_RETRY_S 60

/* ---- sending ---- */

struct sending {
    struct otp_sent *out;
    char code[CODE_MAX + 1];
    char mac[SHA256_HEX_MAX];
    const char *cooldown; /* rate subject; NULL: no cooldown is configured */
    enum locale locale;
};

static void otp_code_mac(struct svc *s, const char *id, const char *phone, const char *code,
                         char hex[SHA256_HEX_MAX])
{
    unsigned char mac[SHA256_LEN];
    char *text = arena_printf(s->arena, "otp %s %s %s", id, phone, code);
    digest_hmac_sha256((struct str){s->cfg->otp.secret, s->cfg->otp.secret_len}, str_of(text), mac);
    digest_hex(mac, sizeof mac, hex);
    digest_wipe(text, strlen(text));
}

static size_t otp_limits(struct svc *s, const char *phone, const char *address,
                         struct rate rates[RATES_MAX])
{
    const struct config *cfg = s->cfg;
    size_t n = 0;
    if (cfg->otp.resend_cooldown_ms > 0)
        rates[n++] = (struct rate){rate_subject(s, OTP_RATE_COOLDOWN, phone), 1,
                                   cfg->otp.resend_cooldown_ms};
    rates[n++] = (struct rate){rate_subject(s, OTP_RATE_PHONE, phone), cfg->otp.per_phone.count,
                               cfg->otp.per_phone.per_ms};
    rates[n++] = (struct rate){rate_subject(s, OTP_RATE_ADDRESS, rate_address(s->arena, address)),
                               cfg->otp.per_address.count, cfg->otp.per_address.per_ms};
    rates[n++] = (struct rate){OTP_RATE_TOTAL, cfg->otp.total.count, cfg->otp.total.per_ms};
    return n;
}

static enum err otp_begin(struct svc *s, const struct otp_send *in, struct sending *w)
{
    struct otp_sent *out = w->out;
    struct rate rates[RATES_MAX];
    struct rate_params p;
    size_t n = otp_limits(s, out->phone, in->client_address, rates);
    rate_params(s->arena, rates, n, &p);
    w->cooldown = s->cfg->otp.resend_cooldown_ms > 0 ? rates[0].subject : NULL;

    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_otp_begin, p.subjects, p.limits, p.windows_ms, out->id.s, out->phone,
                    w->mac, in->locale ? locale_names[*in->locale] : NULL,
                    db_int(b, s->cfg->otp.ttl_ms));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_COMMIT_UNKNOWN) /* nothing was sent: at worst one of the quota is gone */
        return ERR_DB_UNAVAILABLE;
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    if (!db_is_null(rows, 0, "denied")) {
        METRIC_INC(M_OTP, OTP_OUTCOME_THROTTLED);
        out->retry_after_s = (long)db_get_int(rows, 0, "retry_after_s");
        return w->cooldown && db_get_int(rows, 0, "denied") == 1 ? ERR_OTP_COOLDOWN : ERR_OTP_QUOTA;
    }
    w->locale = customer_locale(db_get_str(rows, 0, "locale"));
    out->expires_at = db_get_time(rows, 0, "expires_us");
    out->resend_at =
        wall_after_ms(db_get_time(rows, 0, "created_us"), s->cfg->otp.resend_cooldown_ms);
    return ERR_OK;
}

static const char *otp_message(struct svc *s, const struct sending *w)
{
    const struct template_var code = {"code", w->code};
    const struct template_values values = {.vars = &code, .n = 1};
    const char *template = s->cfg->otp.messages[w->locale];
    struct sb text;
    sb_init(&text, s->arena, strlen(template) + CODE_MAX);
    template_add(&text, template, &values);
    return sb_str(&text).p;
}

/* The challenge works whatever becomes of this: 'sending' is as good as 'unknown'. So a failure is
 * a line in the log.
 */
static void otp_store_result(struct svc *s, const struct sending *w, const struct ext_result *sms)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_otp_result, w->out->id.s,
           sms->outcome == OUTCOME_OK ? "sent" : outcome_names[sms->outcome]);
    if (sms->outcome == OUTCOME_FAILED && w->cooldown)
        DB_ADD(b, &stmt_otp_give_back, w->cooldown);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        LOG(LOG_LEVEL_WARN, "otp.result_not_stored", F_STR("otp", w->out->id.s), F_ERR(e));
}

static enum err otp_deliver(struct svc *s, struct sending *w)
{
    static const unsigned counted[] = {[OUTCOME_OK] = OTP_OUTCOME_SENT,
                                       [OUTCOME_FAILED] = OTP_OUTCOME_SEND_FAILED,
                                       [OUTCOME_UNKNOWN] = OTP_OUTCOME_SEND_UNKNOWN};
    const char *message_id;
    const struct sms sms = {.provider = s->cfg->otp.provider,
                            .to = w->out->phone,
                            .text = otp_message(s, w),
                            .id = w->out->id.s,
                            .request_id = s->request_id,
                            .traceparent = s->traceparent,
                            .op = PROVIDER_OP_SMS_OTP};
    struct ext_result result =
        sms_send(s->ext, s->arena, &sms, deadline_before(s->deadline, SVC_STORE_MS), &message_id);
    otp_store_result(s, w, &result);
    METRIC_INC(M_OTP, counted[result.outcome]);
    if (result.err != ERR_OK) {
        LOG(LOG_LEVEL_WARN, "otp.send_failed", F_STR("otp", w->out->id.s),
            F_PHONE("phone", w->out->phone), F_ERR(result.err),
            F_STR("outcome", outcome_names[result.outcome]),
            F_STR("detail", result.detail ? result.detail : ""));
    }
    w->out->unknown = result.outcome == OUTCOME_UNKNOWN;
    w->out->retry_after_s = result.retry_after_s;
    return result.err;
}

enum err otp_send(struct svc *s, const struct otp_send *in, struct otp_sent *out)
{
    *out = (struct otp_sent){.id = uuid_new()};
    enum err e = phone_normalise(s->cfg, s->arena, in->phone, PHONE_SERVED, &out->phone);
    if (e != ERR_OK)
        return e;
    if (s->cfg->otp.provider < 0 || !s->ext) {
        out->retry_after_s = UNCONFIGURED_RETRY_S;
        return ERR_PROVIDER_UNAVAILABLE;
    }
    struct sending w = {.out = out};
    rng_digits(w.code, (size_t)s->cfg->otp.code_length);
    otp_code_mac(s, out->id.s, out->phone, w.code, w.mac);
    e = otp_begin(s, in, &w);
    if (e == ERR_OK)
        e = otp_deliver(s, &w);
    digest_wipe(w.code, sizeof w.code);
    return e;
}

/* ---- verifying ---- */

static enum err otp_refusal(struct db_rows why)
{
    if (db_count(why) == 0)
        return ERR_NOT_FOUND;
    if (db_get_bool(why, 0, "used"))
        return ERR_OTP_USED;
    if (db_get_bool(why, 0, "superseded"))
        return ERR_OTP_SUPERSEDED;
    if (db_get_bool(why, 0, "expired")) {
        METRIC_INC(M_OTP, OTP_OUTCOME_EXPIRED);
        return ERR_OTP_EXPIRED;
    }
    METRIC_INC(M_OTP, OTP_OUTCOME_EXHAUSTED);
    return ERR_OTP_EXHAUSTED;
}

static enum err otp_use(struct svc *s, const struct uuid *id, struct otp_session *out)
{
    struct uuid customer = uuid_new();
    session_token_new(&out->token);
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_otp_use, id->s, customer.s, out->token.hash,
                    db_int(b, s->cfg->sessions.ttl_ms));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    if (db_count(rows) == 0) /* another request with the same code was faster */
        return ERR_OTP_USED;
    customer_read(rows, 0, &out->customer);
    out->expires_at = db_get_time(rows, 0, "expires_us");
    METRIC_INC(M_OTP, OTP_OUTCOME_VERIFIED);
    return ERR_OK;
}

enum err otp_verify(struct svc *s, const struct uuid *id, const char *code, struct otp_session *out)
{
    *out = (struct otp_session){.attempts_left = 0};
    if (!s->cfg->otp.secret) /* no challenge was ever made under this configuration */
        return ERR_NOT_FOUND;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int tried = DB_ADD(b, &stmt_otp_try, id->s, db_int(b, s->cfg->otp.max_attempts));
    int why = DB_ADD(b, &stmt_otp_why, id->s);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK) /* a try that may have been counted is nothing that a client must know */
        return e == ERR_COMMIT_UNKNOWN ? ERR_DB_UNAVAILABLE : e;
    struct db_rows rows = db_result(b, tried);
    if (db_count(rows) == 0)
        return otp_refusal(db_result(b, why));

    char mac[SHA256_HEX_MAX];
    otp_code_mac(s, id->s, db_get_str(rows, 0, "phone"), code, mac);
    if (!digest_equal(str_of(mac), str_of(db_get_str(rows, 0, "code_mac")))) {
        METRIC_INC(M_OTP, OTP_OUTCOME_INCORRECT);
        out->attempts_left = (int)(s->cfg->otp.max_attempts - db_get_int(rows, 0, "attempts"));
        return ERR_OTP_INCORRECT;
    }
    return otp_use(s, id, out);
}
