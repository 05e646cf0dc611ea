/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Answers that are true and look unusual: the same numbers in another form, members and states that
 * nobody has seen before, wrapping that nobody asked for. Called by sim_route.c once an answer is
 * ready. A caller that understands only the usual form loses what the answer says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sim_moyasar.h"
#include "sim_serve.h"

/* A new member at the front of each object: values of every JSON type, and a character beyond the
 * first plane of Unicode. */
#define BEND_MEMBER "\"x_new\":{\"deep\":[1,null,true,{\"a\":\"\\ud83d\\ude00\"}]}"
/* zlib's largest window, in gzip's wrapping (zlib.h, deflateInit2). */
#define BEND_GZIP_WINDOW (15 + 16)

/* ---- the text of the answer ---- */

/* What a text, not JSON's grammar, is walked for: whether a place lies inside a JSON string. */
static bool bend_step_string(const char **at, struct sb *out)
{
    if (**at != '"')
        return false;
    const char *end = *at + 1;
    while (*end != '"' && *end != '\0')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    end += *end == '"';
    sb_add(out, *at, (size_t)(end - *at));
    *at = end;
    return true;
}

/* One whole number in the form that was ordered; the value stays what it was. */
static void bend_add_number(struct sb *out, enum sim_fault_kind kind, struct str digits)
{
    if (kind == SIM_TEXT_NUMBERS)
        sb_printf(out, "\"%.*s\"", STR_ARG(digits));
    else if (kind == SIM_REAL_NUMBERS)
        sb_printf(out, "%.*s.00", STR_ARG(digits));
    else /* JSON knows no leading zeros, so that 0 gets none behind it either */
        sb_printf(out, "%.*s%se-2", STR_ARG(digits), str_eq(digits, STR("0")) ? "" : "00");
}

/* Our own answers hold no reals, so each run of digits outside strings is one whole number. */
static void bend_numbers(struct sim_request *r, struct sim_reply *out)
{
    struct sb sb;
    sb_init(&sb, r->arena, 4096);
    for (const char *at = out->body.p; *at != '\0';) {
        if (bend_step_string(&at, &sb))
            continue;
        size_t n = strspn(at, "0123456789");
        if (n > 0)
            bend_add_number(&sb, r->fault.kind, (struct str){at, n});
        else
            sb_putc(&sb, *at);
        at += n > 0 ? n : 1;
    }
    out->body = sb_str(&sb);
}

static void bend_members(struct sim_request *r, struct sim_reply *out)
{
    struct sb sb;
    sb_init(&sb, r->arena, 8192);
    for (const char *at = out->body.p; *at != '\0';) {
        if (bend_step_string(&at, &sb))
            continue;
        sb_putc(&sb, *at);
        if (*at++ == '{')
            sb_puts(&sb, *at == '}' ? BEND_MEMBER : BEND_MEMBER ",");
    }
    out->body = sb_str(&sb);
}

/* ---- states that nobody knows ---- */

/* The newest charge of an invoice a second time, under another name and in an unknown state: as a
 * payer leaves it who closed one bank's page and paid with another card. */
static void bend_estrange_invoice(struct sim_request *r, json_t *invoice)
{
    json_t *charges = json_object_get(invoice, "payments");
    const json_t *newest = json_array_get(charges, 0);
    char id[SIM_ID_MAX];
    sim_new_id(id);
    json_put_str(r->arena, invoice, "status", "in_review");
    if (newest == NULL)
        return;
    json_t *copy = json_adopt(r->arena, json_deep_copy(newest));
    json_put_str(r->arena, copy, "id", id);
    json_put_str(r->arena, copy, "status", "abandoned");
    (void)json_array_insert(charges, 0, copy);
}

/* Of an invoice, or of a list of them; other answers stay as they are. */
static void bend_states(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_parse(r->arena, out->body), *list = json_object_get(j, "invoices");
    for (size_t i = 0; i < json_array_size(list); i++)
        bend_estrange_invoice(r, json_array_get(list, i));
    if (json_is_array(json_object_get(j, "payments")) && json_object_get(j, "meta") == NULL)
        bend_estrange_invoice(r, j);
    if (j != NULL)
        out->body = json_text(r->arena, j);
}

/* ---- wrapping ---- */

static void bend_pack(struct sim_request *r, struct sim_reply *out)
{
    uLong room = compressBound((uLong)out->body.n) + 64; /* gzip's head and tail are 18 bytes */
    char *packed = arena_alloc(r->arena, room);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)out->body.p,
                  .avail_in = (uInt)out->body.n,
                  .next_out = (Bytef *)packed,
                  .avail_out = (uInt)room};
    bool good = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, BEND_GZIP_WINDOW, 8,
                             Z_DEFAULT_STRATEGY) == Z_OK &&
                deflate(&z, Z_FINISH) == Z_STREAM_END;
    out->body = (struct str){packed, z.total_out};
    if (!good || deflateEnd(&z) != Z_OK) {
        fputs("bookingd-sandbox: out of memory\n", stderr);
        exit(1);
    }
    out->coding = "gzip";
}

static void bend_mark(struct sim_request *r, struct sim_reply *out)
{
    out->body = str_of(arena_printf(r->arena, "\xef\xbb\xbf%.*s", STR_ARG(out->body)));
}

static void bend_name_identity(struct sim_request *r, struct sim_reply *out)
{
    (void)r;
    out->coding = "identity";
}

/* Faults without a row are not about how an answer looks. */
static void (*const bend_ways[SIM_KIND_COUNT])(struct sim_request *r, struct sim_reply *out) = {
    [SIM_TEXT_NUMBERS] = bend_numbers,
    [SIM_REAL_NUMBERS] = bend_numbers,
    [SIM_EXPONENTS] = bend_numbers,
    [SIM_MEMBERS] = bend_members,
    [SIM_STRANGER] = bend_states,
    [SIM_BOM] = bend_mark,
    [SIM_GZIP] = bend_pack,
    [SIM_IDENTITY] = bend_name_identity,
};

void sim_bend(struct sim_request *r, struct sim_reply *out)
{
    if (out->body.n > 0 && bend_ways[r->fault.kind] != NULL)
        bend_ways[r->fault.kind](r, out);
}
