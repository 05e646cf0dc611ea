/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the files of this folder: forms of text, and how to refuse. */
#ifndef BOOKINGD_HTTP_HTTP_PRIV_H
#define BOOKINGD_HTTP_HTTP_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_parse.h"

/* Always false, so that a check can end with `return http_refuse(...)`. */
bool http_refuse(struct http_fault *fault, enum err err, const char *detail);
/* Controls that no part of a message may hold, HTAB excepted (RFC 9110 5.5). CR and LF count too.
 */
bool http_is_control(char c);
/* uri-host [ ":" port ] (RFC 3986 3.2.2 and 3.2.3) with a host that is not empty (RFC 9110 4.2.1).
 */
bool http_authority_valid(struct str s);
/* Every '%' is followed by two hexadecimal digits, and each other byte is a pchar or "/" (RFC
 * 3986 3.3). */
bool http_path_valid(struct str s);
/* Judges the fields of a head whose lines are all well-formed; fills chunked, content_length and
 * the rest. */
bool http_judge_head(struct http_head *head, const struct http_limits *limits,
                     struct http_fault *fault);

#endif
