/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The SMS providers as their documentation and recorded answers show them: where each takes number
 * and text, what a success looks like, and how each says no. Declines use the provider's code for a
 * bad number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "http/http_path.h"
#include "sim.h"
#include "sim_inbox.h"
#include "sim_sms.h"

static const char *sms_sim_member(const json_t *j, const char *name)
{
    const char *z = json_string_value(json_object_get(j, name));
    return z != NULL ? z : "";
}

/* Numbers come with and without '+'; the inbox keeps them in one form. */
static const char *sms_sim_e164(struct arena *a, const char *to)
{
    while (*to == ' ')
        to++;
    if (*to == '+')
        return to;
    return arena_printf(a, "+%s", to);
}

static uint64_t sms_sim_store_message(struct sim_request *r, enum sim_route route, const char *to,
                                      const char *text, const char *sender)
{
    return sim_inbox_add(&(struct sim_message){.provider = sim_route_names[route],
                                               .to = sms_sim_e164(r->arena, to),
                                               .text = text,
                                               .sender = sender});
}

/* "name": printf-like JSON literals are easier to hold against the documentation than builders. */
static void sms_sim_answer(struct sim_request *r, struct sim_reply *out, int status, json_t *body)
{
    sim_reply_json(r, out, status, json_adopt(r->arena, body));
}

static bool sms_sim_starts_with(struct str s, const char *z)
{
    return str_starts(s, str_of(z));
}

/* Digits of an international number, as most providers want it: no plus sign, no 00. */
static bool sms_sim_is_number(const char *to)
{
    size_t n = to != NULL ? strspn(to, "0123456789") : 0;
    return n >= 7 && n <= 15 && to[n] == '\0' && to[0] != '0';
}

/* ---- Taqnyat: JSON, Bearer, 201; `accepted` and `rejected` are texts that look like lists ---- */

static void taqnyat_refuse(struct sim_request *r, struct sim_reply *out, int status, int code,
                           const char *message)
{
    sms_sim_answer(r, out, status, json_pack("{s:i,s:s}", "statusCode", code, "message", message));
}

static void taqnyat_error(struct sim_request *r, int status, struct sim_reply *out)
{
    taqnyat_refuse(r, out, status, status, "The request was refused");
}

static void taqnyat_refuse_account(struct sim_request *r, struct sim_reply *out)
{
    sms_sim_answer(
        r, out, 400,
        json_pack("{s:i,s:s,s:s}", "statusCode", 400, "reason", "2", "message", "No balance"));
}

static void taqnyat_serve(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, r->body), *list = json_object_get(j, "recipients"), *item;
    size_t i;
    const char *text = sms_sim_member(j, "body"), *sender = sms_sim_member(j, "sender");
    struct sb good, bad;
    uint64_t n = 0;
    if (!sms_sim_starts_with(http_header(r->head, "Authorization"), "Bearer ")) {
        taqnyat_refuse(r, out, 401, 104, "Bearer token is missing");
        return;
    }
    if (*sender == '\0' || *text == '\0' || json_array_size(list) == 0) {
        taqnyat_refuse(r, out, 400, *sender == '\0' ? 14 : 15,
                       "Recipients, body and sender are needed");
        return;
    }
    sb_init(&good, r->arena, 64);
    sb_init(&bad, r->arena, 64);
    sb_puts(&good, "[");
    sb_puts(&bad, "[");
    json_array_foreach(list, i, item)
    {
        const char *to = json_string_value(item);
        bool taken = sms_sim_is_number(to) && r->fault.kind != SIM_DECLINED;
        if (taken)
            n = sms_sim_store_message(r, SIM_TAQNYAT, to, text, sender);
        sb_printf(taken ? &good : &bad, "%s,", to != NULL ? to : "");
    }
    sb_puts(&good, "]");
    sb_puts(&bad, "]");
    sms_sim_answer(r, out, 201,
                   json_pack("{s:i,s:I,s:s,s:s,s:s,s:i,s:s,s:s}", "statusCode", 201, "messageId",
                             n > 0 ? (json_int_t)n + 7000000 : (json_int_t)0, "cost", "0.0600",
                             "currency", "SAR", "totalCount", "1", "msgLength", 1, "accepted",
                             good.p, "rejected", bad.p));
}

/* ---- Unifonic: form or query, AppSid field; statuses of its own, `success` as text or bool ----
 */

static void unifonic_error(struct sim_request *r, int status, struct sim_reply *out)
{
    sms_sim_answer(r, out, status,
                   json_pack("{s:s,s:s,s:s,s:n}", "success", "false", "message", "Failed",
                             "errorCode", arena_printf(r->arena, "ER-%d", status), "data"));
}

/* ER-07: no balance, whatever the status says. */
static void unifonic_refuse_account(struct sim_request *r, struct sim_reply *out)
{
    sms_sim_answer(r, out, 200,
                   json_pack("{s:s,s:s,s:s,s:n}", "success", "false", "message",
                             "Insufficient balance", "errorCode", "ER-07", "data"));
}

static void unifonic_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *sid = sim_form(r, "AppSid"), *to = sim_form(r, "Recipient"),
               *text = sim_form(r, "Body");
    const char *sender = sim_form(r, "SenderID");
    if (sid == NULL || *sid == '\0') {
        unifonic_error(r, 402, out);
        return;
    }
    if (!sms_sim_is_number(to)) {
        unifonic_error(r, to == NULL || *to == '\0' ? 422 : 410, out);
        return;
    }
    if (text == NULL || *text == '\0') {
        unifonic_error(r, 449, out);
        return;
    }
    if (r->fault.kind == SIM_DECLINED) {
        unifonic_error(r, 482, out);
        return;
    }
    uint64_t n = sms_sim_store_message(r, SIM_UNIFONIC, to, text, sender);
    sms_sim_answer(r, out, 200,
                   json_pack("{s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "success", "true", "message", "",
                             "errorCode", "ER-00", "data", "MessageID",
                             arena_printf(r->arena, "%" PRIu64, 310000000 + n), "Status", "Queued",
                             "NumberOfUnits", "1", "Recipient", to));
}

/* ---- Msegat: JSON, always HTTP 200; the code decides ---- */

static void msegat_code(struct sim_request *r, struct sim_reply *out, const char *code,
                        const char *message)
{
    sms_sim_answer(r, out, 200, json_pack("{s:s,s:s}", "code", code, "message", message));
}

static void msegat_error(struct sim_request *r, int status, struct sim_reply *out)
{
    sms_sim_answer(r, out, status,
                   json_pack("{s:s,s:s}", "code", "M0099", "message", "Internal error"));
}

static void msegat_refuse_account(struct sim_request *r, struct sim_reply *out)
{
    msegat_code(r, out, "1060", "Balance is not enough");
}

static void msegat_serve(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, r->body);
    if (sms_sim_member(j, "userName")[0] == '\0' || sms_sim_member(j, "apiKey")[0] == '\0') {
        msegat_code(r, out, "M0002", "Invalid login info");
        return;
    }
    if (sms_sim_member(j, "numbers")[0] == '\0' || sms_sim_member(j, "msg")[0] == '\0' ||
        sms_sim_member(j, "userSender")[0] == '\0') {
        msegat_code(r, out, "M0001", "Variables missing");
        return;
    }
    if (!sms_sim_is_number(sms_sim_member(j, "numbers")) || r->fault.kind == SIM_DECLINED) {
        msegat_code(r, out, "1120", "Mobile numbers is not correct");
        return;
    }
    uint64_t n = sms_sim_store_message(r, SIM_MSEGAT, sms_sim_member(j, "numbers"),
                                       sms_sim_member(j, "msg"), sms_sim_member(j, "userSender"));
    sms_sim_answer(r, out, 200,
                   json_pack("{s:s,s:s,s:I}", "code", "M0000", "message", "Success", "id",
                             (json_int_t)n + 52000));
}

/* ---- Twilio: form, Basic, 201 with a status that may already be a failure ---- */

static void twilio_refuse(struct sim_request *r, struct sim_reply *out, int status, int code,
                          const char *message)
{
    sms_sim_answer(r, out, status,
                   json_pack("{s:i,s:s,s:s,s:i}", "code", code, "message", message, "more_info",
                             arena_printf(r->arena, "https://www.twilio.com/docs/errors/%d", code),
                             "status", status));
}

static void twilio_error(struct sim_request *r, int status, struct sim_reply *out)
{
    twilio_refuse(r, out, status,
                  status == 429   ? 20429
                  : status == 401 ? 20003
                                  : 20500,
                  "An error occurred");
}

static void twilio_refuse_account(struct sim_request *r, struct sim_reply *out)
{
    twilio_error(r, 401, out);
}

static void twilio_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *to = sim_form(r, "To"), *text = sim_form(r, "Body"), *from = sim_form(r, "From");
    if (!sms_sim_starts_with(http_header(r->head, "Authorization"), "Basic ")) {
        twilio_refuse(r, out, 401, 20003, "Authenticate");
        return;
    }
    if (to == NULL || *to != '+' || !sms_sim_is_number(to + 1) || r->fault.kind == SIM_DECLINED) {
        twilio_refuse(r, out, 400, 21211, "Invalid 'To' Phone Number");
        return;
    }
    if (text == NULL || *text == '\0' || from == NULL || *from == '\0') {
        twilio_refuse(r, out, 400, from == NULL || *from == '\0' ? 21603 : 21602,
                      "A required parameter is missing");
        return;
    }
    uint64_t n = sms_sim_store_message(r, SIM_TWILIO, to, text, from);
    sms_sim_answer(r, out, 201,
                   json_pack("{s:s,s:s,s:s,s:s,s:s,s:n,s:n,s:s,s:s}", "sid",
                             arena_printf(r->arena, "SM%032llx", (unsigned long long)n), "status",
                             "queued", "to", to, "from", from, "body", text, "error_code",
                             "error_message", "num_segments", "1", "direction", "outbound-api"));
}

/* ---- the templated one: JSON {to, text} or form ---- */

static void http_error(struct sim_request *r, int status, struct sim_reply *out)
{
    sms_sim_answer(r, out, status,
                   json_pack("{s:s,s:{s:s}}", "status", "error", "error", "code", "server_error"));
}

static void http_refuse_account(struct sim_request *r, struct sim_reply *out)
{
    sms_sim_answer(r, out, 200,
                   json_pack("{s:s,s:{s:s}}", "status", "error", "error", "code", "no_credit"));
}

static void http_serve(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, r->body);
    const char *to = j != NULL ? sms_sim_member(j, "to") : sim_form(r, "to");
    const char *text = j != NULL ? sms_sim_member(j, "text") : sim_form(r, "text");
    const char *sender = j != NULL ? sms_sim_member(j, "sender") : sim_form(r, "sender");
    if (to == NULL || text == NULL || *to == '\0' || *text == '\0' ||
        r->fault.kind == SIM_DECLINED) {
        sms_sim_answer(
            r, out, 200,
            json_pack("{s:s,s:{s:s}}", "status", "error", "error", "code", "bad_number"));
        return;
    }
    uint64_t n = sms_sim_store_message(r, SIM_HTTP, to, text, sender);
    sms_sim_answer(r, out, 200,
                   json_pack("{s:s,s:{s:s}}", "status", "ok", "message", "id",
                             arena_printf(r->arena, "m-%llu", (unsigned long long)n)));
}

const struct sim_sms sim_sms_providers[SIM_SMS_COUNT] = {
    {SIM_TAQNYAT, "/v1/messages", taqnyat_serve, taqnyat_error, taqnyat_refuse_account},
    {SIM_UNIFONIC, "/rest/SMS/messages", unifonic_serve, unifonic_error, unifonic_refuse_account},
    {SIM_MSEGAT, "/gw/sendsms.php", msegat_serve, msegat_error, msegat_refuse_account},
    {SIM_TWILIO, "/2010-04-01/Accounts/{sid}/Messages.json", twilio_serve, twilio_error,
     twilio_refuse_account},
    {SIM_HTTP, "/sms", http_serve, http_error, http_refuse_account},
};
