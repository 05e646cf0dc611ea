/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For tests of the configuration: a text becomes a file, and its faults one string without the
 * file's name. */
#ifndef BOOKINGD_TESTS_LIB_TH_CONFIG_H
#define BOOKINGD_TESTS_LIB_TH_CONFIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "domain/config.h"

#define TH_REPORT_MAX 32768

/* Loads the bytes; the configuration, or NULL and the faults in report: "2:3: key: what\n". */
static inline struct config *th_load(struct str text, char report[TH_REPORT_MAX])
{
    char path[] = "/tmp/check_config.XXXXXX", prefix[sizeof path + 2];
    int fd = mkstemp(path);
    struct config_report *r;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
    close(fd);
    struct config *c = config_load(path, &r);
    unlink(path);
    report[0] = '\0';
    ck_assert((c == NULL) == (r != NULL));
    if (c)
        return c;
    char *all = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&all, &n);
    config_report_print(r, path, f);
    fclose(f);
    config_report_free(r);
    snprintf(prefix, sizeof prefix, "%s:", path);
    size_t out = 0;
    for (const char *p = all; p && *p;) {
        size_t len = strcspn(p, "\n");
        ck_assert_msg(strncmp(p, prefix, strlen(prefix)) == 0, "no place in '%s'", p);
        p += strlen(prefix);
        len -= strlen(prefix);
        ck_assert_uint_lt(out + len + 2, TH_REPORT_MAX);
        memcpy(report + out, p, len);
        out += len;
        report[out++] = '\n';
        report[out] = '\0';
        p += len + (p[len] == '\n');
    }
    free(all);
    return NULL;
}

static inline struct config *th_good(const char *text)
{
    char report[TH_REPORT_MAX];
    struct config *c = th_load(str_of(text), report);
    ck_assert_msg(c != NULL, "refused:\n%s\n%s", text, report);
    return c;
}

/* The text has exactly these faults. */
static inline void th_bad(const char *text, const char *want)
{
    char report[TH_REPORT_MAX];
    struct config *c = th_load(str_of(text), report);
    ck_assert_msg(c == NULL, "taken, but should be refused:\n%s\n%s", text, want);
    ck_assert_msg(strcmp(report, want) == 0, "for:\n%s\nwanted:\n%sgot:\n%s", text, want, report);
}

/* The names of a table as a fault lists them: "a, b<last>c". The text lives until the next call. */
static inline const char *th_names(const char *const *names, size_t n, const char *last)
{
    static char text[1024];
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s",
                               i == 0       ? ""
                               : i + 1 == n ? last
                                            : ", ",
                               names[i]);
        ck_assert_uint_lt(at, sizeof text);
    }
    return text;
}

/* th_bad() with a list of names in the fault: `want` has one %s for it. */
#define TH_BAD_NAMES(text, want, names, n, last)                                 \
    do {                                                                         \
        char th_want[2048];                                                      \
        snprintf(th_want, sizeof th_want, want, th_names((names), (n), (last))); \
        th_bad(text, th_want);                                                   \
    } while (0)

#endif
