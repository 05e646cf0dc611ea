/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The words of actors.def, which services write to history and audit rows. Staff and support read
 * these words, so they are never renamed.
 */
#include "domain/actors.h"

const char *const actor_names[ACTOR_COUNT + 1] = {
#define ACTOR(ID, word) [ACTOR_##ID] = (word),
#include "domain/actors.def"
#undef ACTOR
};
