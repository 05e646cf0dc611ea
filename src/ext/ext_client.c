/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One call to a provider, from the circuit breaker to the driver's verdict (doc/ARCHITECTURE.md,
 * Life of a provider call). Called by sms.c and pay.c in workers, the keeper and the command line.
 * A process makes one call at a time.
 */
#include "ext/ext_client.h"

#include <poll.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "domain/scoreboard.h"
#include "ext/ext_status.h"
#include "ext_decode.h"
#include "ext_priv.h"
#include "sys/log.h"

/* A hint's call ends within its provider's time limit; most take less than this. A create has 10 s
 * by default, so that enough is left of them. */
#define HINT_WAIT_MS 2000
#define HINT_WAIT_STEP_MS 5
/* An eighth: enough that reads stay fast, and little capacity lost while all providers are well. */
#define FREE_SHARE 8 /* one worker in so many stays out of providers' hands */

/* A call under way, or answered and not yet judged. */
struct call {
    bool open;
    int provider;
    bool hint;
    int place, common_place, hint_place; /* -1: left, or none taken */
    struct ext_ticket ticket;
};

struct ext {
    const struct config *cfg;
    struct ext_curl curl;
    struct call call;
    /* Of the request that is being served; api.c takes the figures for the access record. */
    double spent[PROVIDERS_MAX];
};

/* One per process; it is not shared over fork(), because connections are not. */
struct ext *ext_new(const struct config *cfg)
{
    struct ext *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    x->cfg = cfg;
    x->call.place = x->call.common_place = x->call.hint_place = -1;
    if (ext_curl_init(&x->curl))
        return x;
    free(x);
    return NULL;
}

/* An index out of range is a bug of ours: it comes from the configuration, never from a request. */
const struct provider_config *ext_provider(const struct ext *x, int provider)
{
    ENSURE(provider >= 0 && (size_t)provider < x->cfg->providers_n);
    return &x->cfg->providers[provider];
}

static void ext_client_leave_places(struct ext *x)
{
    if (x->call.place >= 0)
        ext_bulkhead_leave(&ext_cell(x->call.provider)->bulkhead, x->call.place);
    if (x->call.common_place >= 0)
        ext_bulkhead_leave(ext_common(), x->call.common_place);
    if (x->call.hint_place >= 0)
        ext_bulkhead_leave(&ext_cell(x->call.provider)->hints, x->call.hint_place);
    x->call.place = x->call.common_place = x->call.hint_place = -1;
}

/* A call that nobody judged (memory ran out meanwhile): its probe goes back. */
static void ext_client_settle_handle(struct ext *x)
{
    ext_client_leave_places(x);
    if (x->call.open) {
        struct ext_breaker_limits l = ext_breaker_limits_of(ext_provider(x, x->call.provider));
        ext_breaker_abandon(&ext_cell(x->call.provider)->breaker, &l, &x->call.ticket);
    }
    x->call.open = false;
}

void ext_free(struct ext *x)
{
    if (!x)
        return;
    ext_client_settle_handle(x);
    ext_curl_fini(&x->curl);
    free(x);
}

/* Each call is counted exactly once, whichever way it ends. */
static void ext_client_count_call(const struct ext_request *q, enum provider_outcome outcome)
{
    METRIC_INC(M_PROVIDER_REQUESTS, (unsigned)q->provider, q->op, outcome);
}

/* ---- the breaker's news ---- */

/* By the process that saw the change: the breaker is shared, and each change has one author. */
static void log_change(const struct ext *x, int provider, enum ext_breaker_change change,
                       enum err fault)
{
    const struct provider_config *p = ext_provider(x, provider);
    if (change == BREAKER_OPENED)
        LOG(LOG_LEVEL_WARN, "provider.circuit_open", F_STR("provider", p->name), F_ERR(fault),
            F_MS("open_for", (double)p->breaker_open_for_ms));
    else if (change == BREAKER_CLOSED)
        LOG(LOG_LEVEL_INFO, "provider.circuit_closed", F_STR("provider", p->name));
}

/* The circuit hears of each call exactly once: here, in verdict_bad(), or by abandoning. */
static void verdict_good(struct ext *x)
{
    int provider = x->call.provider;
    x->call.open = false;
    log_change(x, provider, ext_breaker_success(&ext_cell(provider)->breaker, &x->call.ticket),
               ERR_OK);
}

/* A hint's failure gives its ticket back unjudged: strangers must not be able to open a circuit. */
static void verdict_bad(struct ext *x, unsigned weight, enum err fault)
{
    int provider = x->call.provider;
    struct ext_breaker_limits l = ext_breaker_limits_of(ext_provider(x, provider));
    x->call.open = false;
    if (x->call.hint) {
        ext_breaker_abandon(&ext_cell(provider)->breaker, &l, &x->call.ticket);
        return;
    }
    log_change(
        x, provider,
        ext_breaker_failure(&ext_cell(provider)->breaker, &l, &x->call.ticket, weight, fault),
        fault);
}

/* ---- entering ---- */

/* Nothing was sent: the outcome is known to be "failed". */
static struct ext_result ext_client_refuse_call(const struct ext_request *q, const char *detail,
                                                long retry_after_s)
{
    ext_client_count_call(q, PROVIDER_OUTCOME_UNAVAILABLE);
    return (struct ext_result){.err = ERR_PROVIDER_UNAVAILABLE,
                               .outcome = OUTCOME_FAILED,
                               .detail = detail,
                               .retry_after_s = retry_after_s > 0 ? retry_after_s : 1};
}

/* Retry-After is the time until the circuit lets a probe through. */
static struct ext_result refuse_open(const struct ext_request *q,
                                     const struct ext_breaker_limits *l)
{
    struct ext_state state;
    ext_breaker_read(&ext_cell(q->provider)->breaker, l, &state);
    struct ext_result r = ext_client_refuse_call(q, "circuit open", state.retry_after_s);
    r.circuit_open = true;
    return r;
}

/* The keeper and commands are one process each; they do not count against the workers' share. */
static bool is_worker(void)
{
    int slot = scoreboard_self();
    return slot >= 0 && scoreboard_role((unsigned)slot) == ROLE_WORKER;
}

/*
 * Several providers that hang at once would take every worker between them, each within its own
 * limit. So all of them share a second one, which leaves a worker in eight to whatever needs no
 * provider. Nobody's own limit is cut by it.
 */
static unsigned common_max(const struct ext *x, const struct provider_config *p)
{
    int64_t workers = x->cfg->server.workers, max = workers - workers / FREE_SHARE;
    return (unsigned)(max > p->max_concurrent ? max : p->max_concurrent);
}

static bool ext_client_take_places(struct ext *x, const struct provider_config *p,
                                   struct ext_cell *cell)
{
    x->call.place = ext_bulkhead_enter(&cell->bulkhead, (unsigned)p->max_concurrent);
    if (x->call.place < 0 || !is_worker())
        return x->call.place >= 0;
    x->call.common_place = ext_bulkhead_enter(ext_common(), common_max(x, p));
    if (x->call.common_place < 0)
        ext_client_leave_places(x);
    return x->call.place >= 0;
}

/* A quarter of the places, at least one. */
static unsigned ext_client_hints_max(const struct provider_config *p)
{
    return p->max_concurrent >= 8 ? (unsigned)p->max_concurrent / 4 : 1;
}

/* The keeper asks the gateway each second, which may fill the places. A single place may also be a
 * courier's. Both are waited for like a hint, since an answer that comes late is better than one
 * that is refused. */
static bool ext_client_will_leave(const struct provider_config *p, const struct ext_cell *cell)
{
    return ext_bulkhead_count(&cell->hints) > 0 ||
           ext_bulkhead_has_role(&cell->bulkhead, ROLE_KEEPER) ||
           (p->max_concurrent == 1 && ext_bulkhead_count(&cell->couriers) > 0);
}

/*
 * Who finds the places full while a hint has one of them waits for the hint to end: nobody is
 * refused because of a stranger's hint, or of the keeper. Without these nothing is waited for.
 */
static bool ext_client_await_places(struct ext *x, const struct provider_config *p,
                                    struct ext_cell *cell, bool hint)
{
    if (hint) {
        x->call.hint_place = ext_bulkhead_enter(&cell->hints, ext_client_hints_max(p));
        if (x->call.hint_place < 0)
            return false;
    }
    struct deadline until = deadline_in_ms(HINT_WAIT_MS);
    /* Asked before and after each attempt but the first: who leaves in between frees a place. */
    bool leaves = true;
    while (!ext_client_take_places(x, p, cell)) {
        const bool before = leaves;
        leaves = ext_client_will_leave(p, cell);
        if (hint || !(before || leaves) || deadline_passed(until)) {
            ext_client_leave_places(x);
            return false;
        }
        if (leaves)
            (void)poll(NULL, 0, HINT_WAIT_STEP_MS);
    }
    return true;
}

/* Only a closed circuit lets a hint through: it must not be the probe. */
static bool ext_client_may_hint(int provider)
{
    struct ext_state state;
    struct ext_breaker_limits l = {.failures = 1};
    ext_breaker_read(&ext_cell(provider)->breaker, &l, &state);
    return state.circuit == CIRCUIT_CLOSED;
}

/* The circuit is asked first and last: a refused one must not take a place, a full bulkhead must
 * not cost the probe. */
static struct ext_result ext_client_enter_call(struct ext *x, const struct ext_request *q)
{
    const struct provider_config *p = ext_provider(x, q->provider);
    struct ext_cell *cell = ext_cell(q->provider);
    struct ext_breaker_limits l = ext_breaker_limits_of(p);
    if (!ext_breaker_would_enter(&cell->breaker, &l) ||
        (q->hint && !ext_client_may_hint(q->provider)))
        return refuse_open(q, &l);
    x->call = (struct call){.provider = q->provider,
                            .hint = q->hint,
                            .place = -1,
                            .common_place = -1,
                            .hint_place = -1};
    if (!ext_client_await_places(x, p, cell, q->hint))
        return ext_client_refuse_call(q, "too many calls at once", 1);
    if (!ext_breaker_enter(&cell->breaker, &l, &x->call.ticket)) {
        ext_client_leave_places(x);
        return refuse_open(q, &l);
    }
    x->call.open = true;
    if (x->call.ticket.probe)
        LOG(LOG_LEVEL_INFO, "provider.circuit_half_open", F_STR("provider", p->name),
            F_STR("reason", x->call.ticket.takeover ? "the last probe was lost" : "time is over"));
    return (struct ext_result){.err = ERR_OK};
}

/* ---- the call ---- */

/* `detail` is ours or libcurl's words, never text of the provider, which may quote the message. */
static void log_fault(const struct ext *x, const struct ext_request *q,
                      const struct ext_result *result, double seconds)
{
    LOG(LOG_LEVEL_WARN, "provider.fault", F_STR("provider", ext_provider(x, q->provider)->name),
        F_STR("operation", provider_op_names[q->op]), F_ERR(result->err),
        F_STR("detail", result->detail), F_STR("outcome", outcome_names[result->outcome]),
        F_MS("took", seconds * 1000));
}

/* The provider never heard of it, so the circuit does not either. */
static struct ext_result not_sendable(const struct ext *x, const struct ext_request *q,
                                      const char *reason)
{
    struct ext_result result = {
        .err = ERR_PROVIDER_FAILED, .outcome = OUTCOME_FAILED, .detail = reason};
    ext_client_count_call(q, PROVIDER_OUTCOME_FAILED);
    log_fault(x, q, &result, 0);
    return result;
}

/* The answer's text, without what a server wrapped around it. */
static struct ext_result ext_client_read_answer(struct ext *x, struct arena *a,
                                                const struct ext_request *q, struct ext_transfer *t,
                                                struct ext_reply *r)
{
    char *type = NULL;
    struct curl_header *coding = NULL;
    struct str body = {x->curl.body ? x->curl.body : "", t->body_n};
    (void)curl_easy_getinfo(x->curl.easy, CURLINFO_CONTENT_TYPE, &type);
    (void)curl_easy_header(x->curl.easy, "Content-Encoding", 0, CURLH_HEADER, -1, &coding);
    r->content_type = type ? arena_strdup(a, type) : "";
    if (ext_decode_coding(a, coding ? coding->value : NULL, &body)) {
        r->body = ext_decode_text(a, r->content_type, body);
        return (struct ext_result){.err = ERR_OK};
    }
    struct ext_result result = ext_transfer_too_large(t);
    ext_client_count_call(q, ext_metric_outcome(&result));
    verdict_bad(x, t->weight, result.err);
    log_fault(x, q, &result, r->seconds);
    return result;
}

/* After ERR_OK the caller must call ext_judge(): until then the circuit waits for a verdict. */
struct ext_result ext_call(struct ext *x, struct arena *a, const struct ext_request *q,
                           struct deadline d, struct ext_reply *r)
{
    const struct provider_config *p = ext_provider(x, q->provider);
    struct ext_transfer t = {.c = &x->curl, .q = q, .p = p};
    *r = (struct ext_reply){.content_type = ""};
    ext_client_settle_handle(x);
    /* The provider's limit, or what is left of the request if that is less. */
    struct deadline until = deadline_cap(d, p->timeout_ms);
    if (deadline_passed(until))
        return (struct ext_result){
            .err = ERR_DEADLINE, .outcome = OUTCOME_FAILED, .detail = "no time left"};
    const char *reason = ext_transfer_prepare(&t, a);
    if (reason)
        return not_sendable(x, q, reason);
    struct ext_result result = ext_client_enter_call(x, q);
    if (result.err != ERR_OK)
        return result;

    struct mono began = mono_now();
    /* Before the call begins: a process that hangs in it is seen to hang there. */
    scoreboard_call(p->name, provider_op_names[q->op]);
    result = ext_transfer_run(&t, until, r);
    scoreboard_call(NULL, NULL);
    /* Before the answer is judged: parsing needs no place. */
    ext_client_leave_places(x);
    r->seconds = mono_seconds_since(began);
    x->spent[q->provider] += r->seconds;
    METRIC_OBSERVE(M_PROVIDER_DURATION, r->seconds, (unsigned)q->provider, q->op);
    if (result.err != ERR_OK) {
        ext_client_count_call(q, ext_metric_outcome(&result));
        verdict_bad(x, t.weight, result.err);
        log_fault(x, q, &result, r->seconds);
        return result;
    }
    return ext_client_read_answer(x, a, q, &t, r);
}

/* A refusal of one message says that the provider works, one of our account that nothing will go
 * out. What is not understood is counted by itself: the provider may have changed its answers, and
 * to stop calling would then lose what it does take. */
static bool ext_client_is_healthy(const struct ext_result *r)
{
    return r->err == ERR_OK || r->err == ERR_NOT_FOUND || r->not_understood ||
           (r->err == ERR_PROVIDER_REJECTED && r->refusal != REFUSAL_ACCOUNT);
}

void ext_judge(struct ext *x, const struct ext_request *q, const struct ext_reply *reply,
               const struct ext_result *r, const char *event)
{
    ENSURE(x->call.open && x->call.provider == q->provider && reply->status > 0);
    ext_client_count_call(q, ext_metric_outcome(r));
    if (r->not_understood)
        METRIC_INC(M_PROVIDER_UNREAD, (unsigned)q->provider, q->op);
    if (ext_client_is_healthy(r))
        verdict_good(x);
    else
        verdict_bad(x, 1, r->err);
    if (r->err != ERR_OK)
        LOG(LOG_LEVEL_WARN, event, F_STR("provider", ext_provider(x, q->provider)->name),
            F_STR("operation", provider_op_names[q->op]), F_ERR(r->err), F_STR("detail", r->detail),
            F_INT("status", reply->status), F_STR("outcome", outcome_names[r->outcome]),
            F_MS("took", reply->seconds * 1000));
}

/* For the access record: seconds in each provider. */
double ext_seconds_spent(const struct ext *x, int provider)
{
    ENSURE(provider >= 0 && provider < PROVIDERS_MAX);
    return x->spent[provider];
}

void ext_reset_spent(struct ext *x)
{
    for (int i = 0; i < PROVIDERS_MAX; i++)
        x->spent[i] = 0;
}
