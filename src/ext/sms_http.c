/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Any other provider: the request from templates, the success rule from the configuration. Called
 * by sms.c like every driver. It exists so that a provider without a driver needs no new
 * version. */
#include <string.h>

#include "domain/phone_table.h"
#include "domain/text_rule.h"
#include "ext/ext_escape.h"
#include "sms_priv.h"

#define SMS_HTTP_VARS 7
struct sms_http_vars {
    struct template_var var[SMS_HTTP_VARS];
    size_t n;
};

/* "+966551234567" -> "0551234567", as it is dialled at home. */
static const char *sms_http_national(struct arena *a, const char *e164)
{
    struct str national = str_of(sms_digits(e164));
    const struct phone_region *region = phone_region_calling(national);
    if (!region)
        return national.p;
    size_t calling = strlen(region->calling);
    /* +1 is both calling code and trunk prefix, and nobody writes it before a national number. */
    const char *trunk = strcmp(region->calling, region->trunk) == 0 ? "" : region->trunk;
    return arena_printf(a, "%s%s", trunk, national.p + calling);
}

/* Adds the parameters to a form, or to the query. */
static void sms_http_add_params(struct arena *a, const struct provider_config *p,
                                const struct sms_http_vars *v, struct ext_request *q)
{
    bool form =
        strcmp(q->method, "GET") != 0 && ext_escape_for(q->content_type) == EXT_ESCAPE_PERCENT;
    struct sb b;
    sb_init(&b, a, 512);
    sb_puts(&b, form ? (q->body.p ? q->body.p : "") : q->url);
    char separator = form ? (b.n > 0 ? '&' : '\0') : strchr(q->url, '?') ? '&' : '?';
    for (size_t i = 0; i < p->params_n; i++) {
        if (separator)
            sb_putc(&b, separator);
        separator = '&';
        ext_escape_add(&b, EXT_ESCAPE_PERCENT, p->params[i].key);
        sb_putc(&b, '=');
        /* The whole value of a parameter is escaped: what fills the places, and the text around
         * them. */
        ext_escape_add(&b, EXT_ESCAPE_PERCENT,
                       ext_template(a, p->params[i].value, EXT_ESCAPE_NONE, v->var, v->n).p);
    }
    if (form)
        q->body = sb_str(&b);
    else
        q->url = sb_str(&b).p;
}

/* Every value is escaped for the place where it stands (ext_escape.c): a text with a quote must not
 * end its field. */
static void sms_http_build_request(struct arena *a, const struct provider_config *p,
                                   const struct sms *m, struct ext_request *q)
{
    const struct sms_http_vars v = {{{"to", m->to},
                                     {"to_digits", sms_digits(m->to)},
                                     {"to_national", sms_http_national(a, m->to)},
                                     {"text", m->text},
                                     {"code", m->code ? m->code : ""},
                                     {"sender", p->sender},
                                     {"id", m->id}},
                                    SMS_HTTP_VARS};
    const struct template_var *vars = v.var;
    size_t n = v.n;
    const char *path = p->path ? p->path : "";
    /* Without its slash a path could change the host: "@elsewhere", ".elsewhere". */
    const char *slash = *path == '/' || *path == '\0' ? "" : "/";
    if (p->method && *p->method)
        q->method = p->method;
    q->url = arena_printf(a, "%s%s%s", p->base_url, slash,
                          ext_template(a, path, EXT_ESCAPE_PERCENT, vars, n).p);
    q->content_type = p->content_type && *p->content_type ? p->content_type : "application/json";
    if (p->body)
        q->body = ext_template(a, p->body, ext_escape_for(q->content_type), vars, n);
    for (size_t i = 0; i < p->headers_n && i < EXT_HEADERS_MAX - 1; i++)
        q->headers[i] =
            arena_printf(a, "%s: %s", p->headers[i].key,
                         ext_template(a, p->headers[i].value, EXT_ESCAPE_NONE, vars, n).p);
    if (p->params_n > 0)
        sms_http_add_params(a, p, &v, q);
}

/* 2xx unless the configuration lists others. */
static bool sms_http_lists_status(const struct provider_config *p, int status)
{
    for (size_t i = 0; i < p->success_status_n; i++)
        if (p->success_status[i] == status)
            return true;
    return p->success_status_n == 0 && status >= 200 && status <= 299;
}

enum rule { RULE_MET, RULE_BROKEN, RULE_MISSING };

/* An absent member counts as "": so a rule can also demand that something is empty or not there. */
static enum rule rule_check(struct arena *a, const json_t *j, const struct config_success *rule)
{
    const json_t *found = ext_jsonpath_get(j, rule->path);
    const char *text = found ? ext_json_text(a, found) : "";
    for (size_t i = 0; text && i < rule->values_n; i++)
        if (strcmp(text, rule->values[i]) == 0)
            return RULE_MET;
    return found ? RULE_BROKEN : RULE_MISSING;
}

/* A broken rule outweighs a missing one: it is the provider's clear "no". */
static enum rule rules_check(struct arena *a, const json_t *j, const struct provider_config *p)
{
    enum rule worst = RULE_MET;
    for (size_t i = 0; i < p->success_n; i++) {
        enum rule now = rule_check(a, j, &p->success[i]);
        if (now == RULE_BROKEN)
            return RULE_BROKEN;
        worst = now == RULE_MISSING ? RULE_MISSING : worst;
    }
    return worst;
}

/* ---- rules on the text ---- */

/* MISSING: there is no such rule, or no memory for it. *code: what the rule says the code is. */
static enum rule sms_http_check_text(struct arena *a, const char *text, struct str body,
                                     const char **code)
{
    struct text_rule rule;
    struct str group;
    char reason[128];
    if (!text || !text_rule_open(&rule, text, reason, sizeof reason))
        return RULE_MISSING; /* the configuration was checked */
    bool met = text_rule_match(&rule, body, &group);
    text_rule_close(&rule);
    if (met && group.n > 0 && code)
        *code = arena_strndup(a, group.p, group.n);
    return met ? RULE_MET : RULE_BROKEN;
}

/*
 * In this order: an answer that error.text matches is a refusal. One that success.text does not
 * match is unreadable: the message may have gone out. One that breaks a JSON rule is a refusal.
 * When a member that a rule names is missing, it is a refusal if there is an error code at
 * error_path, and else unreadable.
 */
static struct ext_result sms_http_judge_reply(struct arena *a, const struct sms_answer *in,
                                              const char **message_id)
{
    const struct provider_config *p = in->p;
    const struct sms_codes codes = {p->error_account, p->error_number};
    bool listed = sms_http_lists_status(p, in->reply->status);
    const char *code =
        p->error_path ? ext_json_text(a, ext_jsonpath_get(in->json, p->error_path)) : NULL;
    if (sms_http_check_text(a, p->error_text, in->reply->body, &code) == RULE_MET ||
        (!listed && in->reply->status >= 400))
        return sms_refuse(a, in->reply, code, &codes);
    if (sms_http_check_text(a, p->success_text, in->reply->body, NULL) == RULE_BROKEN)
        return ext_unreadable();
    enum rule rule = !in->json && p->success_n > 0 ? RULE_MISSING : rules_check(a, in->json, p);
    if (listed && rule == RULE_MET)
        return sms_accept(a, p->id_path ? ext_jsonpath_get(in->json, p->id_path) : NULL,
                          message_id);
    if ((listed && rule == RULE_BROKEN) || (code && *code))
        return sms_refuse(a, in->reply, code, &codes);
    return ext_unreadable();
}

const struct sms_provider sms_http = {.type = PROVIDER_HTTP,
                                      .lists_status = sms_http_lists_status,
                                      .build = sms_http_build_request,
                                      .judge = sms_http_judge_reply};
