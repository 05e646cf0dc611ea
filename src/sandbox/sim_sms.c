/*
 * The SMS providers as their documentation and recorded answers show them: where each takes number and
 * text, what a success looks like, and how each says no. Declines use the provider's code for a bad number.
 */
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "http/http_path.h"
#include "sim.h"

const char *sim_form(struct sim_request *r, const char *name)
{
    struct http_query q;
    if (r->head->query.p != NULL && http_query_parse(r->arena, r->head->query, &q))
        for (size_t i = 0; i < q.n; i++)
            if (strcmp(q.items[i].name, name) == 0)
                return q.items[i].value;
    if (r->body.n > 0 && http_query_parse(r->arena, r->body, &q))
        for (size_t i = 0; i < q.n; i++)
            if (strcmp(q.items[i].name, name) == 0)
                return q.items[i].value;
    return NULL;
}

static const char *member(const json_t *j, const char *name)
{
    const char *z = json_string_value(json_object_get(j, name));
    return z != NULL ? z : "";
}

/* Numbers come with and without '+'; the inbox keeps them in one form. */
static const char *e164(struct arena *a, const char *to)
{
    while (*to == ' ')
        to++;
    if (*to == '+')
        return to;
    return arena_printf(a, "+%s", to);
}

static uint64_t keep(struct sim_request *r, enum sim_route route, const char *to, const char *text, const char *sender)
{
    if (!r->fault.done)
        return 0;
    return sim_inbox_add(&(struct sim_message){
        .provider = sim_route_names[route], .to = e164(r->arena, to), .text = text, .sender = sender});
}

/* "name": printf-like JSON literals are easier to hold against the documentation than builders. */
static void answer(struct sim_request *r, struct sim_reply *out, int status, json_t *body)
{
    sim_reply_json(r, out, status, json_keep(r->arena, body));
}

static bool starts_with(struct str s, const char *z)
{
    return str_starts(s, str_of(z));
}

/* ---- Taqnyat: JSON, Bearer, 201; `accepted` and `rejected` are texts that look like lists ---- */

static void taqnyat_error(struct sim_request *r, int status, struct sim_reply *out)
{
    answer(r, out, status, json_pack("{s:i,s:s}", "statusCode", status, "message", "The request was refused"));
}

static void taqnyat_serve(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, r->body);
    const char *to = json_string_value(json_array_get(json_object_get(j, "recipients"), 0));
    if (!starts_with(http_header(r->head, "Authorization"), "Bearer ")) {
        answer(r, out, 401, json_pack("{s:i,s:s}", "statusCode", 401, "message", "Bearer token is missing"));
        return;
    }
    if (to == NULL || member(j, "body")[0] == '\0' || member(j, "sender")[0] == '\0') {
        answer(r, out, 400, json_pack("{s:i,s:s}", "statusCode", 15, "message", "Recipients, body and sender are needed"));
        return;
    }
    if (r->fault.kind == SIM_DECLINED) {
        answer(r, out, 201, json_pack("{s:i,s:I,s:s,s:s}", "statusCode", 201, "messageId", (json_int_t)0, "accepted", "[]",
                                      "rejected", arena_printf(r->arena, "[%s,]", to)));
        return;
    }
    uint64_t n = keep(r, SIM_TAQNYAT, to, member(j, "body"), member(j, "sender"));
    answer(r, out, 201, json_pack("{s:i,s:I,s:s,s:s,s:s,s:i,s:s,s:s}", "statusCode", 201, "messageId", (json_int_t)(7000000 + n),
                                  "cost", "0.0600", "currency", "SAR", "totalCount", "1", "msgLength", 1, "accepted",
                                  arena_printf(r->arena, "[%s,]", to), "rejected", "[]"));
}

/* ---- Unifonic: form or query, AppSid field; statuses of its own, `success` as text or bool ---- */

static void unifonic_error(struct sim_request *r, int status, struct sim_reply *out)
{
    answer(r, out, status, json_pack("{s:s,s:s,s:s,s:n}", "success", "false", "message", "Failed", "errorCode",
                                     arena_printf(r->arena, "ER-%d", status), "data"));
}

static void unifonic_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *sid = sim_form(r, "AppSid"), *to = sim_form(r, "Recipient"), *text = sim_form(r, "Body");
    const char *sender = sim_form(r, "SenderID");
    if (sid == NULL || *sid == '\0') {
        unifonic_error(r, 402, out);
        return;
    }
    if (to == NULL || text == NULL || *to == '\0' || *to == '+') {
        unifonic_error(r, 410, out);
        return;
    }
    if (r->fault.kind == SIM_DECLINED) {
        unifonic_error(r, 482, out);
        return;
    }
    uint64_t n = keep(r, SIM_UNIFONIC, to, text, sender);
    answer(r, out, 200, json_pack("{s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s}}", "success", "true", "message", "", "errorCode", "ER-00",
                                  "data", "MessageID", arena_printf(r->arena, "%llu", (unsigned long long)(310000000 + n)),
                                  "Status", "Queued", "NumberOfUnits", "1", "Recipient", to));
}

/* ---- Msegat: JSON, always HTTP 200; the code decides ---- */

static void msegat_code(struct sim_request *r, struct sim_reply *out, const char *code, const char *message)
{
    answer(r, out, 200, json_pack("{s:s,s:s}", "code", code, "message", message));
}

static void msegat_error(struct sim_request *r, int status, struct sim_reply *out)
{
    answer(r, out, status, json_pack("{s:s,s:s}", "code", "M0099", "message", "Internal error"));
}

static void msegat_serve(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, r->body);
    if (member(j, "userName")[0] == '\0' || member(j, "apiKey")[0] == '\0') {
        msegat_code(r, out, "M0002", "Invalid login info");
        return;
    }
    if (member(j, "numbers")[0] == '\0' || member(j, "msg")[0] == '\0') {
        msegat_code(r, out, "M0001", "Variables missing");
        return;
    }
    if (r->fault.kind == SIM_DECLINED) {
        msegat_code(r, out, "1120", "Mobile numbers is not correct");
        return;
    }
    uint64_t n = keep(r, SIM_MSEGAT, member(j, "numbers"), member(j, "msg"), member(j, "userSender"));
    answer(r, out, 200, json_pack("{s:s,s:s,s:I}", "code", "M0000", "message", "Success", "id", (json_int_t)(52000 + n)));
}

/* ---- Twilio: form, Basic, 201 with a status that may already be a failure ---- */

static void twilio_error(struct sim_request *r, int status, struct sim_reply *out)
{
    answer(r, out, status, json_pack("{s:i,s:s,s:s,s:i}", "code", status == 429 ? 20429 : 20500, "message", "An error occurred",
                                     "more_info", "https://www.twilio.com/docs/errors", "status", status));
}

static void twilio_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *to = sim_form(r, "To"), *text = sim_form(r, "Body"), *from = sim_form(r, "From");
    if (!starts_with(http_header(r->head, "Authorization"), "Basic ")) {
        answer(r, out, 401, json_pack("{s:i,s:s,s:i}", "code", 20003, "message", "Authenticate", "status", 401));
        return;
    }
    if (to == NULL || *to != '+' || text == NULL || r->fault.kind == SIM_DECLINED) {
        answer(r, out, 400, json_pack("{s:i,s:s,s:i}", "code", 21211, "message", "Invalid 'To' Phone Number", "status", 400));
        return;
    }
    uint64_t n = keep(r, SIM_TWILIO, to, text, from);
    answer(r, out, 201, json_pack("{s:s,s:s,s:n,s:s}", "sid", arena_printf(r->arena, "SM%032llx", (unsigned long long)n),
                                  "status", "queued", "error_code", "num_segments", "1"));
}

/* ---- the templated one: JSON {to, text} or form ---- */

static void http_error(struct sim_request *r, int status, struct sim_reply *out)
{
    answer(r, out, status, json_pack("{s:s,s:{s:s}}", "status", "error", "error", "code", "server_error"));
}

static void http_serve(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, r->body);
    const char *to = j != NULL ? member(j, "to") : sim_form(r, "to");
    const char *text = j != NULL ? member(j, "text") : sim_form(r, "text");
    const char *sender = j != NULL ? member(j, "sender") : sim_form(r, "sender");
    if (to == NULL || text == NULL || *to == '\0' || *text == '\0' || r->fault.kind == SIM_DECLINED) {
        answer(r, out, 200, json_pack("{s:s,s:{s:s}}", "status", "error", "error", "code", "bad_number"));
        return;
    }
    uint64_t n = keep(r, SIM_HTTP, to, text, sender);
    answer(r, out, 200, json_pack("{s:s,s:{s:s}}", "status", "ok", "message", "id",
                                  arena_printf(r->arena, "m-%llu", (unsigned long long)n)));
}

const struct sim_sms sim_sms_providers[SIM_SMS_COUNT] = {
    {SIM_TAQNYAT, "POST", "/v1/messages", taqnyat_serve, taqnyat_error},
    {SIM_UNIFONIC, "POST", "/rest/SMS/messages", unifonic_serve, unifonic_error},
    {SIM_MSEGAT, "POST", "/gw/sendsms.php", msegat_serve, msegat_error},
    {SIM_TWILIO, "POST", "/2010-04-01/Accounts/*", twilio_serve, twilio_error},
    {SIM_HTTP, "POST", "/sms", http_serve, http_error},
};
