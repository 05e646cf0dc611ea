/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Readers of the values of sign-in: regions that are served, ranges of mobile numbers, test
 * numbers, the host for autofill. Named by rows of config.def. Each reports all its faults, with
 * the place of the element and not only of the list. */
#include "config_priv.h"
#include "domain/phone_table.h"

/* Codes are replaced by the table's own strings, so that later comparisons need no copy. */
void config_read_regions(const struct config_entry *e)
{
    if (!config_entry_is_list(e, "a list of region codes like [SA, AE]"))
        return;
    const char **codes = arena_array(e->l->arena, e->node->n, sizeof *codes);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next) {
        const struct phone_region *r =
            item->kind == CONFIG_SCALAR ? phone_region_find(str_of(item->text)) : NULL;
        bool twice = false;
        for (size_t i = 0; r && i < n; i++)
            twice |= str_eq(str_of(codes[i]), str_of(r->code));
        /* The YAML reader has reported it already: one fault per cause. */
        if (item->kind == CONFIG_REFUSED)
            continue;
        if (!r)
            config_fault(e->l, item, "is not a known region (ISO 3166 code like SA)");
        else if (twice)
            config_fault(e->l, item, "is given twice");
        else
            codes[n++] = r->code;
    }
    config_entry_set_list(e, codes, n);
}

/*
 * One element of a region's ranges, added to *text: ranges, or "+" alone or in front of them, which
 * keeps the ranges of the program.
 */
static void config_otp_read_range(const struct config_entry *e, const struct config_node *item,
                                  struct phone_ranges *out, struct sb *text)
{
    if (item->kind == CONFIG_REFUSED)
        return;
    struct str ranges = item->kind == CONFIG_SCALAR ? str_of(item->text) : (struct str){"", 0};
    const size_t sign = ranges.n > 0 && ranges.p[0] == '+';
    size_t at;
    ranges.p += sign;
    ranges.n -= sign;
    out->adds |= sign > 0;
    if (sign && ranges.n == 0)
        return;
    if (!phone_ranges_valid(ranges, &at)) {
        config_fault(
            e->l, item,
            "is not a range, from character %zu on: write digits, [classes] or x, a slash and the "
            "number of digits, like 5[0-3]/9",
            sign + at + 1);
        return;
    }
    sb_printf(text, "%s%.*s", text->n ? " " : "", STR_ARG(ranges));
}

/* The ranges become one text again: the matcher reads that form, and the list form is only for
 * people who edit the file. */
static bool config_otp_read_ranges(const struct config_entry *e, const struct config_node *n,
                                   struct phone_ranges *out)
{
    const struct phone_region *r = phone_region_find(str_of(n->key));
    struct sb text;
    if (!r) {
        config_fault_key(e->l, n, "unknown key: no such region (ISO 3166 code like SA)");
        return false;
    }
    *out = (struct phone_ranges){.region = r->code};
    sb_init(&text, e->l->arena, 32);
    if (n->kind == CONFIG_SCALAR && !config_node_null(n))
        config_otp_read_range(e, n, out, &text);
    else if (n->kind == CONFIG_LIST && n->n > 0)
        for (const struct config_node *item = n->first; item; item = item->next)
            config_otp_read_range(e, item, out, &text);
    else if (n->kind != CONFIG_REFUSED)
        config_fault(e->l, n, "must be a list of ranges like [5/9] or [+57/9]");
    out->ranges = text.n ? sb_str(&text).p : "";
    return true;
}

/* `ranges:` without a value is allowed: it is what remains when all lines below it are commented
 * out. */
void config_read_ranges(const struct config_entry *e)
{
    if (config_node_null(e->node))
        return;
    if (e->node->kind != CONFIG_MAP) {
        config_fault(e->l, e->node, "must be a mapping of region codes to lists of ranges");
        return;
    }
    struct phone_ranges *all = arena_array(e->l->arena, e->node->n, sizeof *all);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next)
        n += config_otp_read_ranges(e, item, &all[n]);
    config_entry_set_list(e, all, n);
}

/* ---- test numbers ---- */

/* ASCII digits alone: the value goes into a statement and into an SMS as it is. */
static bool config_otp_is_digits(struct str s, size_t least, size_t most)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n >= least && s.n <= most;
}

/* The code must be quoted in YAML: 0123 would be read as a number and lose its zero. */
static bool config_otp_read_test_number(const struct config_entry *e, const struct config_node *n,
                                        struct otp_test_number *out)
{
    struct str phone = str_of(n->key), digits = {phone.p + 1, phone.n - 1};
    if (n->kind == CONFIG_REFUSED)
        return false;
    /* what the column of phones takes */
    if (phone.p[0] != '+' || phone.p[1] == '0' || !config_otp_is_digits(digits, 7, 15)) {
        config_fault_key(e->l, n, "unknown key: must be a number like \"+966500000000\"");
        return false;
    }
    if (n->kind != CONFIG_SCALAR || !config_otp_is_digits(str_of(n->text), 4, 10)) {
        config_fault(e->l, n, "must be the code, 4 to 10 digits in quotes");
        return false;
    }
    *out = (struct otp_test_number){arena_strdup(e->l->arena, n->key),
                                    arena_strdup(e->l->arena, n->text)};
    return true;
}

/* For stores that review an app and cannot receive an SMS. No message goes to these numbers. */
void config_read_test_numbers(const struct config_entry *e)
{
    if (config_node_null(e->node))
        return;
    if (e->node->kind != CONFIG_MAP) {
        config_fault(e->l, e->node, "must be a mapping of numbers to codes");
        return;
    }
    if ((int64_t)e->node->n > e->key->max) {
        config_fault(e->l, e->node, "must have at most %lld entries", (long long)e->key->max);
        return;
    }
    struct otp_test_number *all = arena_array(e->l->arena, e->node->n, sizeof *all);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next)
        n += config_otp_read_test_number(e, item, &all[n]);
    config_entry_set_list(e, all, n);
}

/* A host name as phones compare it with the page's: in lower case, without scheme or port. */
void config_read_autofill(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "a host name like book.example.com");
    if (!text)
        return;
    for (const char *p = text; *p; p++) {
        bool edge = p == text || p[1] == '\0' || p[-1] == '.' || p[1] == '.';
        if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
            (!edge && (*p == '-' || *p == '.')))
            continue;
        config_fault(e->l, e->node, "must be a host name like book.example.com, in lower case");
        return;
    }
    if (strlen(text) > (size_t)e->key->max) {
        config_fault(e->l, e->node, "must have at most %lld bytes", (long long)e->key->max);
        return;
    }
    const char *kept = arena_strdup(e->l->arena, text);
    config_entry_set(e, &kept, sizeof kept);
}
