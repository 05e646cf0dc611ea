/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Puts values into requests in the form that their place needs: JSON, form or URL, XML. Called by
 * the drivers. A text with a quote or an ampersand must reach the customer as it was written, and
 * must never end the field that holds it.
 */
#include "ext/ext_escape.h"
#include "base/chars.h"

#include <string.h>

static bool has_suffix(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq_nocase((struct str){s.p + s.n - suffix.n, suffix.n}, suffix);
}

/* JSON when nothing is said, as the configuration's default is. */
enum ext_escape ext_escape_for(const char *content_type)
{
    if (!content_type)
        return EXT_ESCAPE_JSON;
    struct str rest = str_of(content_type);
    struct str type = str_trim(str_cut(&rest, ';'));
    if (str_eq_nocase(type, STR("application/x-www-form-urlencoded")))
        return EXT_ESCAPE_PERCENT;
    if (str_eq_nocase(type, STR("application/json")) || has_suffix(type, STR("+json")))
        return EXT_ESCAPE_JSON;
    if (str_eq_nocase(type, STR("application/xml")) || str_eq_nocase(type, STR("text/xml")) ||
        has_suffix(type, STR("+xml")))
        return EXT_ESCAPE_XML;
    return EXT_ESCAPE_NONE;
}

/* RFC 8259 7; DEL is escaped too, since some gateways choke on it. */
static void add_json(struct sb *b, unsigned char c)
{
    if (c == '"' || c == '\\')
        sb_putc(b, '\\');
    if (c >= 0x20 && c != 0x7f)
        sb_putc(b, (char)c);
    else
        sb_printf(b, "\\u%04x", c);
}

/* UTF-8 is escaped byte by byte (RFC 3986 2.5). */
static void add_percent(struct sb *b, unsigned char c)
{
    chars_add_percent(b, (struct str){(const char *)&c, 1});
}

/* Line breaks as references: a parser would normalise them in attributes. */
static void add_xml(struct sb *b, unsigned char c)
{
    if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' || c == '\n' || c == '\r' ||
        c == '\t')
        sb_printf(b, "&#%u;", c);
    else if (c >= 0x20) /* XML has no way to write the other control characters */
        sb_putc(b, (char)c);
}

/* For headers and plain text; headers are checked for control characters before they are sent. */
static void add_none(struct sb *b, unsigned char c)
{
    sb_putc(b, (char)c);
}

void ext_escape_add(struct sb *b, enum ext_escape how, const char *z)
{
    static void (*const add[])(struct sb *, unsigned char) = {[EXT_ESCAPE_NONE] = add_none,
                                                              [EXT_ESCAPE_JSON] = add_json,
                                                              [EXT_ESCAPE_PERCENT] = add_percent,
                                                              [EXT_ESCAPE_XML] = add_xml};
    for (; z && *z; z++)
        add[how](b, (unsigned char)*z);
}

static void escape_add_value(struct sb *b, const char *value, const void *how)
{
    ext_escape_add(b, *(const enum ext_escape *)how, value);
}

/* 256: numbers and a short text make most bodies fit without growing. */
struct str ext_template(struct arena *a, const char *tpl, enum ext_escape how,
                        const struct template_var *vars, size_t n)
{
    const struct template_values values = {vars, n, escape_add_value, &how};
    struct sb b;
    sb_init(&b, a, strlen(tpl) + 256);
    template_add(&b, tpl, &values);
    return sb_str(&b);
}

/* Names are constants of drivers and need no escaping. */
void ext_form_add(struct sb *b, const char *name, const char *value)
{
    if (b->n > 0)
        sb_putc(b, '&');
    sb_puts(b, name);
    sb_putc(b, '=');
    ext_escape_add(b, EXT_ESCAPE_PERCENT, value);
}
