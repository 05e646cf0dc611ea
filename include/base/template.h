/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Texts with {name} placeholders: messages to customers and requests to providers. A name is made
 * of the letters a to z and "_". What is no known placeholder stays as it is, because JSON bodies
 * are full of braces; the configuration check reports unknown names where that is a mistake.
 */
#ifndef BOOKINGD_BASE_TEMPLATE_H
#define BOOKINGD_BASE_TEMPLATE_H

#include <stddef.h>

#include "base/str.h"

struct template_var {
    const char *name;  /* without braces */
    const char *value; /* NULL: "" */
};

/* The values that a template is filled with. Everything is borrowed. */
struct template_values {
    const struct template_var *vars;
    size_t n;
    /* How a value is added, to escape it; NULL: as it is. Text outside of placeholders is never
     * escaped. */
    void (*add)(struct sb *b, const char *value, const void *ctx);
    const void *ctx; /* for add() */
};

/* The name of the placeholder that begins at text; absent when none does. Borrowed from text. */
struct str template_placeholder(const char *text);
/* Adds text with its known placeholders replaced. Values are not searched for placeholders. */
void template_add(struct sb *b, const char *text, const struct template_values *values);

#endif
