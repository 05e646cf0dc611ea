/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Texts in the caller's language. */
#ifndef BOOKINGD_API_API_LANGUAGE_H
#define BOOKINGD_API_API_LANGUAGE_H

#include "api/api_handler.h"
#include "domain/templates.h"

/* What the caller asks for by Accept-Language (RFC 9110 12.5.4), else the `usual` language, else
 * `plain`. Texts may be NULL. The answer says by Vary that it depends on the field. */
const char *api_text_for(const struct api_request *r, const char *const texts[LOCALE_COUNT],
                         enum locale usual, const char *plain);

#endif
