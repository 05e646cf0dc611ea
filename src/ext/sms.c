/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* SMS providers: sends one message through the driver of the configured type, and holds what the
 * drivers share (how answers are read, how refusals are sorted). Called by svc/otp.c and
 * svc/notification.c. */
#include "ext/sms.h"

#include <stdio.h>
#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"
#include "domain/metrics.h"
#include "domain/sms_text.h"
#include "sms_priv.h"
#include "sys/json.h"

/* The longest identifiers seen have 36 characters (UUIDs); the column holds any length. */
#define MESSAGE_ID_MAX 100
/* Error codes are short; what is longer is a text, and texts stay out of the log. */
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

/* Some providers want the number without its plus. */
const char *sms_digits(const char *e164)
{
    return e164[0] == '+' ? e164 + 1 : e164;
}

/* A word of [A-Za-z0-9_.-], at most `max` long: fit for the log and for error_detail. Message texts
 * of providers repeat numbers and texts. */
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

/* `words` is a list with blanks, from the driver or from the configuration. */
static bool sms_code_listed(const char *words, const char *code)
{
    struct str rest = str_of(words ? words : ""), wanted = str_of(code);
    if (str_starts_nocase(wanted, STR("ER-")))
        wanted = (struct str){wanted.p + 3, wanted.n - 3};
    while (rest.n > 0)
        if (str_eq_nocase(str_cut(&rest, ' '), wanted))
            return true;
    return false;
}

/* The code says more than the HTTP status, so it is tried first. What nothing describes is about
 * this message: that stops nothing else. */
static enum refusal sms_sort_refusal(int status, const char *code, const struct sms_codes *codes)
{
    char status_text[12];
    (void)snprintf(status_text, sizeof status_text, "%d", status);
    const char *const tries[] = {code ? code : "", status >= 400 ? status_text : ""};
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        if (sms_code_listed(codes->number, tries[i]))
            return REFUSAL_NUMBER;
        if (sms_code_listed(codes->account, tries[i]))
            return REFUSAL_ACCOUNT;
    }
    return status == 401 || status == 402 || status == 403 ? REFUSAL_ACCOUNT : REFUSAL_MESSAGE;
}

/* The detail is a code or a status, never the provider's text, which may quote number and
 * message. */
struct ext_result sms_refuse(struct arena *a, const struct ext_reply *reply, const char *code,
                             const struct sms_codes *codes)
{
    struct ext_result r = {.err = ERR_PROVIDER_REJECTED, .outcome = OUTCOME_FAILED};
    if (from_firewall(reply)) {
        r.err = ERR_PROVIDER_FAILED;
        r.detail = "refused by a web firewall";
        return r;
    }
    r.detail = code ? sms_cut_word(code, CODE_MAX) : NULL;
    r.refusal = sms_sort_refusal(reply->status, r.detail, codes);
    if (!r.detail && (reply->status == 401 || reply->status == 403))
        r.detail = "credentials refused";
    if (!r.detail)
        r.detail = arena_printf(a, "status %d", reply->status);
    return r;
}

/* A bare string or number is no answer of any provider, like broken JSON. */
struct ext_result sms_judge(struct arena *a, const struct sms_provider *row,
                            const struct provider_config *p, const struct ext_reply *reply,
                            const char **message_id)
{
    struct ext_result r;
    bool listed = row->lists_status && row->lists_status(p, reply->status);
    if (!listed && ext_status_decides(a, reply, &r))
        return r;
    const json_t *j = json_parse(a, reply->body);
    const struct sms_answer in = {p, reply, json_is_object(j) || json_is_array(j) ? j : NULL};
    return row->judge(a, &in, message_id);
}

/* What an operator pays for: also what may have gone out. */
static void sms_count_parts(const struct sms *m, const struct ext_result *r)
{
    unsigned kind = m->op == PROVIDER_OP_SMS_OTP ? SMS_KIND_OTP : SMS_KIND_NOTIFICATION;
    if (r->outcome == OUTCOME_OK || r->outcome == OUTCOME_UNKNOWN)
        metric_add(M_SMS_PARTS, sms_text_size(m->text).parts,
                   METRIC_AT((unsigned)m->provider, kind));
}

/* One message to one number: a list would have one outcome for many people. */
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
    if (r.err == ERR_OK) {
        r = sms_judge(a, row, p, &reply, message_id);
        ext_judge(x, &q, &reply, &r, "sms.refused");
    }
    sms_count_parts(m, &r);
    return r;
}
