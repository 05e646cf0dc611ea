/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* http and https URLs, a strict subset of RFC 3986: no user info, no characters that would need
 * encoding. */
#ifndef BOOKINGD_BASE_URL_H
#define BOOKINGD_BASE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct url {
    bool https;
    struct str host; /* as written; IPv6 with its brackets */
    uint16_t port;   /* the scheme's own when none is written */
    struct str rest; /* path, query and fragment as written; may be empty */
};

/* False for anything else. The parts point into the text. */
bool url_parse(struct str text, struct url *out) MUST_CHECK;
/* Host of a URL, v6 without brackets, NUL-terminated into buf, for name lookups. False: no URL, or
 * it does not fit. */
bool url_host(const char *url, char *buf, size_t size) MUST_CHECK;
/* "https://host[:port]", lower case, without the scheme's own port: two URLs of one origin give one
 * text (RFC 6454 4). */
const char *url_origin(struct arena *a, const struct url *u);
/* The URL with name=value added to its query, encoded by the caller; a fragment stays last. */
const char *url_with(struct arena *a, const char *url, const char *name, const char *value);

#endif
