/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Says which roles have a process. Called by monitor_page.c and monitor_facts.c. A process that
 * ended with exit code 78 is not started again, and a keeper is missed by no request: somebody has
 * to count.
 */
#include "monitor_roles.h"

#include "domain/scoreboard.h"

/* Couriers are there when something is for them to do. */
static bool monitor_roles_wanted(const struct config *cfg, enum role role)
{
    return role != ROLE_COURIER ||
           (cfg->notifications.couriers > 0 && (cfg->notifications.delivery == DELIVERY_DEFERRED ||
                                                cfg->notifications.reminders_n > 0));
}

bool monitor_roles_up(const struct config *cfg, enum role role)
{
    struct scoreboard_view slot;
    const unsigned first = scoreboard_first(role);
    for (unsigned i = 0; i < scoreboard_count(role); i++) {
        scoreboard_read(first + i, &slot);
        if (slot.stage != STAGE_DOWN)
            return true;
    }
    return !monitor_roles_wanted(cfg, role);
}
