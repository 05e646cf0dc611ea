/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Rules on plain answers of providers: success.text and error.text, a part of a text or a regular
 * expression between slashes. Called by the configuration's reader and by the templated SMS
 * driver. */
#include "domain/text_rule.h"

#include <stdio.h>
#include <string.h>

/* A gateway's word on a message is a line. Matching costs time in proportion to the text, or worse
 * for some expressions, and a page of 256 KiB must not hold a worker. */
#define TEXT_RULE_LOOK_MAX (16 * 1024)

/* POSIX extended expressions: the C library has them, and operators know them from grep -E. */
bool text_rule_open(struct text_rule *rule, const char *text, char *reason, size_t size)
{
    size_t n = strlen(text);
    *rule = (struct text_rule){.part = text};
    if (n == 0)
        (void)snprintf(reason, size, "must not be empty");
    if (n < 2 || text[0] != '/' || text[n - 1] != '/')
        return n > 0;
    char inner[512];
    if (n == 2 || n - 2 >= sizeof inner) {
        (void)snprintf(reason, size, "must have 1 to %zu characters between its slashes",
                       sizeof inner - 1);
        return false;
    }
    memcpy(inner, text + 1, n - 2);
    inner[n - 2] = '\0';
    rule->part = NULL;
    int rc = regcomp(&rule->regex, inner, REG_EXTENDED);
    if (rc == 0)
        return true;
    char words[96];
    (void)regerror(rc, &rule->regex, words, sizeof words);
    (void)snprintf(reason, size, "is no regular expression: %s", words);
    return false;
}

void text_rule_close(struct text_rule *rule)
{
    if (!rule->part)
        regfree(&rule->regex);
}

/* REG_STARTEND: the text need not end with a NUL. *group is what the first parentheses matched. */
bool text_rule_match(const struct text_rule *rule, struct str text, struct str *group)
{
    *group = STR("");
    if (text.n > TEXT_RULE_LOOK_MAX)
        text.n = TEXT_RULE_LOOK_MAX;
    if (rule->part)
        return memmem(text.p, text.n, rule->part, strlen(rule->part)) != NULL;
    regmatch_t at[2] = {{.rm_so = 0, .rm_eo = (regoff_t)text.n}, {.rm_so = -1, .rm_eo = -1}};
    if (regexec(&rule->regex, text.p, ARRAY_LEN(at), at, REG_STARTEND) != 0)
        return false;
    if (at[1].rm_so >= 0)
        *group = (struct str){text.p + at[1].rm_so, (size_t)(at[1].rm_eo - at[1].rm_so)};
    return true;
}
