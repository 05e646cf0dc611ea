/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Readers of notifications.reminders and notifications.quiet, named by rows of config.def; the
 * leads of a venue are read by the API with the same function.
 */
#include <stdlib.h>

#include "base/num.h"
#include "config_priv.h"

#define MINUTES_PER_HOUR 60

bool reminder_lead_parse(struct str text, struct reminder_lead *out)
{
    return num_duration_ms(text, &out->before_ms) && out->before_ms >= REMINDER_LEAD_MIN_MS &&
           out->before_ms <= REMINDER_LEAD_MAX_MS;
}

/* One entry, {before: 24h}; the key leaves room for more about a reminder. */
static bool config_reminder_read_one(const struct config_entry *e, const struct config_node *item,
                                     struct reminder_lead *out)
{
    const struct config_node *before = config_node_member(item, STR("before"));
    if (item->kind == CONFIG_REFUSED)
        return false;
    if (item->kind != CONFIG_MAP || item->n != 1 || !before || before->kind != CONFIG_SCALAR ||
        !reminder_lead_parse(str_of(before->text), out)) {
        config_fault(e->l, item, "must be {before: DURATION}, 1m to 30d, like {before: 24h}");
        return false;
    }
    return true;
}

/* The longest lead first: it is due first. */
static int config_reminder_compare(const void *a, const void *b)
{
    const struct reminder_lead *x = a, *y = b;
    return (x->before_ms < y->before_ms) - (x->before_ms > y->before_ms);
}

void config_read_reminders(const struct config_entry *e)
{
    if (!config_entry_is_list(e, "a list like [{before: 24h}, {before: 2h}]"))
        return;
    struct reminder_lead *leads = arena_array(e->l->arena, e->node->n, sizeof *leads);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next) {
        if (!config_reminder_read_one(e, item, &leads[n]))
            continue;
        bool twice = false;
        for (size_t i = 0; i < n; i++)
            twice |= leads[i].before_ms == leads[n].before_ms;
        /* A second one of the same lead would send two messages at once. */
        if (twice)
            config_fault(e->l, item, "is given twice");
        else
            n++;
    }
    /* With none, `leads` may be NULL, which qsort() does not permit. */
    if (n > 1)
        qsort(leads, n, sizeof *leads, config_reminder_compare);
    config_entry_set_list(e, leads, n);
}

/* Two digits; -1. "7:5" is more likely a slip than a time. */
static int config_reminder_two_digits(struct str s)
{
    const bool good = s.n == 2 && s.p[0] >= '0' && s.p[0] <= '9' && s.p[1] >= '0' && s.p[1] <= '9';
    return good ? (s.p[0] - '0') * 10 + (s.p[1] - '0') : -1;
}

void config_read_time_of_day(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a time of day like \"22:00\"");
    if (!text)
        return;
    struct str rest = str_of(text);
    /* 24:00 is refused: it would be the next day's 00:00, which has a name already. */
    const int h = config_reminder_two_digits(str_cut(&rest, ':'));
    const int m = config_reminder_two_digits(rest);
    const struct time_of_day t = {.set = true, .minutes = h * MINUTES_PER_HOUR + m};
    if (h < 0 || h > 23 || m < 0 || m > 59)
        config_fault(e->l, e->node, "must be a time of day like \"22:00\"");
    else
        config_entry_set(e, &t, sizeof t);
}

/* A night has a beginning and an end, and they differ. */
void config_check_reminders(struct config_loader *l, const struct config_node *root)
{
    const struct config *c = config_of(l);
    const struct time_of_day from = c->notifications.quiet_from, to = c->notifications.quiet_to;
    const struct config_node *quiet = config_node_at(root, "notifications.quiet");
    if (!quiet || !(from.set || to.set)) /* one that is there and faulty has its own fault */
        return;
    if (!config_node_member(quiet, STR("from")) || !config_node_member(quiet, STR("to")))
        config_fault_key(l, quiet, "needs both from and to");
    else if (from.set && to.set && from.minutes == to.minutes)
        config_fault_key(l, quiet, "from and to are the same time");
}
