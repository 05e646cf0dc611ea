/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "ext/sms.h"

#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"
#include "ext/ext_jsonpath.h"
#include "sms_priv.h"
#include "sys/json.h"

#define MESSAGE_ID_MAX 100
#define CODE_MAX 32

/* ---- drivers: the rows of kind SMS ---- */

#define SMS_DRIVER_SMS(name) &sms_##name,
#define SMS_DRIVER_PAYMENT(name)
const struct sms_provider *const sms_providers[] = {
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) SMS_DRIVER_##kind(name)
#include "domain/providers.def"
    NULL};

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
static const char *sms_cut_word(const char *z, size_t max)
{
    const struct str s = str_of(z);
    return chars_all(s, char_is_id_or_dot) && s.n <= max ? z : NULL;
}

struct ext_result sms_accept(struct arena *a, const json_t *id, const char **message_id)
{
    *message_id = sms_cut_word(ext_json_text(a, id), MESSAGE_ID_MAX);
    return (struct ext_result){.err = ERR_OK};
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

struct ext_result sms_refuse(struct arena *a, const struct ext_reply *reply, const json_t *code)
{
    struct ext_result r = {.err = ERR_PROVIDER_REJECTED, .outcome = OUTCOME_FAILED};
    if (from_firewall(reply)) {
        r.err = ERR_PROVIDER_FAILED;
        r.detail = "refused by a web firewall";
    } else if (reply->status == 401 || reply->status == 403) {
        r.detail = "credentials refused"; /* ours: for the operator, not the customer */
    } else {
        r.detail = sms_cut_word(ext_json_text(a, code), CODE_MAX);
    }
    if (!r.detail)
        r.detail = arena_printf(a, "status %d", reply->status);
    return r;
}

struct ext_result sms_send(struct ext *x, struct arena *a, const struct sms *m, struct deadline d,
                           const char **message_id)
{
    const struct provider_config *p = ext_provider(x, m->provider);
    const struct sms_provider *row = sms_provider_find(p->type);
    struct ext_request q = {.provider = m->provider,
                            .op = m->op,
                            .method = "POST",
                            .request_id = m->request_id,
                            .traceparent = m->traceparent};
    struct ext_reply reply;
    ENSURE(row);
    *message_id = NULL;
    row->build(a, p, m, &q);
    struct ext_result r = ext_call(x, a, &q, d, &reply);
    if (r.err != ERR_OK)
        return r;
    r = row->judge(a, p, &reply, message_id);
    ext_judge(x, &q, &reply, &r, "sms.refused");
    return r;
}
