/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "ext/sms.h"

#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"
#include "ext/ext_jsonpath.h"
#include "sms_priv.h"
#include "sys/json.h"
#include "sys/log.h"

#define MESSAGE_ID_MAX 100
#define CODE_MAX 32

const struct sms_provider *const sms_providers[] = {&sms_taqnyat, &sms_unifonic, &sms_msegat,
                                                    &sms_twilio,  &sms_http,     NULL};

const struct sms_provider *sms_provider_find(enum provider_type type)
{
    for (size_t i = 0; sms_providers[i]; i++)
        if (sms_providers[i]->type == type)
            return sms_providers[i];
    return NULL;
}

/* ---- what the provider files share ---- */

const char *sms_digits(const char *e164)
{
    return e164[0] == '+' ? e164 + 1 : e164;
}

json_t *sms_answer(struct arena *a, const struct ext_reply *reply)
{
    json_t *j = json_parse(a, reply->body);
    return json_is_object(j) || json_is_array(j) ? j : NULL;
}

/* A word of [A-Za-z0-9_.-], at most `max` long: fit for log and ledger. Message texts of providers
 * repeat numbers and texts. */
static const char *word(const char *z, size_t max)
{
    const struct str s = str_of(z);
    return chars_all(s, char_is_id_or_dot) && s.n <= max ? z : NULL;
}

void sms_accept(struct arena *a, struct sms_result *r, const json_t *id)
{
    r->err = ERR_OK;
    r->message_id = word(ext_json_text(a, id), MESSAGE_ID_MAX);
}

/* A 403 with a page is the web firewall in front of a provider, not its word on our key or the
 * number. */
static bool from_firewall(const struct ext_reply *reply)
{
    return reply->status == 403 &&
           (str_starts_nocase(str_of(reply->content_type), STR("text/html")) ||
            str_starts_nocase(reply->body, STR("<!doctype")) ||
            str_starts_nocase(reply->body, STR("<html")));
}

void sms_refuse(struct arena *a, const struct ext_reply *reply, struct sms_result *r,
                const json_t *code)
{
    if (from_firewall(reply)) {
        r->err = ERR_PROVIDER_FAILED;
        r->detail = "refused by a web firewall";
        return;
    }
    r->err = ERR_PROVIDER_REJECTED;
    if (reply->status == 401 || reply->status == 403)
        r->detail = "credentials refused"; /* ours: for the operator, not the customer */
    else
        r->detail = word(ext_json_text(a, code), CODE_MAX);
    if (!r->detail)
        r->detail = arena_printf(a, "status %d", reply->status);
}

void sms_unreadable(struct sms_result *r)
{
    r->err = ERR_PROVIDER_FAILED;
    r->unknown = true;
    r->detail = "unreadable answer";
}

/*
 * 307 and 308 ask for the same request elsewhere: nothing was done here. The older redirects are
 * also what scripts answer after having done the work, so they leave it open. 408: the request did
 * not arrive whole.
 */
bool sms_judge_status(struct arena *a, const struct ext_reply *reply, struct sms_result *r)
{
    int s = reply->status;
    if (s != 429 && s != 408 && (s < 300 || s > 399) && s < 500)
        return false;
    r->err = s == 429 ? ERR_PROVIDER_UNAVAILABLE : ERR_PROVIDER_FAILED;
    r->unknown = s >= 500 || (s >= 300 && s <= 399 && s != 307 && s != 308);
    r->detail = s == 429  ? "rate limited"
                : s < 400 ? "redirect refused"
                          : arena_printf(a, "status %d", s);
    if (s == 429)
        r->retry_after_s = reply->retry_after_s > 0 ? reply->retry_after_s : 1;
    return true;
}

/* ---- sending ---- */

static enum provider_outcome outcome_of(enum err err)
{
    switch ((int)err) {
    case ERR_OK:
        return PROVIDER_OUTCOME_OK;
    case ERR_PROVIDER_REJECTED:
        return PROVIDER_OUTCOME_REJECTED;
    case ERR_PROVIDER_UNAVAILABLE:
        return PROVIDER_OUTCOME_UNAVAILABLE;
    default:
        return PROVIDER_OUTCOME_FAILED;
    }
}

static void judge(struct ext *x, struct arena *a, const struct sms_provider *row,
                  const struct ext_request *q, const struct ext_reply *reply, struct sms_result *r)
{
    const struct provider_config *p = ext_provider(x, q->provider);
    row->judge(a, p, reply, r);
    ext_judge(x, q, reply, outcome_of(r->err));
    if (r->err != ERR_OK)
        LOG(LOG_LEVEL_WARN, "sms.refused", F_STR("provider", p->name),
            F_STR("operation", provider_op_names[q->op]), F_ERR(r->err), F_STR("detail", r->detail),
            F_INT("status", reply->status), F_STR("outcome", r->unknown ? "unknown" : "failed"),
            F_MS("took", reply->seconds * 1000));
}

void sms_send(struct ext *x, struct arena *a, int provider, const struct sms *m, struct deadline d,
              struct sms_result *r)
{
    const struct provider_config *p = ext_provider(x, provider);
    const struct sms_provider *row = sms_provider_find(p->type);
    ENSURE(row);
    *r = (struct sms_result){0};
    struct ext_request q = {.provider = provider,
                            .op = m->op,
                            .method = "POST",
                            .request_id = m->request_id,
                            .traceparent = m->traceparent};
    row->build(a, p, m, &q);
    struct ext_reply reply;
    r->err = ext_call(x, a, &q, d, &reply);
    r->unknown = reply.certainty == EXT_UNKNOWN;
    r->detail = reply.detail;
    r->retry_after_s = reply.retry_after_s;
    if (r->err == ERR_OK)
        judge(x, a, row, &q, &reply, r);
}
