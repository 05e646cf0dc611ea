/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Records to stderr, one line each, logfmt or JSON, with a "<N>" priority when journald reads.
 * An event name and typed fields; escaping in one place; role, slot and request id are added here.
 * Secrets, codes, tokens, whole phone numbers and message texts are never passed in (BEHAVIOUR
 * §10): a phone goes through F_PHONE, which masks it.
 * Writing never blocks the process: when stderr is a full pipe the record is dropped and counted.
 *
 *     LOG(LOG_LEVEL_INFO, "booking.confirmed", F_STR("booking", id), F_MS("took", ms));
 */
#ifndef BOOKINGD_SYS_LOG_H
#define BOOKINGD_SYS_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_field_kind { LOG_F_STR, LOG_F_INT, LOG_F_MS, LOG_F_PHONE };
struct log_field {
    enum log_field_kind kind;
    const char *key;
    const char *z;
    int64_t i;
    double f;
};

#define F_STR(k, v) ((struct log_field){.kind = LOG_F_STR, .key = (k), .z = (v)})
#define F_INT(k, v) ((struct log_field){.kind = LOG_F_INT, .key = (k), .i = (int64_t)(v)})
/* Milliseconds as a double, three digits; the key gets the suffix _ms. */
#define F_MS(k, v) ((struct log_field){.kind = LOG_F_MS, .key = (k), .f = (v)})
#define F_ERR(e) F_STR("error", err_code(e))
/* Shown as +9665****4567. */
#define F_PHONE(k, v) ((struct log_field){.kind = LOG_F_PHONE, .key = (k), .z = (v)})

#define LOG(level, event, ...)                                     \
    log_write((level), (event), (struct log_field[]){__VA_ARGS__}, \
              sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* Format and level of this process; before it is called: logfmt, info. Detects journald by
 * JOURNAL_STREAM. */
void log_init(enum log_format format, enum log_level level);
/* Another format and level; where records go stays. */
void log_set(enum log_format format, enum log_level level);
/* The descriptor that records go to: stderr, or the logger's own of the same pipe. A child that
 * closes descriptors must keep it. */
int log_fd(void);
/* Who is logging; slot < 0 leaves the number out. Strings are copied. */
void log_set_role(const char *role, int slot);
/* Added to every record until changed; NULL takes it away. The string is borrowed. */
void log_set_request(const char *request_id);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* From now on records are kept, in their order, until log_flush(), or until there are 4096 bytes of
 * them: for a process that handles many events per turn of its loop. What ends the process without
 * a flush loses those of that turn. */
void log_hold(void);
void log_flush(void);
/* Called for each record that is dropped because stderr would have blocked; NULL: nothing. */
void log_set_drop_hook(void (*fn)(void));
/* "+966551234567" -> "+9665****4567" into buf (at least 24 bytes): the first 5 and the last 4
 * characters stay. */
const char *log_mask_phone(const char *phone, char *buf, size_t size);

#endif
