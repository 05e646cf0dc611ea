/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Sign-in: a code by SMS, traded for a session; and the same for a new phone number. Handlers;
 * limits, codes and sessions are svc/otp*.c's.
 */
#include "svc/otp.h"

#include "api/api_handler.h"
#include "api_customer.h"
#include "domain/labels.h"
#include "http/http_accept.h"

/* One sentence per cause, for all routes that take a phone number. */
void api_phone_fault(struct api_request *r, enum err e)
{
    api_fault(r, "/phone", "%s",
              e == ERR_PHONE_INVALID ? "is not a mobile number"
                                     : "is of a region that is not served");
}

/* ---- POST /v1/otp, POST /v1/me/phone ---- */

struct send_input {
    const char *phone;
    int locale;
    bool has_locale;
};
static const struct schema_row api_otp_send_rows[] = {
    /* No limits here: phone_normalise() judges the text, and its problem code says what is
     * wrong. */
    {SCHEMA_STRING(struct send_input, phone, 0, 0), .required = true},
    {SCHEMA_LOCALE(struct send_input, locale), SCHEMA_HAS(struct send_input, has_locale)},
    SCHEMA_END,
};

/* Adds what the problem document says beside its code: which limit, how long to wait, whether an
 * SMS may be on its way. */
static enum err api_otp_send_refused(struct api_request *r, enum err e, const struct otp_sent *sent)
{
    if (e == ERR_PHONE_INVALID || e == ERR_PHONE_REGION)
        api_phone_fault(r, e);
    r->problem.provider_class = sent->refusal_class;
    if (e == ERR_OTP_COOLDOWN || e == ERR_OTP_QUOTA || e == ERR_OTP_LOCKED) {
        r->problem.retry_after_s = sent->retry_after_s;
        r->problem.scope = sent->scope;
        api_idem_passing(r); /* nothing is stored for what a limit refuses */
    }
    r->problem.replayed = sent->replayed;
    /* The SMS may have arrived: with the id the client can still verify (BEHAVIOUR §3). */
    if (sent->unknown) {
        r->problem.otp_id = arena_strdup(r->svc.arena, sent->id.s);
        r->problem.outcome = OUTCOME_UNKNOWN;
    }
    if (!err_is_provider(e) && e != ERR_DEADLINE)
        return e;
    return api_provider_failed(r, e, sent->unknown, sent->retry_after_s);
}

/* customer NULL: a sign-in; else the account that wants a new number. 201 says that the provider
 * took the message, not that it has arrived. */
static enum err api_otp_send(struct api_request *r, const char *customer)
{
    const struct send_input *in = r->input;
    enum locale locale = in->locale == LOCALE_EN ? LOCALE_EN : LOCALE_AR;
    /* The language of whoever reads: used when neither request nor account names one. */
    int reader =
        http_accept_language(http_header(r->head, "Accept-Language"), locale_names, LOCALE_COUNT);
    struct otp_sent sent;
    const struct otp_send ask = {.phone = str_of(in->phone),
                                 .locale = in->has_locale ? &locale : NULL,
                                 .reader = reader == LOCALE_EN ? LOCALE_EN : LOCALE_AR,
                                 .client_address = r->client,
                                 .key = api_idem_key(r),
                                 .customer = customer};
    enum err e = otp_send(&r->svc, &ask, &sent);
    if (e != ERR_OK)
        return api_otp_send_refused(r, e, &sent);
    if (sent.replayed)
        http_resp_header(&r->resp, "Idempotency-Replayed", "true");
    struct arena *a = r->svc.arena;
    json_t *body = json_obj(a);
    json_put_str(a, body, "id", sent.id.s);
    json_put_str(a, body, "phone", sent.phone);
    json_put_time(a, body, "expires_at", sent.expires_at);
    json_put_time(a, body, "resend_at", sent.resend_at);
    api_reply(r, 201, body);
    return ERR_OK;
}

/* No first batch: nobody is signed in yet. The service claims the Idempotency-Key itself, bound to
 * the phone number, as there is no caller to bind it to. */
static enum err api_otp_post(struct api_request *r)
{
    return api_otp_send(r, NULL);
}

const struct api_route api_route_otp_post = {
    .http = {HTTP_POST, "/v1/otp", 201, NULL},
    .handler = api_otp_post,
    .body = BODY_REQUIRED,
    .members = api_otp_send_rows,
    .input_size = sizeof(struct send_input),
    .idempotent = true,
};

/* The number changes only when the code was entered (verify): a typo must not lock anybody out. */
static enum err api_otp_post_phone(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    return e == ERR_OK ? api_otp_send(r, r->who.id.s) : e;
}

const struct api_route api_route_otp_post_phone = {
    .http = {HTTP_POST, "/v1/me/phone", 201, NULL},
    .handler = api_otp_post_phone,
    .auth = AUTH_CUSTOMER,
    .body = BODY_REQUIRED,
    .members = api_otp_send_rows,
    .input_size = sizeof(struct send_input),
    .idempotent = true,
};

/* ---- POST /v1/otp/{otp_id}/verify ---- */

struct verify_input {
    const char *code;
};
static const struct schema_row api_otp_verify_rows[] = {
    {SCHEMA_STRING(struct verify_input, code, 0, 0), .required = true},
    SCHEMA_END,
};

/* attempts_left is told so that a page can warn before the code is used up. */
static enum err api_otp_verify_refused(struct api_request *r, enum err e,
                                       const struct otp_session *session)
{
    if (e == ERR_OTP_INCORRECT)
        r->problem.attempts_left = session->attempts_left;
    if (e == ERR_OTP_LOCKED) {
        r->problem.retry_after_s = session->retry_after_s;
        r->problem.scope = otp_scope_names[OTP_SCOPE_FAILURES];
    }
    return e;
}

/* Another length than the configured one is a fault of the input and costs no attempt (BEHAVIOUR
 * §5). */
static enum err api_otp_post_verify(struct api_request *r)
{
    const struct verify_input *in = r->input;
    const int64_t length = r->svc.cfg->otp.code_length;
    char code[OTP_CODE_MAX + 1];
    if (!otp_code_read(str_of(in->code), (size_t)length, code)) {
        api_fault(r, "/code", "must be %lld digits", (long long)length);
        return ERR_VALIDATION;
    }
    struct otp_session session;
    const struct otp_verify ask = {
        .id = &r->ids[0], .code = code, .client_address = r->client, .key = api_idem_key(r)};
    enum err e = otp_verify(&r->svc, &ask, &session);
    if (e != ERR_OK)
        return api_otp_verify_refused(r, e, &session);
    struct arena *a = r->svc.arena;
    json_t *body = json_obj(a);
    json_put_str(a, body, "token", session.token.text);
    json_put_str(a, body, "token_type", "Bearer");
    json_put_time(a, body, "expires_at", session.expires_at);
    json_put(a, body, "customer", api_customer_json(a, &session.customer));
    api_reply(r, 200, body);
    return ERR_OK;
}

const struct api_route api_route_otp_post_verify = {
    .http = {HTTP_POST, "/v1/otp/{otp_id}/verify", 200, NULL},
    .handler = api_otp_post_verify,
    .body = BODY_REQUIRED,
    .members = api_otp_verify_rows,
    .input_size = sizeof(struct verify_input),
    .idempotent = true,
};
