/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Twilio Messaging: a form with HTTP Basic; a 201 can already carry a message that failed. */
#include <string.h>

#include "ext/ext_escape.h"
#include "ext/ext_jsonpath.h"
#include "sms_priv.h"

static void sms_twilio_build_request(struct arena *a, const struct provider_config *p,
                                     const struct sms *m, struct ext_request *q)
{
    struct sb b, sid;
    sb_init(&sid, a, 64);
    ext_escape_add(&sid, EXT_ESCAPE_PERCENT, p->account_sid);
    sb_init(&b, a, 512);
    ext_form_add(&b, "To", m->to);
    /* A messaging service's id begins with MG; a number or a name does not. */
    ext_form_add(&b,
                 strncmp(p->from, "MG", 2) == 0 && strlen(p->from) == 34 ? "MessagingServiceSid"
                                                                         : "From",
                 p->from);
    ext_form_add(&b, "Body", m->text);
    q->url = arena_printf(a, "%s/2010-04-01/Accounts/%s/Messages.json", p->base_url, sid.p);
    q->basic_user = p->account_sid;
    q->basic_password = p->auth_token;
    q->content_type = "application/x-www-form-urlencoded";
    q->body = sb_str(&b);
}

static struct ext_result sms_twilio_judge_reply(struct arena *a, const struct provider_config *p,
                                                const struct ext_reply *reply,
                                                const char **message_id)
{
    struct ext_result r;
    static const char *const lost[] = {"failed", "undelivered", "canceled"};
    (void)p;
    if (ext_status_decides(a, reply, &r))
        return r;
    json_t *j = sms_answer(a, reply);
    const json_t *sid = json_object_get(j, "sid");
    const char *state = ext_json_text(a, json_object_get(j, "status"));
    if (reply->status >= 400)
        return sms_refuse(a, reply, json_object_get(j, "code"));
    for (size_t i = 0; state && i < ARRAY_LEN(lost); i++) {
        if (strcmp(state, lost[i]) != 0)
            continue;
        const json_t *code = json_object_get(j, "error_code");
        return sms_refuse(a, reply,
                          json_is_null(code) || !code ? json_object_get(j, "status") : code);
    }
    if (json_is_string(sid) || (state && *state))
        return sms_accept(a, sid, message_id);
    return ext_unreadable();
}

const struct sms_provider sms_twilio = {PROVIDER_TWILIO, sms_twilio_build_request,
                                        sms_twilio_judge_reply};
