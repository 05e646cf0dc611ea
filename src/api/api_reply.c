/* What handlers answer with. */
#include "api_priv.h"

void api_reply(struct api_request *r, int status, json_t *body)
{
    r->resp.status = status;
    r->resp.content_type = "application/json";
    r->resp.body = json_text(r->svc.arena, body);
}

void api_reply_empty(struct api_request *r, int status)
{
    r->resp.status = status;
    r->resp.content_type = NULL;
    r->resp.body = (struct str){NULL, 0};
}

void api_reply_list(struct api_request *r, json_t *items, const char *next)
{
    json_t *list = json_obj(r->svc.arena);
    json_put(r->svc.arena, list, "items", items);
    json_put_str(r->svc.arena, list, "next", next);
    api_reply(r, 200, list);
}

int64_t api_page_limit(const struct api_page *p)
{
    return p->has_limit ? p->limit : 50;
}

enum err api_provider_failed(struct api_request *r, enum err e, bool unknown, long retry_after_s)
{
    r->problem.outcome = unknown ? OUTCOME_UNKNOWN : OUTCOME_FAILED;
    r->problem.retry_after_s = retry_after_s;
    return e;
}
