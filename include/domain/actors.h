/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Who can change something; actors.def has one row per actor. */
#ifndef BOOKINGD_DOMAIN_ACTORS_H
#define BOOKINGD_DOMAIN_ACTORS_H

enum actor {
#define ACTOR(ID, word) ACTOR_##ID,
#include "domain/actors.def"
#undef ACTOR
    ACTOR_COUNT
};
/* "customer", ... and a NULL behind the last. */
extern const char *const actor_names[ACTOR_COUNT + 1];
/* Before a customer's id. */
#define ACTOR_CUSTOMER_PREFIX "customer:"
/* Before a staff key's name, and the actor of commands. */
#define ACTOR_STAFF_PREFIX "staff:"
#define ACTOR_COMMAND_LINE ACTOR_STAFF_PREFIX "command-line"

#endif
