/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The scoreboard as JSON and as text, and which path shows which page. Called by monitor_http.c
 * through monitor.c. `bookingd status` shows the text, and `bookingd reload --wait` and scripts
 * read the JSON. Everything here comes from shared memory: no page waits for a process or for the
 * database.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "domain/conditions.h"
#include "domain/scoreboard.h"
#include "ext/ext_client.h"
#include "ext/ext_shared.h"
#include "http/http_accept.h"
#include "ipc/master_state.h"
#include "monitor_html.h"
#include "monitor_status.h"
#include "sys/json.h"

/* A page of some 40 lines; it grows by itself. */
#define TEXT_FIRST 4096
#define MS_PER_S 1000.0

/* A slot that anybody ever had. */
static bool monitor_status_is_shown(const struct scoreboard_view *slot)
{
    return slot->generation > 0 || slot->stage != STAGE_DOWN;
}

/* Only what has a time limit has a budget: requests, tasks, lookups. */
static bool has_budget(const struct scoreboard_view *slot)
{
    return slot->budget.at.ns != 0;
}

/* Negative once the limit has passed: such a process is late, and the page shows by how much. */
static int64_t budget_left_ms(const struct scoreboard_view *slot)
{
    return mono_ms_between(mono_now(), slot->budget.at);
}

/* Names of members are read by scripts; they never change. */
static json_t *slot_json(struct arena *a, unsigned index, const struct scoreboard_view *slot)
{
    json_t *j = json_obj(a);
    json_put_int(a, j, "slot", index);
    json_put_str(a, j, "role", role_names[slot->role]);
    json_put_int(a, j, "index", slot->index);
    json_put_int(a, j, "pid", slot->pid);
    json_put_int(a, j, "generation", slot->generation);
    json_put_str(a, j, "stage", stage_names[slot->stage]);
    /* The route's pattern or the task's name, never a path: paths hold identifiers of customers'
     * bookings. */
    json_put_str(a, j, "what", slot->what);
    json_put_str(a, j, "request_id", slot->request);
    json_put_str(a, j, "provider", slot->call);
    json_put_int(a, j, "age_ms", mono_ms_between(slot->since, mono_now()));
    json_put_int_if(a, j, "budget_left_ms", has_budget(slot), budget_left_ms(slot));
    json_put_int(a, j, "served", (int64_t)slot->served);
    json_put_bool(a, j, "database", slot->database);
    return j;
}

/* The index is the provider's row in shared memory, which follows the configuration's order. */
static json_t *provider_json(struct arena *a, const char *name, int index)
{
    struct ext_state state;
    json_t *j = json_obj(a);
    ext_read_state(index, &state);
    json_put_str(a, j, "name", name);
    json_put_str(a, j, "circuit", circuit_names[state.circuit]);
    json_put_int(a, j, "in_flight", state.in_flight);
    return j;
}

/* Those that hold, worst first. */
static json_t *monitor_status_conditions(struct arena *a)
{
    json_t *list = json_arr(a);
    struct conditions c;
    conditions_read(&c);
    for (unsigned severity = SEVERITY_COUNT; severity-- > 0;)
        for (unsigned i = 0; i < CONDITION_COUNT; i++) {
            const struct condition_row *row = &condition_rows[i];
            if (!c.at[i].holds || row->severity != severity)
                continue;
            json_t *j = json_obj(a);
            json_put_str(a, j, "name", row->name);
            json_put_str(a, j, "severity", severity_names[row->severity]);
            json_put_time(a, j, "since", wall_whole_seconds(c.at[i].since));
            json_put_str(a, j, "summary",
                         condition_summary(a, (enum condition)i, c.at[i].value, LOCALE_EN));
            json_put_str(a, j, "action", row->action[LOCALE_EN]);
            json_push(a, list, j);
        }
    return list;
}

/* `bookingd reload --wait` reads this: the epoch in force, and how the last reload ended. */
static json_t *reload_json(struct arena *a)
{
    json_t *j = json_obj(a);
    struct reload_view v;
    master_state_reload(&v);
    json_put_int(a, j, "epoch", v.epoch);
    json_put_int(a, j, "reloads", v.reloads);
    json_put_bool(a, j, "busy", v.busy);
    json_put_bool(a, j, "successful", v.good);
    /* What systemd calls MONOTONIC_USEC: comparable on this machine only. */
    json_put_int(a, j, "begun_monotonic_usec", v.begun.ns / 1000);
    json_put_time_if(a, j, "ended_at", v.ended.us != 0, v.ended);
    /* `why` and not `reason`: the member's name is older than that rule, and scripts read it. */
    json_put_str(a, j, "why", v.reason);
    return j;
}

/* The others on this database; this one is the rest of the page. */
static json_t *monitor_status_nodes(const struct nodes *nodes, struct arena *a)
{
    json_t *list = json_arr(a);
    for (size_t i = 0; i < nodes->n; i++) {
        const struct node *n = &nodes->at[i];
        json_t *j = json_obj(a);
        json_put_str(a, j, "host", n->host);
        json_put_int(a, j, "master", n->pid);
        json_put_str(a, j, "version", n->version);
        json_put_time(a, j, "started_at", n->started_at);
        json_put_time(a, j, "seen_at", wall_whole_seconds(n->seen_at));
        json_put_bool(a, j, "other_providers", n->differs);
        json_push(a, list, j);
    }
    return list;
}

/* Each slot is read whole (a seqlock); the page as a whole is not one moment, which a person would
 * not notice. */
struct str monitor_status_json(const struct monitor_view *v, struct arena *a)
{
    json_t *top = json_obj(a), *slots = json_arr(a), *providers = json_arr(a);
    struct scoreboard_view slot;
    for (unsigned i = 0; i < scoreboard_slots(); i++) {
        scoreboard_read(i, &slot);
        if (monitor_status_is_shown(&slot))
            json_push(a, slots, slot_json(a, i, &slot));
    }
    for (size_t i = 0; i < v->cfg->providers_n; i++)
        json_push(a, providers, provider_json(a, v->cfg->providers[i].name, (int)i));
    json_put_str(a, top, "version", PACKAGE_VERSION);
    json_put_int(a, top, "master", v->master);
    json_put_bool(a, top, "database_up", v->database_up);
    json_put_bool(a, top, "database_writable", v->database_up && v->gauges.writable);
    json_put(a, top, "reload", reload_json(a));
    json_put(a, top, "conditions", monitor_status_conditions(a));
    json_put_int(a, top, "queue", metric_read(M_HTTP_QUEUE_LENGTH, NULL, 0));
    json_put(a, top, "slots", slots);
    json_put(a, top, "providers", providers);
    json_put(a, top, "nodes", monitor_status_nodes(&v->nodes, a));
    return json_text(a, top);
}

static void monitor_status_put_nodes(struct sb *sb, const struct nodes *nodes)
{
    char since[WALL_RFC3339_MAX];
    for (size_t i = 0; i < nodes->n; i++) {
        const struct node *n = &nodes->at[i];
        sb_printf(sb, "%sother node %s, master %" PRId64 ", bookingd %s, up since %s%s\n",
                  i == 0 ? "\n" : "", n->host, n->pid, n->version,
                  wall_format(n->started_at, since), n->differs ? ", with other providers" : "");
    }
}

/* The same conditions in the text: one line to recognise each, one line that says what to do. */
static void monitor_status_put_conditions(struct sb *sb)
{
    struct conditions c;
    char since[WALL_RFC3339_MAX];
    conditions_read(&c);
    for (unsigned severity = SEVERITY_COUNT; severity-- > 0;)
        for (unsigned i = 0; i < CONDITION_COUNT; i++) {
            if (!c.at[i].holds || condition_rows[i].severity != severity)
                continue;
            sb_printf(sb, "%s: %s since %s: %s\n    %s\n", severity_names[severity],
                      condition_rows[i].name, wall_format(wall_whole_seconds(c.at[i].since), since),
                      condition_summary(sb->arena, (enum condition)i, c.at[i].value, LOCALE_EN),
                      condition_rows[i].action[LOCALE_EN]);
        }
}

/* Fixed columns; the free text comes last. */
static void slot_line(struct sb *sb, const struct scoreboard_view *slot)
{
    char budget[32] = "-";
    if (has_budget(slot))
        (void)snprintf(budget, sizeof(budget), "%.1f s", (double)budget_left_ms(slot) / MS_PER_S);
    sb_printf(sb, "%-10s %5d %8d %4" PRIu32 "  %-9s %9.1f %9s %-3s %9" PRIu64 "  %s\n",
              role_names[slot->role], slot->index, (int)slot->pid, slot->generation,
              stage_names[slot->stage], (double)mono_ms_between(slot->since, mono_now()) / MS_PER_S,
              budget, slot->database ? "yes" : "no", slot->served, slot->what);
}

/* For people: the first line says whether all is well, the table shows what each process is
 * doing. */
struct str monitor_status_text(const struct monitor_view *v, struct arena *a)
{
    struct sb sb;
    struct scoreboard_view slot;
    struct ext_state state;
    struct reload_view reload;
    char at[WALL_RFC3339_MAX];
    /* In the order in which a person asks: is it up, what is wrong, which configuration, who does
     * what. */
    sb_init(&sb, a, TEXT_FIRST);
    sb_printf(&sb, "bookingd %s, master %d, database %s, %" PRId64 " requests queued\n\n",
              PACKAGE_VERSION, (int)v->master, v->database_up ? "readable" : "not readable",
              metric_read(M_HTTP_QUEUE_LENGTH, NULL, 0));
    monitor_status_put_conditions(&sb);
    master_state_reload(&reload);
    if (reload.ended.us)
        sb_printf(&sb, "configuration %" PRIu32 ", last reload %s %s%s%s\n\n", reload.epoch,
                  wall_format(reload.ended, at), reload.good ? "successful" : "refused",
                  reload.good ? "" : ": ", reload.reason);
    sb_printf(&sb, "%-10s %5s %8s %4s  %-9s %9s %9s %-3s %9s  %s\n", "role", "index", "pid", "gen",
              "stage", "since s", "budget", "db", "served", "what");
    for (unsigned i = 0; i < scoreboard_slots(); i++) {
        scoreboard_read(i, &slot);
        if (monitor_status_is_shown(&slot))
            slot_line(&sb, &slot);
    }
    if (v->cfg->providers_n)
        sb_printf(&sb, "\n%-20s %-10s %s\n", "provider", "circuit", "in flight");
    for (size_t i = 0; i < v->cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        sb_printf(&sb, "%-20s %-10s %u\n", v->cfg->providers[i].name, circuit_names[state.circuit],
                  state.in_flight);
    }
    monitor_status_put_nodes(&sb, &v->nodes);
    return sb_str(&sb);
}

/* ---- pages by path ---- */

/* Prometheus negotiates the format by Accept; Vary says so to caches. */
static void page_metrics(const struct monitor_view *v, const struct http_head *head,
                         struct http_resp *resp)
{
    enum metrics_format format = http_accept_metrics(http_header(head, "Accept"));
    resp->content_type = metrics_content_type(format);
    http_resp_header(resp, "Vary", "Accept");
    resp->body = monitor_metrics_page(v, resp->arena, format);
}

/* Says that the monitor lives. The API has a /healthz of its own. */
static void page_healthz(const struct monitor_view *v, const struct http_head *head,
                         struct http_resp *resp)
{
    (void)v;
    (void)head;
    resp->content_type = "application/json";
    resp->body = STR("{\"status\":\"ok\"}");
}

/* Plain text for whoever names it (or a browser's text of any kind) and not JSON. */
static void page_status(const struct monitor_view *v, const struct http_head *head,
                        struct http_resp *resp)
{
    const struct http_preference plain =
        http_accept(http_header(head, "Accept"), "text/plain", NULL);
    const struct http_preference json =
        http_accept(http_header(head, "Accept"), "application/json", NULL);
    bool text =
        plain.exact > 0 && plain.q > 0 &&
        (json.exact < 2 || plain.q > json.q || (plain.q == json.q && plain.order < json.order));
    http_resp_header(resp, "Vary", "Accept");
    resp->content_type = text ? "text/plain; charset=utf-8" : "application/json";
    resp->body = text ? monitor_status_text(v, resp->arena) : monitor_status_json(v, resp->arena);
}

static void page_home(const struct monitor_view *v, const struct http_head *head,
                      struct http_resp *resp)
{
    const int l =
        http_accept_language(http_header(head, "Accept-Language"), locale_names, LOCALE_COUNT);
    resp->content_type = "text/html; charset=utf-8";
    http_resp_header(resp, "Vary", "Accept-Language");
    http_resp_header(resp, "Cache-Control", "no-store");
    /* The page has a style of its own and nothing else. */
    http_resp_header(resp, "Content-Security-Policy",
                     "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                     "form-action 'none'; frame-ancestors 'none'");
    http_resp_header(resp, "X-Content-Type-Options", "nosniff");
    http_resp_header(resp, "Referrer-Policy", "no-referrer");
    resp->body = monitor_html_page(v, resp->arena, l < 0 ? LOCALE_EN : (enum locale)l);
}

/* Unlike the API these paths need no authentication: monitor.listen is a private address. */
void monitor_answer(void *ctx, const struct http_head *head, struct http_resp *resp)
{
    static const struct {
        const char *path;
        void (*page)(const struct monitor_view *v, const struct http_head *head,
                     struct http_resp *resp);
    } pages[] = {{"/metrics", page_metrics},
                 {"/healthz", page_healthz},
                 {"/status", page_status},
                 {"/", page_home}};
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (str_eq(head->path, str_of(pages[i].path))) {
            resp->status = 200;
            pages[i].page(ctx, head, resp);
            return;
        }
    }
    /* With the list of paths: whoever is here by curl finds the others. */
    resp->status = 404;
    resp->content_type = "text/plain; charset=utf-8";
    resp->body = STR("/, /metrics, /healthz, /status\n");
}
