/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Taqnyat: JSON with a Bearer token; 201, and lists of accepted and rejected numbers that come as
 * text. */
#include <string.h>

#include "base/chars.h"
#include "base/num.h"
#include "sms_priv.h"
#include "sys/json.h"

/* https://docs.taqnyat.sa: balance, sender, API switched off, address, token; recipients. */
static const struct sms_codes sms_taqnyat_codes = {
    .account = "2 3 14 101 102 104",
    .number = "15",
};

/* One recipient in the list: the answer then says clearly what became of it. */
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
static bool sms_taqnyat_names_somebody(const json_t *list)
{
    const char *text = json_string_value(list);
    return text ? strpbrk(text, "0123456789") != NULL : json_array_size(list) > 0;
}

/* `statusCode`, or `reason` when that only repeats an HTTP status of a refusal; NULL: neither. */
static const char *sms_taqnyat_code(struct arena *a, const json_t *j)
{
    const char *code = ext_json_text(a, json_object_get(j, "statusCode"));
    const char *reason = ext_json_text(a, json_object_get(j, "reason"));
    int64_t number;
    bool status = code && num_range(str_of(code), 300, 599, &number);
    bool usable = reason && chars_all(str_of(reason), char_is_id_or_dot);
    return usable && (!code || status) ? reason : code;
}

/* A message counts as sent only when nothing in the answer speaks against it. */
static struct ext_result sms_taqnyat_judge_reply(struct arena *a, const struct sms_answer *in,
                                                 const char **message_id)
{
    const json_t *accepted = json_object_get(in->json, "accepted");
    const char *code = sms_taqnyat_code(a, in->json);
    if (in->reply->status >= 400)
        return sms_refuse(a, in->reply, code, &sms_taqnyat_codes);
    /* 201 may come with a rejected recipient: the list counts, not the status. */
    if (sms_taqnyat_names_somebody(json_object_get(in->json, "rejected"))) {
        struct ext_result r = sms_refuse(a, in->reply, NULL, &sms_taqnyat_codes);
        r.detail = "recipient refused";
        return r;
    }
    if (code && (strcmp(code, "201") == 0 || strcmp(code, "200") == 0))
        /* An empty list of accepted numbers beside a good code contradicts itself. */
        return accepted && !sms_taqnyat_names_somebody(accepted)
                   ? ext_unreadable()
                   : sms_accept(a, json_object_get(in->json, "messageId"), message_id);
    if (code && *code)
        return sms_refuse(a, in->reply, code, &sms_taqnyat_codes);
    return ext_unreadable();
}

const struct sms_provider sms_taqnyat = {
    .type = PROVIDER_TAQNYAT, .build = sms_taqnyat_build_request, .judge = sms_taqnyat_judge_reply};
