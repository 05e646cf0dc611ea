/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the files of the notification service. */
#ifndef BOOKINGD_SVC_NOTIFICATION_PRIV_H
#define BOOKINGD_SVC_NOTIFICATION_PRIV_H

#include "svc/notification.h"

/* Code points of a text; what is longer is cut. Ten parts of a concatenated Arabic SMS. */
#define NOTIFICATION_TEXT_MAX 670

/* The template with its places filled in, once: a brace in a name is text. Control characters in
 * values become spaces.
 */
const char *notification_render(const struct config *cfg, struct arena *a,
                                const struct notification *n);

/* How an attempt ended. Fixed sizes: it may have to wait in the process, outside any arena. */
struct notification_result {
    struct uuid venue_id, id;
    enum notification_template template;
    enum notification_outcome outcome;
    int64_t claim;
    bool tried;
    bool in_doubt; /* an earlier write of it may have been committed */
    char provider[64], message_id[128], detail[96];
};
/* What an outcome is called in bookingd_notification_attempts_total; of those that were tried. */
enum attempt_outcome notification_attempt_outcome(const struct ext_result *r);
/* By the code of an error: what the row and bookingd_notifications_total call it. */
enum notification_outcome notification_find_outcome(enum err e);
/* Cut to size; NULL becomes "". */
void notification_copy(char *to, size_t size, const char *from);
/* Stores it, or keeps a copy for notification_flush() when the database is away. */
void notification_store(struct svc *s, struct notification_result *r);

#endif
