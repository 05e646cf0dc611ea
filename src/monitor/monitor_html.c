/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The status page (BEHAVIOUR §14): the conditions that hold, then a section with plots for each
 * part of the service. Called by monitor_status.c. It is made of shared memory and of what the
 * monitor read last, so it answers whatever else is down, and it names no customer. There is no
 * script: the browser reloads the page every ten seconds, and the plots are SVG.
 */
#include "monitor_html.h"

#include <inttypes.h>

#include "domain/conditions.h"
#include "ext/ext_shared.h"
#include "ipc/master_state.h"
#include "monitor_facts.h"
#include "monitor_plot.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

/* 22 plots of 1 KiB, and the words. */
#define PAGE_FIRST ((size_t)48 * 1024)

/* Every text of the page, in both languages, by the rows of monitor_words.def. */
enum word {
#define WORD(id, ar, en) WORD_##id,
#include "monitor_words.def"
#undef WORD
    WORD_COUNT
};
static const char *const html_words[WORD_COUNT][LOCALE_COUNT] = {
#define WORD(id, ar, en) [WORD_##id] = {[LOCALE_AR] = (ar), [LOCALE_EN] = (en)},
#include "monitor_words.def"
#undef WORD
};

/* A section: its plot's lines, and what they are called. */
struct html_section {
    enum word title;
    unsigned n;
    struct plot_line lines[2];
    enum word names[2];
};
/* In the order of the page: what callers notice first, then what it may come from. Two lines per
 * section at most: the style has two colours, and the second is red, for what is worse. */
static const struct html_section html_sections[] = {
    {WORD_REQUESTS, 1, {{PLOT_RATE, FACT_REQUESTS}}, {WORD_PER_SECOND}},
    {WORD_ERRORS,
     2,
     {{PLOT_MINUTE, FACT_CLIENT_ERRORS}, {PLOT_MINUTE, FACT_SERVER_ERRORS}},
     {WORD_CLIENT_ERRORS, WORD_SERVER_ERRORS}},
    {WORD_LATENCY,
     2,
     {{PLOT_MEDIAN, FACT_LATENCY_0}, {PLOT_SLOWEST, FACT_LATENCY_0}},
     {WORD_MEDIAN, WORD_SLOWEST}},
    {WORD_QUEUE,
     2,
     {{PLOT_LEVEL, FACT_QUEUE}, {PLOT_MINUTE, FACT_SHED}},
     {WORD_WAITING, WORD_TURNED_AWAY}},
    {WORD_PROVIDERS,
     2,
     {{PLOT_MINUTE, FACT_PROVIDER_CALLS}, {PLOT_MINUTE, FACT_PROVIDER_FAULTS}},
     {WORD_CALLS, WORD_FAULTS}},
    {WORD_NOTIFICATIONS,
     2,
     {{PLOT_MINUTE, FACT_NOTIFICATIONS_ENDED}, {PLOT_MINUTE, FACT_NOTIFICATIONS_LOST}},
     {WORD_ENDED, WORD_LOST}},
    {WORD_CODES,
     2,
     {{PLOT_MINUTE, FACT_CODES_ASKED}, {PLOT_MINUTE, FACT_CODES_LOST}},
     {WORD_ASKED, WORD_LOST}},
    {WORD_PAYMENTS,
     2,
     {{PLOT_MINUTE, FACT_PAYMENTS_PAID}, {PLOT_MINUTE, FACT_PAYMENTS_FAILED}},
     {WORD_PAID, WORD_NOT_PAID}},
    {WORD_WORKERS,
     2,
     {{PLOT_LEVEL, FACT_WORKERS}, {PLOT_LEVEL, FACT_WORKERS_BUSY}},
     {WORD_RUNNING, WORD_BUSY}},
    {WORD_DATABASE,
     2,
     {{PLOT_RATE, FACT_DATABASE_ASKED}, {PLOT_RATE, FACT_DATABASE_ERRORS}},
     {WORD_STATEMENTS, WORD_DATABASE_FAULTS}},
    {WORD_CONFIGURATION, 1, {{PLOT_LEVEL, FACT_EPOCH}}, {WORD_GENERATION}},
};

/* What every function below needs. `seen` holds the facts of now and of the starts of the windows,
 * so that levels and rates come from one reading. */
struct html {
    const struct monitor_view *v;
    struct sb *sb;
    enum locale l;
    struct mono now;
    struct facts_seen seen;
};

/* By index: a word that lacks a language does not compile. */
static const char *html_word(const struct html *h, enum word w)
{
    return html_words[w][h->l];
}

/* Names of providers come from the configuration and may hold any character. Only these three have
 * a meaning in text and in quoted attributes of HTML. */
static void html_put_text(struct sb *sb, const char *z)
{
    for (; *z; z++) {
        if (*z == '<')
            sb_puts(sb, "&lt;");
        else if (*z == '&')
            sb_puts(sb, "&amp;");
        else if (*z == '"')
            sb_puts(sb, "&quot;");
        else
            sb_putc(sb, *z);
    }
}

/* Three figures are enough for a reader. */
static void html_put_number(struct sb *sb, double v)
{
    sb_printf(sb, v >= 100 || v <= (double)(int64_t)v ? "%.0f" : v >= 10 ? "%.1f" : "%.2f", v);
}

/* In the page itself, because its Content-Security-Policy permits no other source. The colours are
 * variables, and dark ones replace them where the reader's system is dark. Margins are
 * "inline-start" and not "left", so that one style serves Arabic too. */
static const char html_style[] =
    ":root{color-scheme:light dark;--b:#fff;--f:#1c1f24;--m:#5a6270;--c:#f3f5f8;--g:#0b6b35;"
    "--r:#b3151d;--y:#8a5300;--l:#1558b0}"
    "@media(prefers-color-scheme:dark){:root{--b:#14171b;--f:#e8eaee;--m:#a3abb8;--c:#1f242b;"
    "--g:#62d08c;--r:#ff8a8a;--y:#f3bd5b;--l:#7fb4ff}}"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:.75rem;background:var(--b);"
    "color:var(--f);font:15px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.15rem;margin:0 0 .5rem}h2{font-size:1rem;margin:0}p{margin:.15rem 0}"
    "ul{list-style:none;padding:0;margin:.5rem 0}"
    "li,.ok{border-inline-start:.3rem solid var(--g);background:var(--c);padding:.5rem .75rem;"
    "margin:.4rem 0}.page{border-color:var(--r)}.ticket{border-color:var(--y)}"
    ".page b:first-child{color:var(--r)}.ticket b:first-child{color:var(--y)}"
    ".m{color:var(--m);font-size:.85rem}.m bdi{display:inline-block}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));"
    "gap:.6rem}section{background:var(--c);padding:.6rem .75rem;border-radius:.4rem;min-width:0}"
    "svg{display:block;width:100%;height:3rem;background:var(--b)}"
    "path{fill:none;stroke:var(--l);stroke-width:1.5;stroke-linecap:round;vector-effect:non-"
    "scaling-stroke}"
    ".l1{stroke:var(--r)}i{display:inline-block;width:.7rem;height:.2rem;background:var(--l);"
    "vertical-align:middle;margin-inline-end:.3rem}i.l1{background:var(--r)}"
    ".d{display:flex;flex-wrap:wrap;gap:0 1rem}";

/* ---- what holds ---- */

/* What it is, what to do, and since when. The texts are our own constants, so they need no
 * escaping. */
static void html_put_condition(const struct html *h, enum condition id, const struct conditions *c)
{
    const struct condition_row *row = &condition_rows[id];
    const bool page = row->severity == SEVERITY_PAGE;
    char since[WALL_RFC3339_MAX];
    sb_printf(h->sb, "<li class=%s><b>%s</b> <b>%s</b> ", page ? "page" : "ticket",
              html_word(h, page ? WORD_PAGE : WORD_TICKET),
              condition_summary(h->sb->arena, id, c->at[id].value, h->l));
    sb_printf(h->sb, "<p>%s</p><p class=m>%s %s <bdi>%s</bdi></p></li>", row->action[h->l],
              row->name, html_word(h, WORD_SINCE),
              wall_format(wall_whole_seconds(c->at[id].since), since));
}

/* Pages before tickets: the first line must be the worst. */
static void html_put_conditions(const struct html *h)
{
    struct conditions c;
    bool any = false;
    conditions_read(&c);
    for (unsigned severity = SEVERITY_COUNT; severity-- > 0;)
        for (unsigned i = 0; i < CONDITION_COUNT; i++) {
            if (!c.at[i].holds || condition_rows[i].severity != severity)
                continue;
            if (!any)
                sb_puts(h->sb, "<ul>");
            any = true;
            html_put_condition(h, (enum condition)i, &c);
        }
    if (any)
        sb_puts(h->sb, "</ul>");
    else
        sb_printf(h->sb, "<p class=ok><b>%s</b></p>", html_word(h, WORD_HEALTHY));
}

/* ---- sections ---- */

/* A number and what it counts, such as "12 per second". */
static void html_put_figure(const struct html *h, double value, enum word name)
{
    sb_puts(h->sb, "<span><b>");
    html_put_number(h->sb, value);
    sb_printf(h->sb, "</b> %s</span>", html_word(h, name));
}

/* The circuit breaker of each provider, and the calls that are running now. */
static void html_put_providers(const struct html *h)
{
    /* For people "open" needs a word of its own: a circuit that is open is one that does not
     * work. */
    static const enum word circuits[] = {[CIRCUIT_CLOSED] = WORD_CIRCUIT_closed,
                                         [CIRCUIT_OPEN] = WORD_CIRCUIT_open,
                                         [CIRCUIT_HALF_OPEN] = WORD_CIRCUIT_half_open};
    struct ext_state state;
    for (size_t i = 0; i < h->v->cfg->providers_n; i++) {
        ext_read_state((int)i, &state);
        sb_puts(h->sb, "<p><b><bdi>");
        html_put_text(h->sb, h->v->cfg->providers[i].name);
        sb_printf(h->sb, "</bdi></b>: %s, %u %s</p>", html_word(h, circuits[state.circuit]),
                  state.in_flight, html_word(h, WORD_IN_FLIGHT));
    }
}

/* Three states: a standby, for one, can be read and not written. */
static void html_put_database(const struct html *h)
{
    const bool up = h->v->database_up, writable = h->v->gauges.writable;
    sb_printf(h->sb, "<p><b>%s</b></p>",
              html_word(h, !up        ? WORD_AWAY
                           : writable ? WORD_READABLE
                                      : WORD_READ_ONLY));
}

/* Nothing about reloads while the last one was successful, or there was none. */
static void html_put_configuration(const struct html *h)
{
    struct reload_view reload;
    master_state_reload(&reload);
    sb_printf(h->sb, "<p>%s <bdi>%s</bdi></p>", html_word(h, WORD_VERSION), PACKAGE_VERSION);
    if (!reload.ended.us || reload.good)
        return;
    sb_printf(h->sb, "<p><b>%s</b>: <bdi>", html_word(h, WORD_RELOAD_REFUSED));
    html_put_text(h->sb, reload.reason);
    sb_puts(h->sb, "</bdi></p>");
}

/* The others on this database, each on its own page; here only that they are alive. */
static void html_put_nodes(const struct html *h)
{
    const struct nodes *nodes = &h->v->nodes;
    for (size_t i = 0; i < nodes->n; i++) {
        const struct node *n = &nodes->at[i];
        sb_printf(h->sb, "<p>%s <b><bdi>", html_word(h, WORD_OTHER_NODE));
        html_put_text(h->sb, n->host);
        sb_puts(h->sb, "</bdi></b> <bdi>");
        html_put_text(h->sb, n->version);
        sb_printf(h->sb, "</bdi>%s%s</p>", n->differs ? html_word(h, WORD_COMMA) : "",
                  n->differs ? html_word(h, WORD_OTHER_PROVIDERS) : "");
    }
}

/* What a section says beside its lines. Figures of the database are left out while it is away. */
static void html_put_more(const struct html *h, enum word section)
{
    static const struct {
        enum word section, name;
        enum fact fact;
    } figures[] = {{WORD_NOTIFICATIONS, WORD_FAILED, FACT_FAILED},
                   {WORD_NOTIFICATIONS, WORD_PENDING, FACT_PENDING},
                   {WORD_PAYMENTS, WORD_UNKNOWN, FACT_PAYMENTS_UNKNOWN},
                   {WORD_PAYMENTS, WORD_MISMATCHED, FACT_PAYMENTS_MISMATCHED}};
    sb_puts(h->sb, "<div class=d>");
    for (size_t i = 0; i < ARRAY_LEN(figures) && h->v->database_up; i++)
        if (figures[i].section == section)
            html_put_figure(h, fact_now(&h->seen, figures[i].fact), figures[i].name);
    if (section == WORD_WORKERS)
        html_put_figure(h, fact_now(&h->seen, FACT_WORKERS_WITHOUT_DATABASE), WORD_WITHOUT);
    sb_puts(h->sb, "</div>");
    if (section == WORD_PROVIDERS)
        html_put_providers(h);
    else if (section == WORD_DATABASE)
        html_put_database(h);
    else if (section == WORD_CONFIGURATION) {
        html_put_configuration(h);
        html_put_nodes(h);
    }
}

/* The highest value gives the plot its scale, so it stands below it in figures. A plot without a
 * sample says so: an empty one would look like a flat line at 0. */
static void html_put_plot(const struct html *h, const struct html_section *s,
                          enum history_span span)
{
    const char *name = html_word(h, span == HISTORY_HOUR ? WORD_HOUR : WORD_DAY);
    const char *comma = html_word(h, WORD_COMMA);
    const char *label = arena_printf(h->sb->arena, "%s%s%s", html_word(h, s->title), comma, name);
    const double top = monitor_plot_svg(
        h->sb,
        &(struct plot){.span = span, .at = h->now, .lines = s->lines, .n = s->n, .label = label});
    sb_printf(h->sb, "<p class=m>%s%s", name, comma);
    if (top < 0) {
        sb_printf(h->sb, "%s</p>", html_word(h, WORD_NO_DATA));
        return;
    }
    sb_printf(h->sb, "%s ", html_word(h, WORD_HIGHEST));
    html_put_number(h->sb, top);
    sb_puts(h->sb, "</p>");
}

/* One part: its figures of the last 90 seconds, then an hour and a day as plots. Ninety seconds,
 * since a single sample jumps too much to be read. */
static void html_put_section(const struct html *h, const struct html_section *s)
{
    const double seconds = fact_window_ticks[WINDOW_SHORT] * (FACT_TICK_MS / 1000.0);
    sb_printf(h->sb, "<section><h2>%s</h2><div class=d>", html_word(h, s->title));
    for (unsigned i = 0; i < s->n; i++) {
        sb_printf(h->sb, "<span><i class=l%u></i>", i);
        html_put_figure(
            h, monitor_plot_value(&s->lines[i], &h->seen.past[WINDOW_SHORT], &h->seen.now, seconds),
            s->names[i]);
        sb_puts(h->sb, "</span>");
    }
    sb_puts(h->sb, "</div>");
    html_put_more(h, s->title);
    html_put_plot(h, s, HISTORY_HOUR);
    html_put_plot(h, s, HISTORY_DAY);
    sb_puts(h->sb, "</section>");
}

/* The facts are taken anew: a reader expects this moment, not the monitor's last tick. */
struct str monitor_html_page(const struct monitor_view *v, struct arena *a, enum locale l)
{
    struct sb sb;
    struct facts now;
    struct html h = {.v = v, .sb = &sb, .l = l, .now = mono_now()};
    char at[WALL_RFC3339_MAX];
    monitor_facts(v, &now);
    monitor_history_look_back(h.now, &now, &h.seen);
    sb_init(&sb, a, PAGE_FIRST);
    sb_printf(&sb,
              "<!doctype html><html lang=%s dir=%s><head><meta charset=utf-8>"
              "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
              "<meta http-equiv=refresh content=10><title>%s</title><style>%s</style></head>"
              "<body><header><h1>%s</h1>",
              locale_names[l], l == LOCALE_AR ? "rtl" : "ltr", html_word(&h, WORD_TITLE),
              html_style, html_word(&h, WORD_TITLE));
    html_put_conditions(&h);
    sb_puts(&sb, "</header><main>");
    for (size_t i = 0; i < ARRAY_LEN(html_sections); i++)
        html_put_section(&h, &html_sections[i]);
    sb_printf(&sb, "</main><p class=m>%s <bdi>%s</bdi></p></body></html>\n",
              html_word(&h, WORD_UPDATED), wall_format(wall_whole_seconds(wall_now()), at));
    return sb_str(&sb);
}
