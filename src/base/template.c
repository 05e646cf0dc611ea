/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Fills {name} placeholders; used for one-time codes, notifications and the http provider. One
 * engine for all three. A brace that begins no known placeholder is copied, so that JSON bodies
 * need no escaping.
 */
#include "base/template.h"

/* Lower-case letters and _ only, closed by }. {NULL, 0} when the text begins none. */
struct str template_placeholder(const char *text)
{
    size_t n = 0;

    if (*text != '{')
        return (struct str){NULL, 0};
    while ((text[1 + n] >= 'a' && text[1 + n] <= 'z') || text[1 + n] == '_')
        n++;
    if (n == 0 || text[1 + n] != '}')
        return (struct str){NULL, 0};
    return (struct str){text + 1, n};
}

static const struct template_var *template_find_var(const struct template_values *values,
                                                    struct str name)
{
    for (size_t i = 0; name.p && i < values->n; i++)
        if (str_eq(str_of(values->vars[i].name), name))
            return &values->vars[i];
    return NULL;
}

void template_add(struct sb *b, const char *text, const struct template_values *values)
{
    while (*text) {
        const struct str name = template_placeholder(text);
        const struct template_var *var = template_find_var(values, name);

        if (!var) {
            sb_putc(b, *text++);
            continue;
        }
        /* The caller's function escapes a value for where it goes: JSON, a URL, a form. Without one
         * the value goes out as it is. */
        if (values->add)
            values->add(b, var->value ? var->value : "", values->ctx);
        else
            sb_puts(b, var->value ? var->value : "");
        text += name.n + 2;
    }
}
