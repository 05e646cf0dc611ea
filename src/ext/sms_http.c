/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Any other provider: the request from templates, the success rule from the configuration. */
#include <string.h>

#include "ext/ext_escape.h"
#include "ext/ext_jsonpath.h"
#include "sms_priv.h"

static void sms_http_build_request(struct arena *a, const struct provider_config *p,
                                   const struct sms *m, struct ext_request *q)
{
    const struct template_var vars[] = {
        {"to", m->to}, {"text", m->text}, {"sender", p->sender}, {"id", m->id}};
    size_t n = ARRAY_LEN(vars);
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
}

static bool status_listed(const struct provider_config *p, int status)
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

/*
 * A rule that the answer breaks is a refusal. What the rule speaks of being absent is one only when
 * the answer has an error code at error_path; else the answer is not what was agreed, and the
 * message may have gone out.
 */
static struct ext_result sms_http_judge_reply(struct arena *a, const struct provider_config *p,
                                              const struct ext_reply *reply,
                                              const char **message_id)
{
    struct ext_result r;
    bool listed = status_listed(p, reply->status);
    if (!listed && ext_status_decides(a, reply, &r))
        return r;
    json_t *j = sms_answer(a, reply);
    const json_t *code = p->error_path ? ext_jsonpath_get(j, p->error_path) : NULL;
    const char *code_text = ext_json_text(a, code);
    if (!listed && reply->status >= 400)
        return sms_refuse(a, reply, code);
    enum rule rule = !j && p->success_n > 0 ? RULE_MISSING : rules_check(a, j, p);
    if (listed && rule == RULE_MET)
        return sms_accept(a, p->id_path ? ext_jsonpath_get(j, p->id_path) : NULL, message_id);
    if ((listed && rule == RULE_BROKEN) || (code_text && *code_text))
        return sms_refuse(a, reply, code);
    return ext_unreadable();
}

const struct sms_provider sms_http = {PROVIDER_HTTP, sms_http_build_request, sms_http_judge_reply};
