/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One log record being put together, logfmt or JSON: escaping and length in one place. Only for
 * sys/log (and its tests). What does not fit in LOG_LINE_MAX is left out and `truncated` says so,
 * the line stays whole.
 */
#ifndef BOOKINGD_SYS_LOG_LINE_H
#define BOOKINGD_SYS_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define LOG_LINE_MAX \
    4096 /* PIPE_BUF: a pipe takes such a write as a whole or not at all (pipe(7)) */
#define LOG_VALUE_MAX 1024 /* bytes of one value before escaping */
#define LOG_PHONE_MAX 24

struct log_line {
    size_t n;
    bool json, truncated, any;
    char buf[LOG_LINE_MAX];
};

/* priority: '0'..'7' for journald, or NUL. */
void log_line_start(struct log_line *l, bool json, char priority);
/* An absent string is null in JSON and key= in logfmt. */
void log_line_str(struct log_line *l, const char *key, struct str v);
void log_line_int(struct log_line *l, const char *key, int64_t v);
/* Key with the suffix _ms, three digits. */
void log_line_ms(struct log_line *l, const char *key, double ms);
void log_line_end(struct log_line *l);

#endif
