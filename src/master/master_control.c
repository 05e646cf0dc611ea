/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The master's side of the control socket to the dispatcher. Called by whoever has an order for it:
 * master_child.c (a worker), master_listen.c (a socket), master_reload.c (the next epoch). */
#include <stdint.h>

#include "master_priv.h"

/* False without a dispatcher, or when its socket is full; callers decide whether that matters. */
bool master_send(struct master *m, const struct protocol_order *o, const void *bytes, int fd)
{
    struct protocol_packet p = {.bytes = (char *)(uintptr_t)bytes, .len = (size_t)o->len, .fd = fd};
    return m->control >= 0 && protocol_send(m->control, o, sizeof(*o), &p);
}
