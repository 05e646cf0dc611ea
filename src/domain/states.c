/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The words of states.def. Services store and read them; the API shows most of them. tests/db holds
 * the lists against the CHECK constraints of the schema, by the table `vocabularies`.
 */
#include "domain/states.h"

#include "base/cdefs.h"

/* clang-format off */
#define SET(set, PREFIX, table, column) const char *const set##_names[PREFIX##_COUNT + 1] = {
#define ROW(ID, word) [ID] = (word),
#define END(set, PREFIX) };
/* clang-format on */
#include "domain/states.def"
#undef SET
#undef ROW
#undef END

const struct vocabulary vocabularies[] = {
#define SET(set, PREFIX, table, column) {#set, (table), (column), set##_names, PREFIX##_COUNT},
#define ROW(ID, word)
#define END(set, PREFIX)
#include "domain/states.def"
#undef SET
#undef ROW
#undef END
};
const unsigned vocabularies_n = ARRAY_LEN(vocabularies);
