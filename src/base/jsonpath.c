/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Takes a JSON path apart, for check-config and for the reader of providers' answers. One reader
 * for both, so that no path is accepted at the start and refused for each answer. Grammar: NAME
 * ("." NAME | "[" INDEX "]")*, or "[" INDEX "]" first.
 */
#include "base/jsonpath.h"

#include <stdint.h>
#include <string.h>

#include "base/num.h"

/* An empty path has one step, which then fails: "" is no path. */
bool jsonpath_more(const struct jsonpath *p)
{
    return !p->begun || *p->rest != '\0';
}

/* Of "[n]": strict as a number, so that each item has one spelling. */
static bool jsonpath_read_index(struct jsonpath *p, struct jsonpath_step *out)
{
    const struct str digits = {p->rest + 1, strcspn(p->rest + 1, "]")};
    int64_t index;

    if (digits.p[digits.n] != ']' || !num_range(digits, 0, INT32_MAX, &index))
        return false;
    out->index = (size_t)index;
    p->rest = digits.p + digits.n + 1;
    return true;
}

/* A name ends at any of ".[]"; keys that contain those cannot be named, and no known provider has
 * them. */
bool jsonpath_next(struct jsonpath *p, struct jsonpath_step *out)
{
    const bool first = !p->begun;

    *out = (struct jsonpath_step){.index = 0};
    p->begun = true;
    if (*p->rest == '[')
        return jsonpath_read_index(p, out);
    if (!first && *p->rest++ != '.')
        return false;
    out->name = (struct str){p->rest, strcspn(p->rest, ".[]")};
    p->rest += out->name.n;
    return out->name.n > 0 && *p->rest != ']';
}

bool jsonpath_valid(const char *path)
{
    struct jsonpath p = {.rest = path};
    struct jsonpath_step step;

    while (jsonpath_more(&p))
        if (!jsonpath_next(&p, &step))
            return false;
    return true;
}
