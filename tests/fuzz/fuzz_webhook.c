/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Bodies of webhooks: an event is taken only with the secret, whole and in its place; what is
 * handed on of it is fit for a path and a query. The body is read as it is; and once more as the
 * `data` of an event that has the secret, so that what is behind it is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ext/pay_priv.h"
#include "base/ensure.h"
#include "base/uuid.h"
#include "sys/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "hook-secret"
static const struct provider_config provider = {
    .name = "moyasar", .type = PROVIDER_MOYASAR, .webhook_secret = SECRET};

/* What may stand in a path of the gateway's API. */
static void check_id(const char *id)
{
    ENSURE(!id || (*id && strlen(id) <= 64));
    for (; id && *id; id++)
        ENSURE((*id >= '0' && *id <= '9') || (*id >= 'a' && *id <= 'z') ||
               (*id >= 'A' && *id <= 'Z') || *id == '-' || *id == '_');
}

static void check_event(const struct pay_event *ev)
{
    struct uuid parsed;
    ENSURE(ev->id && strlen(ev->id) <= 100 && ev->kind && strlen(ev->kind) <= 100);
    check_id(ev->charge_id);
    check_id(ev->invoice_id);
    ENSURE(!ev->reference || uuid_parse(str_of(ev->reference), &parsed));
}

/* Whether the body has the secret, by another way than the code under test. */
static bool has_secret(struct arena *a, struct str body)
{
    const json_t *token = json_object_get(json_parse_foreign(a, body), "secret_token");
    return json_is_string(token) && json_string_length(token) == strlen(SECRET) &&
           strcmp(json_string_value(token), SECRET) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(4096);
    struct str body = {size ? (const char *)data : "", size};
    struct pay_event ev;
    ENSURE(a);
    enum err e = pay_moyasar.event(&provider, a, body, &ev);
    ENSURE(e == ERR_OK || e == ERR_MALFORMED_JSON || e == ERR_UNAUTHORIZED);
    ENSURE((e == ERR_OK) == has_secret(a, body));
    if (e == ERR_OK)
        check_event(&ev);

    struct sb sb;
    sb_init(&sb, a, size + 128);
    sb_puts(&sb, "{\"id\":\"e\",\"type\":\"t\",\"secret_token\":\"" SECRET "\",\"data\":");
    sb_add(&sb, body.p, body.n);
    sb_puts(&sb, "}");
    e = pay_moyasar.event(&provider, a, sb_str(&sb), &ev);
    ENSURE(e == ERR_OK || e == ERR_UNAUTHORIZED ||
           e == ERR_MALFORMED_JSON); /* what breaks out of its place breaks the whole */
    if (e == ERR_OK)
        check_event(&ev);
    arena_free(a);
    return 0;
}
