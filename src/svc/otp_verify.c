/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One-time passwords: trading a code for a session. Called by the handler of /v1/otp/.../verify. An
 * attempt is counted before the code is compared, in the same statement that reads it: guessing in
 * parallel gains nothing. */
#include "base/unicode.h"
#include "domain/metrics.h"
#include "otp_priv.h"
#include "svc/svc_sql.h"

/* Digits of any script, with blanks and marks between them, as phones and keyboards insert them. */
bool otp_code_read(struct str text, size_t length, char code[OTP_CODE_MAX + 1])
{
    size_t n = 0;
    if (!str_utf8_valid(text))
        return false;
    for (const char *p = text.p, *end = text.p + text.n; p < end;) {
        uint32_t c = unicode_next(&p);
        int digit = unicode_digit(c);
        if (digit < 0 && unicode_is_filler(c))
            continue;
        if (digit < 0 || n == length)
            return false;
        code[n++] = (char)('0' + digit);
    }
    code[n] = '\0';
    return n == length;
}

/* The reasons in the order of what the customer can do about them: wait, nothing, use the newer
 * code, ask for a new one. */
static enum err otp_verify_refuse(struct db_rows reason, struct otp_session *out)
{
    if (db_count(reason) == 0)
        return ERR_NOT_FOUND;
    if (!db_is_null(reason, 0, "locked_s")) {
        out->retry_after_s = (long)db_get_int(reason, 0, "locked_s");
        otp_count_locked(db_get_str(reason, 0, "phone"));
        return ERR_OTP_LOCKED;
    }
    if (db_get_bool(reason, 0, "used"))
        return ERR_OTP_USED;
    if (db_get_bool(reason, 0, "superseded"))
        return ERR_OTP_SUPERSEDED;
    if (db_get_bool(reason, 0, "expired")) {
        METRIC_INC(M_OTP, OTP_OUTCOME_EXPIRED, OTP_SCOPE_NONE);
        return ERR_OTP_EXPIRED;
    }
    METRIC_INC(M_OTP, OTP_OUTCOME_EXHAUSTED, OTP_SCOPE_NONE);
    return ERR_OTP_EXHAUSTED;
}

/* The challenge is used up and the session made by one statement: a code gives one session. */
static enum err otp_verify_use(struct svc *s, const struct otp_verify *in, const char *id,
                               const char *phone, struct otp_session *out)
{
    /* Used only when the statement finds no customer, and makes one. */
    struct uuid customer = uuid_new();
    session_token_new(&out->token);
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_otp_use, id, customer.s, out->token.hash,
                    db_int(b, s->cfg->sessions.ttl_ms), otp_key_hash(s, in->key),
                    otp_known_address(s, phone, in->client_address));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_DB_UNIQUE) /* a change of phone, to the number of another customer */
        return ERR_PHONE_IN_USE;
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    if (db_count(rows) == 0) /* another request with the same code was faster */
        return ERR_OTP_USED;
    if (db_get_bool(rows, 0, "blocked"))
        return ERR_CUSTOMER_BLOCKED;
    customer_read(rows, 0, &out->customer);
    out->expires_at = db_get_time(rows, 0, "expires_us");
    METRIC_INC(M_OTP, OTP_OUTCOME_VERIFIED, OTP_SCOPE_NONE);
    return ERR_OK;
}

/* The row among those that live whose code this is; -1: none. Each is compared, so that the time
 * does not tell which. */
static int otp_verify_match(struct svc *s, struct db_rows rows, const char *code)
{
    int found = -1;
    for (int i = 0; i < db_count(rows); i++) {
        char mac[SHA256_HEX_MAX];
        otp_code_mac(s, db_get_str(rows, i, "id"), db_get_str(rows, i, "phone"), code, mac);
        if (digest_equal(str_of(mac), str_of(db_get_str(rows, i, "code_mac"))))
            found = i;
    }
    return found;
}

/* A code is accepted at its own identifier and at a newer one of the same phone (BEHAVIOUR §5): SMS
 * overtake each other. */
enum err otp_verify(struct svc *s, const struct otp_verify *in, struct otp_session *out)
{
    *out = (struct otp_session){.attempts_left = 0};
    if (!s->cfg->otp.secret) /* no challenge was ever made under this configuration */
        return ERR_NOT_FOUND;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    const char *most = db_int(b, OTP_FAILURES_MAX);
    int tried = DB_ADD(b, &stmt_otp_try, in->id->s, db_int(b, s->cfg->otp.max_attempts), most,
                       db_int(b, OTP_FAILURES_MS), otp_key_hash(s, in->key));
    int reason = DB_ADD(b, &stmt_otp_reason, in->id->s, most);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK) /* a client need not know whether the try was counted */
        return e == ERR_COMMIT_UNKNOWN ? ERR_DB_UNAVAILABLE : e;
    struct db_rows rows = db_result(b, tried);
    /* above the limit: of several guesses at once these came too late */
    if (db_count(rows) == 0 || db_get_int(rows, 0, "failures") > OTP_FAILURES_MAX)
        return otp_verify_refuse(db_result(b, reason), out);

    int found = otp_verify_match(s, rows, in->code);
    if (found >= 0)
        return otp_verify_use(s, in, db_get_str(rows, found, "id"),
                              db_get_str(rows, found, "phone"), out);
    /* With the key of the request that succeeded, a used challenge is looked at once more: the
     * right code gives a session again, any other is told that it is used. */
    if (db_get_bool(rows, 0, "used"))
        return ERR_OTP_USED;
    METRIC_INC(M_OTP, OTP_OUTCOME_INCORRECT, OTP_SCOPE_NONE);
    out->attempts_left = (int)(s->cfg->otp.max_attempts - db_get_int(rows, 0, "attempts"));
    return ERR_OTP_INCORRECT;
}
