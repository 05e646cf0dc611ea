/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What all parts of the sandbox are made of: replies, form fields, ids and texts. It calls none of
 * them. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "http/http_path.h"

char *sim_copy(const char *z)
{
    char *c = z != NULL ? strdup(z) : NULL;
    if (z != NULL && c == NULL) {
        fputs("bookingd-sandbox: out of memory\n", stderr);
        exit(1);
    }
    return c;
}

void sim_new_id(char out[SIM_ID_MAX])
{
    unsigned char b[16];
    rng_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, SIM_ID_MAX,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

void sim_reply_json(struct sim_request *r, struct sim_reply *out, int status, json_t *body)
{
    *out = (struct sim_reply){
        .status = status, .content_type = "application/json", .body = json_text(r->arena, body)};
}

const char *sim_form(struct sim_request *r, const char *name)
{
    struct http_query q;
    if (r->head->query.p != NULL && http_query_parse(r->arena, r->head->query, &q))
        for (size_t i = 0; i < q.n; i++)
            if (strcmp(q.items[i].name, name) == 0)
                return q.items[i].value;
    if (r->body.n > 0 && http_query_parse(r->arena, r->body, &q))
        for (size_t i = 0; i < q.n; i++)
            if (strcmp(q.items[i].name, name) == 0)
                return q.items[i].value;
    return NULL;
}

const char *sim_amount_text(struct arena *a, int64_t minor, const char *currency)
{
    int digits = num_currency_digits(currency);
    int64_t scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    if (digits == 0)
        return arena_printf(a, "%lld %s", (long long)minor, currency);
    return arena_printf(a, "%lld.%0*lld %s", (long long)(minor / scale), digits,
                        (long long)(minor % scale), currency);
}

const char *sim_time_text(struct arena *a, struct wall w)
{
    char whole[WALL_RFC3339_MAX];
    if (w.us == 0)
        return NULL;
    wall_format(wall_whole_seconds(w), whole);
    return arena_printf(a, "%.19s.%03dZ", whole, (int)(w.us / 1000 % 1000));
}
