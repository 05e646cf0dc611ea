/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The verdict of every SMS provider on any status and body: one of four, never a success from a
 * 5xx, and nothing in its details that is not a short plain word. Input: provider and media type,
 * two bytes of status, body.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "ext/sms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const good[] = {"ok", "1", "true", ""};
static const struct config_success rules[] = {{"status", good, 4}, {"result[0].done", good, 4}};
static const struct provider_config provider = {
    .success = rules, .success_n = 2, .id_path = "result[0].id", .error_path = "error.code"};

static void check_word(const char *z, size_t max)
{
    ENSURE(!z || (*z && strlen(z) <= max));
    for (; z && *z; z++)
        ENSURE(*z >= 0x20 && *z < 0x7f && *z != '"' && *z != '\\');
}

static void check_verdict(int status, const struct ext_result *r, const char *message_id)
{
    bool definite =
        r->err == ERR_OK || r->err == ERR_PROVIDER_REJECTED || r->err == ERR_PROVIDER_UNAVAILABLE;
    ENSURE(definite || r->err == ERR_PROVIDER_FAILED);
    ENSURE(!definite || r->outcome != OUTCOME_UNKNOWN);
    ENSURE((r->err == ERR_PROVIDER_UNAVAILABLE) == (status == 429));
    ENSURE(status < 500 || (r->err == ERR_PROVIDER_FAILED && r->outcome == OUTCOME_UNKNOWN));
    ENSURE(r->err != ERR_OK || (status >= 200 && status <= 299));
    ENSURE((r->detail == NULL) == (r->err == ERR_OK));
    ENSURE((r->outcome == OUTCOME_OK) == (r->err == ERR_OK));
    ENSURE(r->err == ERR_OK || message_id == NULL);
    check_word(r->detail, 32);
    check_word(message_id, 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t rows = 0;
    while (sms_providers[rows])
        rows++;
    if (size < 3 || size > EXT_ANSWER_MAX)
        return 0;
    struct arena *a = arena_new(4096);
    ENSURE(a);
    static const char *const types[] = {"application/json", "text/html; charset=utf-8", ""};
    int status = 200 + (data[1] << 8 | data[2]) % 400;
    struct ext_reply reply = {.status = status,
                              .body = {(const char *)data + 3, size - 3},
                              .content_type = types[data[0] / rows % ARRAY_LEN(types)]};
    const char *message_id = NULL;
    struct ext_result r =
        sms_judge(a, sms_providers[data[0] % rows], &provider, &reply, &message_id);
    check_verdict(status, &r, message_id);
    arena_free(a);
    return 0;
}
