/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Unifonic: a form with the AppSid; codes of its own among the 4xx, and `success` as boolean or
 * text. */
#include <strings.h>

#include "ext/ext_escape.h"
#include "sms_priv.h"

/* Unifonic's own codes are HTTP statuses, or come as ER-nn (https://docs.unifonic.com): key,
 * AppSid, address, sender, balance; format or destination of the number. */
static const struct sms_codes sms_unifonic_codes = {
    .account = "01 05 06 07 08 09 401 402 403 480",
    .number = "410 482",
};

static void sms_unifonic_build_request(struct arena *a, const struct provider_config *p,
                                       const struct sms *m, struct ext_request *q)
{
    struct sb b;
    sb_init(&b, a, 512);
    ext_form_add(&b, "AppSid", p->app_sid);
    ext_form_add(&b, "SenderID", p->sender);
    ext_form_add(&b, "Recipient", sms_digits(m->to));
    ext_form_add(&b, "Body", m->text);
    ext_form_add(&b, "responseType", "JSON");
    /* Our identifier goes along, so that a message can be found in the provider's reports. */
    ext_form_add(&b, "CorrelationID", m->id);
    /* The answer is waited for: an "accepted for later" would tell nothing of this message. */
    ext_form_add(&b, "async", "false");
    if (p->message_type)
        ext_form_add(&b, "MessageType", p->message_type);
    q->url = arena_printf(a, "%s/rest/SMS/messages", p->base_url);
    q->content_type = "application/x-www-form-urlencoded";
    q->body = sb_str(&b);
}

/* 409 (the same message again) is a refusal like others: whoever asked before has been told what
 * happened then. */
static struct ext_result sms_unifonic_judge_reply(struct arena *a, const struct sms_answer *in,
                                                  const char **message_id)
{
    const json_t *data = json_object_get(in->json, "data");
    const char *success = ext_json_text(a, json_object_get(in->json, "success"));
    const char *code = ext_json_text(a, json_object_get(in->json, "errorCode"));
    const char *state = ext_json_text(a, json_object_get(data, "Status"));
    /* A good status may hold a message that was lost already: what is said of the message
     * counts. */
    bool lost = state && (strcasecmp(state, "Failed") == 0 || strcasecmp(state, "Rejected") == 0);
    bool coded = code && *code, good = coded && strcasecmp(code, "ER-00") == 0;
    if (in->reply->status >= 400 || (success && strcasecmp(success, "false") == 0) || lost)
        return sms_refuse(a, in->reply, code, &sms_unifonic_codes);
    if (success ? strcasecmp(success, "true") == 0 && (good || !coded) : good)
        return sms_accept(a, json_object_get(data, "MessageID"), message_id);
    if (!success && coded)
        return sms_refuse(a, in->reply, code, &sms_unifonic_codes);
    return ext_unreadable();
}

const struct sms_provider sms_unifonic = {.type = PROVIDER_UNIFONIC,
                                          .build = sms_unifonic_build_request,
                                          .judge = sms_unifonic_judge_reply};
