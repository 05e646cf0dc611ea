/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The roles of processes; roles.def has one row per role. */
#ifndef BOOKINGD_DOMAIN_ROLES_H
#define BOOKINGD_DOMAIN_ROLES_H

enum role {
#define ROLE(ID, name, slots, secrets) ROLE_##ID,
#include "domain/roles.def"
#undef ROLE
    ROLE_COUNT
};
/* For sets of roles. */
#define ROLE_BIT(role) (1u << (role))
/* "master", ... and a NULL behind the last. */
extern const char *const role_names[ROLE_COUNT + 1];
/* How many scoreboard slots a role has, when there is room for w workers. */
unsigned role_slots(enum role role, unsigned w);

#endif
