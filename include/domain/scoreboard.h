/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The scoreboard: one 64-byte-aligned slot of shared memory a child position, written by its child
 * alone (single writer, relaxed atomics), read by master and monitor. It says who is there,
 * what it does since when, and keeps the last words of a child that panicked.
 */
#ifndef BOOKINGD_DOMAIN_SCOREBOARD_H
#define BOOKINGD_DOMAIN_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "domain/roles.h"

enum stage {
    STAGE_DOWN,     /* nobody in the slot */
    STAGE_STARTING, /* forked, not yet fit */
    STAGE_IDLE,     /* waiting for work */
    STAGE_BUSY,     /* executing a request or task */
    STAGE_DRAINING, /* finishing */
    STAGE_COUNT
};
extern const char *const stage_names[STAGE_COUNT];

#define SCOREBOARD_BEAT_MS 2000
#define SCOREBOARD_WHAT_MAX 96
#define SCOREBOARD_REQUEST_MAX 68 /* an id of 64, and its end */
#define SCOREBOARD_CALL_MAX 64
#define SCOREBOARD_LAST_WORDS_MAX 160

struct scoreboard_view { /* a copy of a slot, fit for printing */
    enum role role;
    int index; /* among its role: worker 3 */
    pid_t pid;
    uint32_t generation;
    enum stage stage;
    struct mono since;              /* of the stage */
    struct mono turned;             /* when its loop last turned, or `since` if that is later */
    struct deadline budget;         /* of the request in hand; at.ns 0: none */
    bool database;                  /* has a database connection */
    uint64_t served;                /* requests or tasks since the slot exists */
    char what[SCOREBOARD_WHAT_MAX]; /* "POST /v1/bookings", "notify sms" */
    char request[SCOREBOARD_REQUEST_MAX]; /* id of the request in hand; "" */
    char call[SCOREBOARD_CALL_MAX];       /* the provider that it waits for: "moyasar create"; "" */
    char last_words[SCOREBOARD_LAST_WORDS_MAX];
};

/*
 * Slots of the fixed roles first, then `workers_max` workers; all but the master's twice, so that
 * both generations of a reload have room. scoreboard_size: bytes of shared memory that
 * scoreboard_init takes. Master, before fork.
 */
size_t scoreboard_size(unsigned workers_max);
void scoreboard_init(unsigned workers_max);
unsigned scoreboard_slots(void);
/* First slot of a role, and how many slots it has. */
unsigned scoreboard_first(enum role role);
unsigned scoreboard_count(enum role role);
enum role scoreboard_role(unsigned slot);

/* The master: clears a slot for a new child (last words excepted) and counts its generation up.
 * Returns the generation.
 */
uint32_t scoreboard_assign(unsigned slot);
void scoreboard_set_pid(unsigned slot, pid_t pid);
/* The master, after reaping. Takes the last words into buf ("" when none). */
void scoreboard_release(unsigned slot, char *last_words, size_t size);

/* The child: attaches to its slot; the functions below then mean this one. */
void scoreboard_attach(unsigned slot);
int scoreboard_self(void); /* slot, or -1 */
uint32_t scoreboard_generation(void);
void scoreboard_stage(enum stage stage, const char *what);
void scoreboard_budget(struct deadline d);
/* Both end with the stage: of the request in hand its id, and the provider that is being waited for
 * (NULL: none). */
void scoreboard_request(const char *id);
void scoreboard_call(const char *provider, const char *operation);
/*
 * Of places in shared memory that several may write: that this process has taken the one of that
 * number, which is never 0. A place that names a process as its holder is its own only when the
 * process says so here, where nobody else can write. False: it has SCOREBOARD_HELD_MAX already.
 */
#define SCOREBOARD_HELD_MAX 4
bool scoreboard_hold(uint64_t place) MUST_CHECK;
void scoreboard_let_go(uint64_t place);
bool scoreboard_holds(unsigned slot, uint64_t place);
void scoreboard_database(bool connected);
void scoreboard_served(void);
/* Its loop turns. A process that waits for work does so every SCOREBOARD_BEAT_MS at least, or the
 * master replaces it. */
void scoreboard_beat(void);
/* Fit for ensure_set_hook. */
void scoreboard_panic(const char *text);

/* A copy of what the slot says, for any process. A slot that is being written is read again. */
void scoreboard_read(unsigned slot, struct scoreboard_view *out);
/* Of scoreboard_read()'s, what the dispatcher asks for at each request. */
bool scoreboard_has_database(unsigned slot);

#endif
