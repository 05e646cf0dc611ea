/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Cursors from any text: only what was made here for this list is believed; and what was made comes
 * back whole. */
#include <stdint.h>

#include "../../src/api/api_priv.h"
#include "base/ensure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void begin(struct api_request *r, struct arena *a, const struct config *cfg)
{
    static const struct api_route route = {.http = {HTTP_GET, "/v1/fuzz", 200, NULL}};
    static struct api process;
    process.cfg = cfg;
    *r = (struct api_request){
        .api = &process, .route = &route, .svc = {.cfg = cfg, .arena = a, .request_id = "fuzz"}};
    faults_init(&r->faults, a);
    api_cursor_init(r->api);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct config cfg = {.file = NULL};
    struct arena *a = arena_new(4096);
    struct api_request r;
    const char *fields[2];
    size_t found;

    ENSURE(a);
    begin(&r, a, &cfg);
    const char *text = arena_strndup(a, size ? (const char *)data : "", size);
    const char *const mine[] = {text, "019aab00-0000-7000-8000-000000000000"};
    const char *made = api_cursor_make(&r, mine, ARRAY_LEN(mine));

    if (strcmp(made, text) != 0) { /* a stranger cannot know the hash */
        ENSURE(!api_cursor_read(&r, text, fields, ARRAY_LEN(fields), &found));
        ENSURE(found == 0 && r.faults.n == 1);
    }
    if (strlen(made) <= API_CURSOR_MAX) { /* as long as a query lets it be */
        ENSURE(api_cursor_read(&r, made, fields, ARRAY_LEN(fields), &found));
        ENSURE(found == 2 && strcmp(fields[0], text) == 0 && strcmp(fields[1], mine[1]) == 0);
    }
    arena_free(a);
    return 0;
}
