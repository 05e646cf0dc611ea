/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Taqnyat: JSON with a Bearer token; 201, and lists of accepted and rejected numbers that come as
 * text. */
#include <string.h>

#include "ext/ext_jsonpath.h"
#include "sms_priv.h"
#include "sys/json.h"

static void sms_taqnyat_build_request(struct arena *a, const struct provider_config *p,
                                      const struct sms *m, struct ext_request *q)
{
    json_t *body = json_obj(a), *recipients = json_arr(a);
    json_push(a, recipients, json_string(sms_digits(m->to)));
    json_put(a, body, "recipients", recipients);
    json_put_str(a, body, "body", m->text);
    json_put_str(a, body, "sender", p->sender);
    q->url = arena_printf(a, "%s/v1/messages", p->base_url);
    q->headers[0] = arena_printf(a, "Authorization: Bearer %s", p->token);
    q->content_type = "application/json";
    q->body = json_text(a, body);
}

/* "[9665...,]" or an array: whether it names a number. */
static bool names_somebody(const json_t *list)
{
    const char *text = json_string_value(list);
    return text ? strpbrk(text, "0123456789") != NULL : json_array_size(list) > 0;
}

static struct ext_result sms_taqnyat_judge_reply(struct arena *a, const struct provider_config *p,
                                                 const struct ext_reply *reply,
                                                 const char **message_id)
{
    struct ext_result r;
    (void)p;
    if (ext_status_decides(a, reply, &r))
        return r;
    json_t *j = sms_answer(a, reply);
    const json_t *code = json_object_get(j, "statusCode");
    const char *code_text = ext_json_text(a, code);
    if (reply->status >= 400)
        return sms_refuse(a, reply, code);
    if (names_somebody(json_object_get(j, "rejected"))) {
        r = sms_refuse(a, reply, NULL);
        r.detail = "recipient refused";
        return r;
    }
    if (code_text && (strcmp(code_text, "201") == 0 || strcmp(code_text, "200") == 0))
        return sms_accept(a, json_object_get(j, "messageId"), message_id);
    if (code_text && *code_text)
        return sms_refuse(a, reply, code);
    return ext_unreadable();
}

const struct sms_provider sms_taqnyat = {PROVIDER_TAQNYAT, sms_taqnyat_build_request,
                                         sms_taqnyat_judge_reply};
