/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Ids of all rows, made by the services; and ids that clients send, read by the API. Version 7 (RFC
 * 9562 5.7): the time comes first, so new rows go to the end of an index. Ids order rows but prove
 * nothing: access is decided by tokens.
 */
#include "base/uuid.h"

#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"

/* 12 bits: what rand_a holds. */
#define COUNTER_MAX 0xfffu

static void uuid_write(const unsigned char b[16], char *out)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[b[i] >> 4];
        *out++ = hex[b[i] & 15];
    }
    *out = '\0';
}

/*
 * The 12 bits of rand_a count within a millisecond (RFC 9562 6.2, method 1), so that rows made one
 * after the other by one process sort in that order. The counter starts with its top bit clear;
 * when it runs over, or the clock steps back, the time used goes on from the last one.
 */
struct uuid uuid_new(void)
{
    static int64_t last_ms;
    static unsigned counter;
    int64_t ms = wall_now().us / 1000;
    unsigned char b[16];
    struct uuid u = {""};

    rng_id_bytes(b, sizeof(b));
    /* Half the range is left for counting, so 2048 ids in a millisecond fit at least. */
    if (ms > last_ms) {
        last_ms = ms;
        counter = (unsigned)(b[6] << 8 | b[7]) & (COUNTER_MAX >> 1);
    } else if (++counter > COUNTER_MAX) {
        last_ms++;
        counter = 0;
    }
    for (unsigned i = 0; i < 6; i++)
        b[i] = (unsigned char)(last_ms >> (40 - 8 * i));
    /* Version 7 in the upper half of byte 6, variant 10 in the top bits of byte 8 (RFC 9562 4). */
    b[6] = (unsigned char)(0x70 | counter >> 8);
    b[7] = (unsigned char)counter;
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    uuid_write(b, u.s);
    return u;
}

static bool uuid_is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Any version, upper or lower case, kept in lower case: ids are compared as text. */
bool uuid_parse(struct str s, struct uuid *out)
{
    if (s.n != UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        char c = s.p[i];

        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !uuid_is_hex(c))
            return false;
        out->s[i] = c;
    }
    out->s[UUID_LEN] = '\0';
    return true;
}
