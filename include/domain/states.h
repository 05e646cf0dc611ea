/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The words of states.def, as C: for each vocabulary an enum and its words. Each list of words ends
 * with a NULL, so it fits a JSON schema's `values`; name_find() finds a word.
 */
#ifndef BOOKINGD_DOMAIN_STATES_H
#define BOOKINGD_DOMAIN_STATES_H

/* enum booking_state { BOOKING_PENDING_PAYMENT, ... BOOKING_STATE_COUNT }, ... */
/* clang-format off */
#define SET(set, PREFIX, table, column) enum set {
#define ROW(ID, word) ID,
#define END(set, PREFIX) PREFIX##_COUNT };
/* clang-format on */
#include "domain/states.def"
#undef SET
#undef ROW
#undef END

/* booking_state_names[], ... */
#define SET(set, PREFIX, table, column) extern const char *const set##_names[PREFIX##_COUNT + 1];
#define ROW(ID, word)
#define END(set, PREFIX)
#include "domain/states.def"
#undef SET
#undef ROW
#undef END

/* All vocabularies, for the test that compares them with the schema. */
struct vocabulary {
    const char *name, *table, *column;
    const char *const *words; /* n of them, and a NULL */
    unsigned n;
};
extern const struct vocabulary vocabularies[];
extern const unsigned vocabularies_n;

#endif
