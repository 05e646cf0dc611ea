/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * `bookingd notifications`: lists, resends and acknowledges notifications. For operators without a
 * staff key; the same services as the staff API, over all venues (BEHAVIOUR §4). Options are
 * checked before the database is reached: a typing mistake costs no connection. Exit codes: 0 all
 * went well, 1 something did not, 2 wrong usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "base/num.h"
#include "cli_priv.h"
#include "svc/notification_list.h"

/* A list: a connection and one statement, with room for a failover. One message: the provider's
 * longest time and a transaction around it. All: 100 000 messages would take hours; what is not
 * done in half an hour is reported as remaining. */
#define LIST_MS 15000
#define RESEND_MS 60000
#define RESEND_ALL_MS (INT64_C(30) * 60 * 1000)
/* As many as the API gives on a page at most, times ten: more scrolls away. */
#define LIST_MAX 1000
/* A mistaken filter costs a hundred messages, not all of them. */
#define RESEND_DEFAULT 100
#define RESEND_MAX 100000

/* Audit rows name the command line as the actor. */
static const struct notification_actor actor = {.name = ACTOR_COMMAND_LINE, .venue_id = NULL};

struct words { /* options as they were given */
    const char *status, *template, *error_code, *booking, *since, *until, *limit;
    bool all, dry_run;
};

/* ---- filters ---- */

/* RFC 3339, as in the API: what a list prints can be typed into a filter. */
static bool notifications_read_time(const char *text, struct wall *out, bool *has)
{
    *has = text != NULL;
    return !text || wall_parse(str_of(text), out);
}

/* An option that is not given is no filter. */
static bool notifications_is_name(const char *text, const char *const *names, size_t n)
{
    return !text || name_find(names, n, str_of(text)) >= 0;
}

/* Checked here, and not by the database: a misspelt word would silently match nothing. */
static int notifications_read_filter(const struct cli *c, const struct words *w,
                                     struct notification_filter *f)
{
    struct uuid id;
    *f = (struct notification_filter){.status = w->status,
                                      .template = w->template,
                                      .error_code = w->error_code,
                                      .booking_id = w->booking};
    if (!notifications_is_name(w->status, notification_status_names, NOTIFICATION_STATUS_COUNT))
        return cli_usage(c->command, "unknown status '%s': must be PENDING, SENT or FAILED",
                         w->status);
    if (!notifications_is_name(w->template, notification_template_names,
                               NOTIFICATION_TEMPLATE_COUNT))
        return cli_usage(c->command, "unknown template '%s'", w->template);
    if (w->booking && !uuid_parse(str_of(w->booking), &id))
        return cli_usage(c->command, "--booking must be the identifier of a booking");
    if (!notifications_read_time(w->since, &f->since, &f->has_since) ||
        !notifications_read_time(w->until, &f->until, &f->has_until))
        return cli_usage(c->command, "a time must be like 2026-01-31T15:00:00Z");
    return CLI_GO_ON;
}

/* A limit above the maximum is refused and not cut: a script must not take a part for the whole. */
static int notifications_read_limit(const struct cli *c, const char *text, int64_t max,
                                    int64_t *limit)
{
    if (!text || num_range(str_of(text), 1, max, limit))
        return CLI_GO_ON;
    return cli_usage(c->command, "--limit must be 1 to %" PRId64, max);
}

/* Identifiers where words name rows. */
static int notifications_check_ids(const struct cli *c)
{
    struct uuid id;
    for (int i = 0; i < c->argc; i++)
        if (!uuid_parse(str_of(c->argv[i]), &id))
            return cli_usage(c->command, "'%s' is not the identifier of a notification",
                             c->argv[i]);
    return CLI_GO_ON;
}

/* Words name rows, or --all and filters do: never both, never neither. */
static int notifications_check_choice(const struct cli *c, const struct words *w)
{
    /* A filter beside identifiers would be ignored, and its author would not know it. */
    bool filtered = w->template || w->error_code || w->booking || w->since || w->until ||
                    w->limit || w->dry_run;
    if (c->argc == 0 && !w->all)
        return cli_usage(c->command, "give identifiers of notifications, or --all");
    if (c->argc > 0 && (w->all || filtered))
        return cli_usage(c->command, "give identifiers, or --all with filters, not both");
    return notifications_check_ids(c);
}

/* ---- commands ---- */

/* An empty column would shift those after it for awk(1). */
static const char *notifications_or_dash(const char *z)
{
    return z && *z ? z : "-";
}

/* Fixed columns, "-" for what is empty: cut(1) and awk(1) can read it. */
static void notifications_print_item(const struct notification_item *n)
{
    char created[WALL_RFC3339_MAX];
    struct wall at = wall_whole_seconds(n->created_at);
    printf("%-36s %-20s %-8s %-20s %-15s %8" PRId64 " %-21s %s\n", n->id.s,
           wall_format(at, created), n->status, n->template, notifications_or_dash(n->recipient),
           n->attempts, notifications_or_dash(n->error_code), n->has_acknowledged ? "yes" : "no");
}

/* Plain columns on stdout: no page of a list is ever reached by a cursor here, only by a filter. */
int cli_notifications_list(struct cli *c)
{
    struct words w = {.status = NULL};
    const struct cli_option options[] = {
        {.name = "status", .value = &w.status},         {.name = "template", .value = &w.template},
        {.name = "error-code", .value = &w.error_code}, {.name = "booking", .value = &w.booking},
        {.name = "since", .value = &w.since},           {.name = "until", .value = &w.until},
        {.name = "limit", .value = &w.limit},           CLI_OPTIONS_END};
    struct notification_page page = {.limit = 50};
    const struct notification_item *items;
    struct cli_session s;
    size_t n;
    int code = cli_options(c, options, 0, 0);
    if (code == CLI_GO_ON)
        code = notifications_read_filter(c, &w, &page.filter);
    if (code == CLI_GO_ON)
        code = notifications_read_limit(c, w.limit, LIST_MAX, &page.limit);
    if (code == CLI_GO_ON)
        code = cli_session_open(&s, c, CLI_DATABASE, LIST_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = notification_list(&s.svc, &actor, &page, &items, &n);
    if (e == ERR_OK)
        printf("%-36s %-20s %-8s %-20s %-15s %8s %-21s %s\n", "ID", "CREATED", "STATUS", "TEMPLATE",
               "RECIPIENT", "ATTEMPTS", "ERROR", "ACKNOWLEDGED");
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        notifications_print_item(&items[i]);
    code = e == ERR_OK ? cli_done() : cli_failed(e);
    cli_session_close(&s);
    return code;
}

/* The exit code says whether the message is sent now. */
static int notifications_resend_one(struct cli_session *s, const char *id)
{
    struct notification_item item;
    enum err e = notification_resend(&s->svc, &actor, id, &item);
    if (e == ERR_NOT_FOUND)
        cli_error("there is no notification %s", id);
    else if (e == ERR_NOTIFICATION_NOT_FAILED)
        cli_error("notification %s is not FAILED", id);
    else if (e == ERR_NOTIFICATION_EXPIRED)
        cli_error("notification %s is too old to be sent (notifications.expire_after), or a "
                  "reminder that is wrong by now",
                  id);
    else if (e != ERR_OK)
        return cli_failed(e);
    if (e != ERR_OK)
        return 1;
    printf("%s%s%s\n", item.status, item.error_code ? " " : "",
           item.error_code ? item.error_code : "");
    int code = cli_done();
    return strcmp(item.status, notification_status_names[NOTIFICATION_SENT]) == 0 ? code : 1;
}

/* Exit code 1 when any message failed: a script must not take "some were sent" for success. */
static int notifications_resend_all(struct cli_session *s, const struct notification_filter *f,
                                    int64_t limit, bool dry_run)
{
    struct notification_counts n;
    enum err e = notification_resend_all(
        &s->svc, &actor,
        &(struct notification_order){.filter = *f, .limit = limit, .dry_run = dry_run}, &n);
    if (e != ERR_OK)
        return cli_failed(e);
    printf("matched %" PRId64 ", sent %" PRId64 ", failed %" PRId64 ", remaining %" PRId64 "\n",
           n.matched, n.sent, n.failed, n.remaining);
    int code = cli_done();
    return n.failed ? 1 : code;
}

/* A dry run sends nothing, so it needs no providers and no secrets of theirs. */
int cli_notifications_resend(struct cli *c)
{
    struct words w = {.status = NULL};
    const struct cli_option options[] = {{.name = "all", .flag = &w.all},
                                         {.name = "dry-run", .flag = &w.dry_run},
                                         {.name = "template", .value = &w.template},
                                         {.name = "error-code", .value = &w.error_code},
                                         {.name = "booking", .value = &w.booking},
                                         {.name = "since", .value = &w.since},
                                         {.name = "until", .value = &w.until},
                                         {.name = "limit", .value = &w.limit},
                                         CLI_OPTIONS_END};
    struct notification_filter filter;
    int64_t limit = RESEND_DEFAULT;
    struct cli_session s;
    int code = cli_options(c, options, 0, 1);
    if (code == CLI_GO_ON)
        code = notifications_check_choice(c, &w);
    if (code == CLI_GO_ON)
        code = notifications_read_filter(c, &w, &filter);
    if (code == CLI_GO_ON)
        code = notifications_read_limit(c, w.limit, RESEND_MAX, &limit);
    if (code == CLI_GO_ON)
        code = cli_session_open(&s, c, w.dry_run ? CLI_DATABASE : CLI_PROVIDERS,
                                w.all ? RESEND_ALL_MS : RESEND_MS);
    if (code != CLI_GO_ON)
        return code;
    code = w.all ? notifications_resend_all(&s, &filter, limit, w.dry_run)
                 : notifications_resend_one(&s, c->argv[0]);
    cli_session_close(&s);
    return code;
}

/* Takes as many identifiers as a list prints at most, so that xargs(1) needs no splitting. */
int cli_notifications_acknowledge(struct cli *c)
{
    struct words w = {.status = NULL};
    const struct cli_option options[] = {{.name = "all", .flag = &w.all},
                                         {.name = "template", .value = &w.template},
                                         {.name = "error-code", .value = &w.error_code},
                                         {.name = "booking", .value = &w.booking},
                                         {.name = "since", .value = &w.since},
                                         {.name = "until", .value = &w.until},
                                         CLI_OPTIONS_END};
    struct notification_filter filter;
    struct cli_session s;
    int64_t n = 0;
    int code = cli_options(c, options, 0, LIST_MAX);
    if (code == CLI_GO_ON)
        code = notifications_check_choice(c, &w);
    if (code == CLI_GO_ON)
        code = notifications_read_filter(c, &w, &filter);
    if (code == CLI_GO_ON)
        code = cli_session_open(&s, c, CLI_DATABASE, LIST_MS);
    if (code != CLI_GO_ON)
        return code;
    const char *const *ids = w.all ? NULL : (const char *const *)c->argv;
    const struct notification_order order = {
        .filter = filter, .ids = ids, .ids_n = w.all ? 0 : (size_t)c->argc};
    enum err e = notification_acknowledge(&s.svc, &actor, &order, &n);
    if (e == ERR_OK)
        printf("acknowledged %" PRId64 "\n", n);
    code = e == ERR_OK ? cli_done() : cli_failed(e);
    cli_session_close(&s);
    return code;
}
