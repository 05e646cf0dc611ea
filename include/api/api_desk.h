/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The files of src/desk, made C when this was built. */
#ifndef BOOKINGD_API_API_DESK_H
#define BOOKINGD_API_API_DESK_H

#include <stddef.h>

extern const unsigned char desk_html[], desk_css[], desk_js[];
extern const size_t desk_html_len, desk_css_len, desk_js_len; /* bytes */

#endif
