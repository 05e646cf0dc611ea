/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Lists of the simulated gateway (sim_moyasar_list.c): 40 per page, newest first; page, id, status,
 * created[gt|lt], updated[gt|lt], metadata[key], card_last_digits, receipt_no. */
#ifndef BOOKINGD_SANDBOX_SIM_MOYASAR_LIST_H
#define BOOKINGD_SANDBOX_SIM_MOYASAR_LIST_H

#include "sim.h"

struct sim_list {
    json_t *items;
    int64_t page, seen;
    const char *id, *status, *last_digits, *receipt;
    struct wall after[2], before[2]; /* created, updated; us 0: any */
    struct http_query *query;
};
struct sim_row {
    const char *id, *status;
    struct wall created, updated;
    const json_t *metadata;
    const char *masked, *reference; /* of a card payment; "" */
};
/* False: the query is nonsense, and answered. */
bool sim_list_begin(struct sim_request *r, struct sim_reply *out, struct sim_list *l);
/* Whether the row matches and is on the page asked for. */
bool sim_list_takes(struct sim_request *r, struct sim_list *l, const struct sim_row *row);
/* Answers with {name: [...], "meta": {...}}. */
void sim_list_end(struct sim_request *r, struct sim_reply *out, struct sim_list *l,
                  const char *name);

#endif
