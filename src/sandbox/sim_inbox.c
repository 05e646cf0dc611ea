/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The phones: every message that a simulated provider took, the newest INBOX_MAX of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sim.h"
#include "sim_inbox.h"

#define INBOX_MAX 20000
#define TEXT_MAX 4096 /* bytes that are kept of a text */

struct entry {
    uint64_t number;
    struct wall at;
    const char *provider;
    char *to, *text, *sender;
};

static struct entry inbox[INBOX_MAX];
static uint64_t newest, cleared;

/* The longest text that any provider takes is far shorter. */
static char *inbox_copy_message(const char *z)
{
    char *c = strndup(z != NULL ? z : "", TEXT_MAX);
    if (c == NULL) {
        fputs("bookingd-sandbox: out of memory\n", stderr);
        exit(1);
    }
    return c;
}

uint64_t sim_inbox_add(const struct sim_message *m)
{
    struct entry *e = &inbox[newest % INBOX_MAX];
    free(e->to);
    free(e->text);
    free(e->sender);
    *e = (struct entry){.number = ++newest,
                        .at = wall_now(),
                        .provider = m->provider,
                        .to = inbox_copy_message(m->to),
                        .text = inbox_copy_message(m->text),
                        .sender = inbox_copy_message(m->sender)};
    return e->number;
}

void sim_inbox_clear(void)
{
    cleared = newest;
}

static uint64_t inbox_oldest_kept(void)
{
    uint64_t first = newest > INBOX_MAX ? newest - INBOX_MAX + 1 : 1;
    return first > cleared ? first : cleared + 1;
}

static json_t *inbox_entry_json(struct arena *a, const struct entry *e)
{
    json_t *j = json_obj(a);
    json_put_int(a, j, "number", (int64_t)e->number);
    json_put_time(a, j, "at", e->at);
    json_put_str(a, j, "provider", e->provider);
    json_put_str(a, j, "to", e->to);
    json_put_str(a, j, "text", e->text);
    json_put_str(a, j, "sender", e->sender);
    return j;
}

/* GET /inbox.json?to=+9665...&after=NUMBER: oldest first, at most 1000. */
void sim_inbox_get(struct sim_request *r, struct sim_reply *out)
{
    struct arena *a = r->arena;
    const char *to = sim_form(r, "to");
    const char *after_text = sim_form(r, "after");
    int64_t after = 0;
    if (after_text != NULL && !num_range(str_of(after_text), 0, INT64_MAX, &after))
        after = 0;
    json_t *items = json_arr(a);
    uint64_t from = inbox_oldest_kept();
    if (from <= (uint64_t)after)
        from = (uint64_t)after + 1;
    for (uint64_t i = from; i <= newest && json_array_size(items) < 1000; i++) {
        const struct entry *e = &inbox[(i - 1) % INBOX_MAX];
        if (to == NULL || strcmp(e->to, to) == 0)
            json_push(a, items, inbox_entry_json(a, e));
    }
    json_t *body = json_obj(a);
    json_put(a, body, "items", items);
    json_put_int(a, body, "newest", (int64_t)newest);
    json_put_int(a, body, "count", (int64_t)(newest - cleared));
    sim_reply_json(r, out, 200, body);
}
