/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The texts of labels.def. The metrics page prints them; some are error codes of the API too. */
#include "domain/labels.h"

/* clang-format off */
#define SET(set, PREFIX, label) const char *const set##_names[PREFIX##_COUNT + 1] = {
#define SET_OF(PREFIX, names, label)
#define ROW(ID, text) [ID] = (text),
#define END(set, PREFIX) };
/* clang-format on */
#include "domain/labels.def"
