/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Twilio Messaging: a form with HTTP Basic; a 201 can already carry a message that failed. */
#include <string.h>

#include "ext/ext_escape.h"
#include "sms_priv.h"

/*
 * https://www.twilio.com/docs/api/errors: authentication, account suspended, test credentials; the
 * sender is missing, not ours, or not for this country; no permission for the country; limits of
 * the account. Numbers: not valid, not reachable, not mobile.
 */
static const struct sms_codes sms_twilio_codes = {
    .account = "20003 20005 20008 20403 21212 21408 21603 21606 21612 21659 21660 21701 21703 "
               "21704 21705 30001 30002 63038",
    .number = "21211 21214 21217 21614",
};

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

/* Words that this version does not know are in no list, and such an answer is not understood. */
static bool sms_twilio_state_in(const char *state, const char *words)
{
    struct str rest = str_of(words);
    while (state && rest.n > 0)
        if (str_eq(str_cut(&rest, ' '), str_of(state)))
            return true;
    return false;
}

/* An answer with a good status may also hold an error, or a message that has failed already. */
static struct ext_result sms_twilio_judge_reply(struct arena *a, const struct sms_answer *in,
                                                const char **message_id)
{
    const json_t *sid = json_object_get(in->json, "sid");
    const char *state = ext_json_text(a, json_object_get(in->json, "status"));
    const char *code = ext_json_text(a, json_object_get(in->json, "code"));
    /* Two members: `code` belongs to a refused request, `error_code` to a message that failed
     * later. */
    const char *late = ext_json_text(a, json_object_get(in->json, "error_code"));
    if (in->reply->status >= 400)
        return sms_refuse(a, in->reply, code, &sms_twilio_codes);
    if (sms_twilio_state_in(state, "failed undelivered canceled"))
        return sms_refuse(a, in->reply, late && *late ? late : state, &sms_twilio_codes);
    if (json_is_string(sid) || sms_twilio_state_in(state, "accepted scheduled queued sending sent "
                                                          "delivered read partially_delivered"))
        return sms_accept(a, sid, message_id);
    return ext_unreadable();
}

const struct sms_provider sms_twilio = {
    .type = PROVIDER_TWILIO, .build = sms_twilio_build_request, .judge = sms_twilio_judge_reply};
