/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Text put into requests, escaped for the place where it goes, and templates with {placeholders}.
 */
#ifndef BOOKINGD_EXT_EXT_ESCAPE_H
#define BOOKINGD_EXT_EXT_ESCAPE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/template.h"

enum ext_escape {
    EXT_ESCAPE_NONE,    /* plain text, header values (ext_call refuses control characters there) */
    EXT_ESCAPE_JSON,    /* inside a JSON string */
    EXT_ESCAPE_PERCENT, /* form field, path segment, query: all but RFC 3986's unreserved */
    EXT_ESCAPE_XML,     /* text or attribute value */
};
/* What a body of that media type needs; NULL means JSON. */
enum ext_escape ext_escape_for(const char *content_type);
void ext_escape_add(struct sb *b, enum ext_escape how, const char *z);

/* The template with every known placeholder replaced by its escaped value (base/template.h). */
struct str ext_template(struct arena *a, const char *tpl, enum ext_escape how,
                        const struct template_var *vars, size_t n);

/* Adds name=value, percent-encoded, with an & before it when b is not empty. */
void ext_form_add(struct sb *b, const char *name, const char *value);

#endif
