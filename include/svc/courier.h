/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Notifications outside requests (BEHAVIOUR §13): one row claimed, sent, and its result stored
 * together with the claim of the next. The role courier calls these in a loop; nothing is kept in
 * the database's session.
 */
#ifndef BOOKINGD_SVC_COURIER_H
#define BOOKINGD_SVC_COURIER_H

#include "domain/courier_board.h"
#include "svc/notification.h"

/* What may happen to a row, from notification_moves.def. */
enum notification_place { PLACE_WAITING, PLACE_HELD, PLACE_SENT, PLACE_FAILED };
enum notification_move {
#define MOVE(EVENT, FROM, TO, GIVES_BACK) MOVE_##EVENT,
#include "domain/notification_moves.def"
    MOVE_COUNT
};
struct notification_move_row {
    enum notification_place from, to;
    int gives_back; /* attempts */
};
extern const struct notification_move_row notification_moves[MOVE_COUNT];

/* A row that this process has claimed; texts are on the arena of the claim. */
struct courier_row {
    struct uuid venue_id, id;
    const char *recipient, *body; /* NULL: erased */
    const char *event;
    enum notification_template template;
    int64_t claim, attempts; /* numbers */
    int64_t postponed;       /* how often in a row */
    int64_t waited_ms;       /* from its commit until the claim */
    struct mono taken_at;    /* when the claim was sent */
    bool expired, stale;     /* not to be sent: too old; a reminder of what is no longer so */
};

/* How it ended. Fixed sizes: it may have to wait in the process while the database is away. */
struct courier_result {
    struct uuid venue_id, id;
    int64_t claim;
    enum notification_move move;
    enum notification_outcome outcome; /* of SENT and FAILED */
    enum notification_template template;
    int lead;         /* REMINDER_LEAD_*; -1: no reminder */
    int64_t again_ms; /* until it is due again */
    bool longer;      /* and the next wait is longer than this one */
    bool overtaken;   /* a reminder of what is no longer so */
    bool in_doubt;    /* an earlier write of it may have been committed */
    char provider[64], message_id[128], detail[96];
};

struct courier_turn {
    const struct courier_result *result; /* to be stored; NULL: none */
    bool claim;                          /* the next row is wanted */
    struct wall since;                   /* look at rows due since then; us 0: at all */
    const struct uuid *process;          /* the name of this courier */
    bool got;                            /* out: */
    struct courier_row row;
    struct wall due; /* of the row; without one, now: nothing is due from `since` until then */
};
/* One round trip, one transaction. After an error the result must be given again. */
enum err courier_take_turn(struct svc *s, struct courier_turn *t) MUST_CHECK;
/* Calls the provider and fills the result, always; tells the courier board before the call. */
void courier_send(struct svc *s, const struct courier_row *row, struct courier_result *out);
/* Gives back what a process claimed and did not begin with. Errors are the database's. */
enum err courier_release(struct svc *s, const struct courier_hand *hand) MUST_CHECK;
/* The same for all couriers of this host that died lately. Errors are the database's. */
enum err courier_release_dead(struct svc *s) MUST_CHECK;
/* For how long a claim stands: the provider's time limit and 5 s. */
int64_t courier_claim_ms(const struct config *cfg);
/* The lead that a reminder's event names, as the metric's label; -1: it is of no reminder. */
int courier_lead_of(const char *event);

/* ---- for the keeper; errors are the database's ---- */

/* Ends rows that no courier came for in time, whatever couriers do. Errors are the database's. */
enum err courier_task_expire(struct svc *s) MUST_CHECK;
/* Gives back rows of dead couriers; looks whether couriers are needed. Errors: the database's. */
enum err courier_task_watch(struct svc *s) MUST_CHECK;
/* Makes the reminders that are due (reminder.c). Errors are the database's. */
enum err reminder_task_due(struct svc *s) MUST_CHECK;

#endif
