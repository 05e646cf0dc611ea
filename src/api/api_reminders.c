/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The member `reminders` of a venue: "inherit" (those of the configuration), "off", or its own
 * leads, ["24h", "2h"]. Called where venues are read and written. In the database it is an array of
 * seconds, whose text form is what struct venue carries.
 */
#include "api/api_reminders.h"

#include "base/num.h"
#include "domain/reminder.h"

#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_MINUTE 60

/* As in the configuration: 24h and not 1d, so that it is the label of the metric too. */
static const char *api_reminders_lead_text(struct arena *a, long long s)
{
    if (s % SECONDS_PER_HOUR == 0)
        return arena_printf(a, "%lldh", s / SECONDS_PER_HOUR);
    if (s % SECONDS_PER_MINUTE == 0)
        return arena_printf(a, "%lldm", s / SECONDS_PER_MINUTE);
    return arena_printf(a, "%llds", s);
}

/* NULL and {} are different: a venue without a choice follows the configuration when that
 * changes. */
json_t *api_reminders_json(struct arena *a, const char *leads)
{
    if (!leads)
        return json_string("inherit");
    struct str rest = {leads + 1, strlen(leads) - 2}; /* between the braces */
    if (rest.n == 0)
        return json_string("off");
    json_t *list = json_arr(a);
    while (rest.n > 0) {
        int64_t s;
        if (num_i64(str_cut(&rest, ','), &s))
            json_push(a, list, json_string(api_reminders_lead_text(a, s)));
    }
    return list;
}

/* "24h", or {"before": "24h"} as the configuration says it. */
static bool api_reminders_read_lead(const json_t *item, struct reminder_lead *out)
{
    const json_t *text = json_is_object(item) && json_object_size(item) == 1
                             ? json_object_get(item, "before")
                             : item;
    return json_is_string(text) && json_string_length(text) == strlen(json_string_value(text)) &&
           reminder_lead_parse(str_of(json_string_value(text)), out);
}

/* Every fault is reported, so the text is built to its end also after one; nobody uses it then. */
static void api_reminders_take_list(struct api_request *r, const json_t *list, const char **out)
{
    struct sb sb;
    int64_t seen[REMINDERS_MAX];
    sb_init(&sb, r->svc.arena, 64);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct reminder_lead lead = {0};
        bool twice = false;
        const bool good = api_reminders_read_lead(json_array_get(list, i), &lead);
        for (size_t k = 0; good && k < i; k++)
            twice |= seen[k] == lead.before_ms;
        seen[i] = lead.before_ms;
        if (!good || twice)
            api_fault(r, arena_printf(r->svc.arena, "/reminders/%zu", i),
                      good ? "is given twice" : "is no time from 1m to 30d, like 24h");
        sb_printf(&sb, "%c%lld", i ? ',' : '{', (long long)(lead.before_ms / 1000));
    }
    sb_puts(&sb, json_array_size(list) ? "}" : "{}");
    *out = sb.p;
}

void api_reminders_take(struct api_request *r, const json_t *in, const char **out)
{
    const char *word = json_string_value(in);
    if (!in)
        return;
    if (word && strcmp(word, "inherit") == 0)
        *out = NULL;
    else if (word && strcmp(word, "off") == 0)
        *out = "{}";
    else if (json_is_array(in) && json_array_size(in) <= REMINDERS_MAX)
        api_reminders_take_list(r, in, out);
    else
        api_fault(r, "/reminders", "must be inherit, off, or a list of up to 8 times like 24h");
}
