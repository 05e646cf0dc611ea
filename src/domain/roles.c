/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What every process needs to know about roles: their names and their slots. */
#include "domain/roles.h"

const char *const role_names[ROLE_COUNT + 1] = {
#define ROLE(ID, name, slots, secrets) [ROLE_##ID] = #name,
#include "domain/roles.def"
#undef ROLE
};

/* Twice what runs at a time: while a reload overlaps, the old process and the new one both need a
 * slot. */
unsigned role_slots(enum role role, unsigned w)
{
    const unsigned counts[] = {
#define ROLE(ID, name, slots, secrets) [ROLE_##ID] = (slots),
#include "domain/roles.def"
#undef ROLE
    };
    return counts[role];
}
