/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sign-in: a code by SMS, traded for a session. */
#include "svc/otp.h"

#include "api/api_handler.h"
#include "api_customer.h"

/* ---- POST /v1/otp ---- */

struct send_input {
    const char *phone;
    int locale;
    bool has_locale;
};
static const struct schema_row api_otp_send_rows[] = {
    {SCHEMA_STRING(struct send_input, phone, 0, 0), .required = true},
    {SCHEMA_LOCALE(struct send_input, locale), SCHEMA_HAS(struct send_input, has_locale)},
    SCHEMA_END,
};

void api_phone_fault(struct api_request *r, enum err e)
{
    api_fault(r, "/phone", "%s",
              e == ERR_PHONE_INVALID ? "is not a mobile number"
                                     : "is of a region that is not served");
}

static enum err api_otp_send_refused(struct api_request *r, enum err e, const struct otp_sent *sent)
{
    if (e == ERR_PHONE_INVALID || e == ERR_PHONE_REGION)
        api_phone_fault(r, e);
    if (e == ERR_OTP_COOLDOWN || e == ERR_OTP_QUOTA)
        r->problem.retry_after_s = sent->retry_after_s;
    if (!err_is_provider(e) && e != ERR_DEADLINE)
        return e;
    if (sent->unknown)
        r->problem.otp_id = arena_strdup(r->svc.arena, sent->id.s);
    return api_provider_failed(r, e, sent->unknown, sent->retry_after_s);
}

static enum err api_otp_post(struct api_request *r)
{
    const struct send_input *in = r->input;
    enum locale locale = in->locale == LOCALE_EN ? LOCALE_EN : LOCALE_AR;
    struct otp_sent sent;
    const struct otp_send ask = {str_of(in->phone), in->has_locale ? &locale : NULL, r->client};
    enum err e = otp_send(&r->svc, &ask, &sent);
    if (e != ERR_OK)
        return api_otp_send_refused(r, e, &sent);
    struct arena *a = r->svc.arena;
    json_t *body = json_obj(a);
    json_put_str(a, body, "id", sent.id.s);
    json_put_str(a, body, "phone", sent.phone);
    json_put_time(a, body, "expires_at", sent.expires_at);
    json_put_time(a, body, "resend_at", sent.resend_at);
    api_reply(r, 201, body);
    return ERR_OK;
}

const struct api_route api_route_otp_post = {
    .http = {HTTP_POST, "/v1/otp", 201},
    .handler = api_otp_post,
    .body = BODY_REQUIRED,
    .members = api_otp_send_rows,
    .input_size = sizeof(struct send_input),
};

/* ---- POST /v1/otp/{otp_id}/verify ---- */

struct verify_input {
    const char *code;
};
static const struct schema_row api_otp_verify_rows[] = {
    {SCHEMA_STRING(struct verify_input, code, 0, 0), .required = true},
    SCHEMA_END,
};

static bool api_otp_code_valid(const char *code)
{
    size_t n = strspn(code, "0123456789");
    return code[n] == '\0' && n >= 4 && n <= 10;
}

static enum err api_otp_post_verify(struct api_request *r)
{
    const struct verify_input *in = r->input;
    if (!api_otp_code_valid(in->code)) {
        api_fault(r, "/code", "must be 4 to 10 digits");
        return ERR_VALIDATION;
    }
    struct otp_session session;
    enum err e = otp_verify(&r->svc, &r->ids[0], in->code, &session);
    if (e == ERR_OTP_INCORRECT)
        r->problem.attempts_left = session.attempts_left;
    if (e != ERR_OK)
        return e;
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
    .http = {HTTP_POST, "/v1/otp/{otp_id}/verify", 200},
    .handler = api_otp_post_verify,
    .body = BODY_REQUIRED,
    .members = api_otp_verify_rows,
    .input_size = sizeof(struct verify_input),
};
