/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Which text of several languages a caller is shown. Called by whoever puts names into an answer.
 */
#include "api/api_language.h"

#include "api_priv.h"
#include "http/http_accept.h"

/* The caller's language, else the venue's, else the plain name: a text in the wrong language is
 * better than none. */
const char *api_text_for(const struct api_request *r, const char *const texts[LOCALE_COUNT],
                         enum locale usual, const char *plain)
{
    r->api->r.names_said = true; /* sent or not, the field counted */
    const int asked =
        http_accept_language(http_header(r->head, "Accept-Language"), locale_names, LOCALE_COUNT);
    if (asked >= 0 && texts[asked])
        return texts[asked];
    return texts[usual] ? texts[usual] : plain;
}
