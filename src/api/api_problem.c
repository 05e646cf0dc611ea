/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The problem document (RFC 9457) of a request that was refused: http_problem's members, and those
 * that only handlers know. Called by api.c, once, after the handler returned an error. */
#include "api_priv.h"
#include "http/http_problem.h"
#include "sys/log.h"

/* All faults of the input at once, so that a form can mark every field. */
static void api_problem_put_faults(struct arena *a, json_t *doc, const struct faults *faults)
{
    if (faults->n == 0)
        return;
    json_t *list = json_arr(a);
    for (const struct fault *f = faults->first; f; f = f->next) {
        json_t *entry = json_obj(a);
        json_put_str(a, entry, "pointer", f->pointer);
        json_put_str(a, entry, "detail", f->detail);
        json_push(a, list, entry);
    }
    json_put(a, doc, "errors", list);
}

/* When nobody said what became of a provider's call or a commit, it is unknown: the careful
 * reading, since a client may repeat what it believes has failed. */
static const char *api_problem_outcome(const struct api_request *r, enum err e)
{
    if (r->problem.outcome == OUTCOME_FAILED)
        return "failed";
    return r->problem.outcome == OUTCOME_UNKNOWN || e == ERR_COMMIT_UNKNOWN || err_is_provider(e)
               ? "unknown"
               : NULL;
}

/* Members that handlers left unset are absent, not null: a client asks whether the member is
 * there. */
void api_problem(struct api_request *r, enum err e)
{
    struct arena *a = r->svc.arena;
    /* The client learns no more than "internal"; the log has the true code. */
    if (http_problem_public(e) == ERR_INTERNAL)
        LOG(LOG_LEVEL_ERROR, "http.internal", F_ERR(e),
            F_STR("route", http_route_pattern(&api_route_table, r->row)));

    const struct http_problem p = {.err = e,
                                   .detail = r->problem.detail ? r->problem.detail : r->svc.detail,
                                   .request_id = r->svc.request_id,
                                   .retry_after_s = r->problem.retry_after_s
                                                        ? r->problem.retry_after_s
                                                        : r->svc.retry_after_s};
    json_t *doc = http_problem_document(a, &p);
    api_problem_put_faults(a, doc, &r->faults);
    /* 0 is a value: the last attempt was used up. */
    if (r->problem.attempts_left >= 0)
        json_put_int(a, doc, "attempts_left", r->problem.attempts_left);
    const char *outcome = api_problem_outcome(r, http_problem_public(e));
    if (outcome)
        json_put_str(a, doc, "outcome", outcome);
    if (r->problem.otp_id)
        json_put_str(a, doc, "otp_id", r->problem.otp_id);
    if (r->problem.scope)
        json_put_str(a, doc, "scope", r->problem.scope);
    if (r->problem.provider_class)
        json_put_str(a, doc, "provider_class", r->problem.provider_class);
    if (r->problem.payment_id)
        json_put_str(a, doc, "payment_id", r->problem.payment_id);
    if (r->problem.in_use) {
        json_put_int(a, doc, "bookings", r->problem.bookings);
        json_put_int(a, doc, "services", r->problem.services);
    }

    http_problem_respond(&r->resp, a, &p, doc);
    if (r->problem.replayed)
        http_resp_header(&r->resp, "Idempotency-Replayed", "true");
    if (e == ERR_UNAUTHORIZED) /* RFC 9110 11.6.1: a 401 names the scheme */
        http_resp_header(&r->resp, "WWW-Authenticate", "Bearer");
    if (e == ERR_METHOD_NOT_ALLOWED && r->allow)
        http_resp_header(&r->resp, "Allow", r->allow);
    if (e == ERR_UNSUPPORTED_MEDIA_TYPE && r->accept_encoding)
        http_resp_header(&r->resp, "Accept-Encoding", r->accept_encoding);
}
