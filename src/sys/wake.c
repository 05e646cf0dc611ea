/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The shared counter of work. Signalled by workers and the keeper, waited for by couriers. */
#include "sys/wake.h"

#include <sys/eventfd.h>
#include <unistd.h>

static int wake_counter = -1; /* inherited by fork */

/* Before the first fork. An eventfd, since it counts: two signals before anybody reads are not
 * one. */
bool wake_init(void)
{
    wake_counter = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return wake_counter >= 0;
}

int wake_fd(void)
{
    return wake_counter;
}

/* A full counter is no fault: there is work enough to wake everybody. */
void wake_signal(unsigned n)
{
    const uint64_t more = n;
    if (wake_counter >= 0 && n > 0 && write(wake_counter, &more, sizeof more) < 0)
        return;
}

/* All and not one: signals for work that others have done meanwhile would wake for nothing. */
uint64_t wake_take(void)
{
    uint64_t n = 0;
    return wake_counter >= 0 && read(wake_counter, &n, sizeof n) == (ssize_t)sizeof n ? n : 0;
}
