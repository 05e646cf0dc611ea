/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Msegat: JSON with user and key in the body; always 200, only the body's `code` tells. */
#include <string.h>

#include "sms_priv.h"
#include "sys/json.h"

/* https://msegat.docs.apiary.io: login, balance, sender; number. */
static const struct sms_codes sms_msegat_codes = {
    .account = "M0002 1020 1060 1110 M0029 M0030",
    .number = "1120",
};

/* Credentials are members of the body here; so the body is a secret, and is never logged. */
static void sms_msegat_build_request(struct arena *a, const struct provider_config *p,
                                     const struct sms *m, struct ext_request *q)
{
    json_t *body = json_obj(a);
    json_put_str(a, body, "userName", p->user);
    json_put_str(a, body, "apiKey", p->api_key);
    json_put_str(a, body, "numbers", sms_digits(m->to));
    json_put_str(a, body, "userSender", p->sender);
    json_put_str(a, body, "msg", m->text);
    json_put_str(a, body, "msgEncoding", "UTF8");
    q->url = arena_printf(a, "%s/gw/sendsms.php", p->base_url);
    q->content_type = "application/json";
    q->body = json_text(a, body);
}

/* No code at all is not understood, which is neither success nor refusal. */
static struct ext_result sms_msegat_judge_reply(struct arena *a, const struct sms_answer *in,
                                                const char **message_id)
{
    const char *text = ext_json_text(a, json_object_get(in->json, "code"));
    if (in->reply->status >= 400)
        return sms_refuse(a, in->reply, text, &sms_msegat_codes);
    /* Two words for success: "1" is the older one, and both are in use. */
    if (text && (strcmp(text, "1") == 0 || strcmp(text, "M0000") == 0))
        return sms_accept(a, json_object_get(in->json, "id"), message_id);
    if (text && *text)
        return sms_refuse(a, in->reply, text, &sms_msegat_codes);
    return ext_unreadable();
}

const struct sms_provider sms_msegat = {
    .type = PROVIDER_MSEGAT, .build = sms_msegat_build_request, .judge = sms_msegat_judge_reply};
