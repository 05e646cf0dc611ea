/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What waits for the database. Called by notification_store.c with results of attempts, and by the
 * api with outcomes of idempotency keys: after the failure, and between requests. */
#include "svc/pending.h"

/* By moving the others: queues are short, and rarely have more than one item. */
static void pending_drop_oldest(struct pending *p)
{
    char *items = p->items;
    if (p->drop)
        p->drop(items);
    p->n--;
    memmove(items, items + p->size, p->n * p->size);
}

void pending_add(struct pending *p, const void *item)
{
    if (p->n == p->most)
        pending_drop_oldest(p);
    memcpy((char *)p->items + p->n * p->size, item, p->size);
    p->n++;
}

unsigned pending_flush(struct pending *p, struct svc *s)
{
    /* Each try has a limit of its own: the first may have to wait for a connection. */
    struct svc one = *s;
    while (p->n > 0 && !deadline_passed(s->deadline)) {
        one.deadline = deadline_cap(s->deadline, p->try_ms);
        if (!p->store(&one, p->items))
            break;
        pending_drop_oldest(p);
    }
    return p->n;
}

void pending_forget(struct pending *p)
{
    while (p->n > 0)
        pending_drop_oldest(p);
}
