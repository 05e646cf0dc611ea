/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * A rule on a plain text: a part that it has, or /REGEX/, a POSIX extended regular expression. The
 * configuration checks rules with the functions that the runtime applies them with.
 */
#ifndef BOOKINGD_DOMAIN_TEXT_RULE_H
#define BOOKINGD_DOMAIN_TEXT_RULE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"
#include "base/str.h"

struct text_rule {
    const char *part; /* NULL: the expression */
    regex_t regex;
};
/* False: `reason` says what is wrong with the rule. What was opened is closed. */
bool text_rule_open(struct text_rule *rule, const char *text, char *reason, size_t size) MUST_CHECK;
void text_rule_close(struct text_rule *rule);
/* Of the first 16 KiB of text, which ends with a NUL. *group: what the expression's first group
 * matched; empty when there is none. */
bool text_rule_match(const struct text_rule *rule, struct str text, struct str *group);

#endif
