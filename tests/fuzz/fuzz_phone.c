/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Phone numbers from any bytes: what is accepted is E.164 of a region that is served, and
 * normalises to itself. */
#include <stdint.h>

#include "base/ensure.h"
#include "svc/phone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const served[] = {"SA", "US", "DE", "IT"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config cfg = {.otp = {.regions = served, .regions_n = ARRAY_LEN(served)}};
    struct arena *a = arena_new(4096);
    const char *out, *again;

    ENSURE(a);
    enum err e =
        phone_normalise(&cfg, a, (struct str){(const char *)data, size}, PHONE_SERVED, &out);
    ENSURE(e == ERR_OK || e == ERR_PHONE_INVALID || e == ERR_PHONE_REGION);
    if (e == ERR_OK) {
        struct str digits = str_of(out + 1);

        ENSURE(out[0] == '+' && out[1] != '0' && digits.n >= 7 && digits.n <= 15);
        ENSURE(strspn(digits.p, "0123456789") == digits.n);
        e = phone_normalise(&cfg, a, str_of(out), PHONE_SERVED, &again);
        ENSURE(e == ERR_OK && strcmp(out, again) == 0);
    }
    arena_free(a);
    return 0;
}
