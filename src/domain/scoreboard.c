/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The scoreboard in shared memory. Each child writes its own slot through the functions without a
 * slot parameter; the master, the monitor and the dispatcher read.
 */
#include "domain/scoreboard.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ensure.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

#define BUDGET_MAX_MS INT64_C(86400000)
#define SERVED_MAX (UINT64_C(1) << 50) /* a million per second for 35 years */

const char *const stage_names[STAGE_COUNT] = {
    [STAGE_DOWN] = "down", [STAGE_STARTING] = "starting", [STAGE_IDLE] = "idle",
    [STAGE_BUSY] = "busy", [STAGE_DRAINING] = "draining",
};

/* What the child says; it changes as a whole. Process titles, `status` and the master's watch all
 * read this; the child never waits for a reader. */
struct words {
    struct mono since;
    struct deadline budget;
    enum stage stage;
    char what[SCOREBOARD_WHAT_MAX];
    char request[SCOREBOARD_REQUEST_MAX];
    char call[SCOREBOARD_CALL_MAX];
};

/* Written by the master: who is in a slot. */
struct holder {
    _Alignas(64) atomic_int pid;
    _Atomic uint32_t generation;
};
/* Written by the child; by the master only while there is none. Pages of its own, which nobody else
 * can write (sys/shm.h). */
struct slot {
    SEQLOCK(struct words) words;
    _Atomic uint64_t served;
    _Atomic int64_t turned;
    _Atomic uint64_t held[SCOREBOARD_HELD_MAX]; /* 0: none */
    atomic_uchar database; /* 1: connected; no bool, which must not hold anything else */
    /* single bytes, since a panicking child must do as little as possible; said 2: whole */
    atomic_int said;
    atomic_char last_words[SCOREBOARD_LAST_WORDS_MAX];
};

static unsigned char *slots;   /* shared: a struct slot every slot_stride bytes */
static struct holder *holders; /* shared */
static size_t slot_stride;
static unsigned slots_n, workers_n;
static struct slot *self; /* this process's, NULL before scoreboard_attach() */
static int self_index = -1;
/* The child changes its own copy and publishes it as a whole; it never reads shared memory back, so
 * nothing that another process writes there can confuse it. */
static struct words mine; /* of this process */

/* How many slots a role has is in roles.def: twice the workers, since a reload runs two sets at
 * once. */
static unsigned scoreboard_count_slots(unsigned workers_max)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        n += role_slots((enum role)i, workers_max);
    return n;
}

/* For the master, which adds the parts up before it makes the shared memory. */
size_t scoreboard_size(unsigned workers_max)
{
    const size_t n = scoreboard_count_slots(workers_max);
    return n * shm_round(sizeof(struct slot)) + shm_round(n * sizeof(struct holder));
}

void scoreboard_init(unsigned workers_max)
{
    workers_n = workers_max;
    slots_n = scoreboard_count_slots(workers_max);
    slot_stride = shm_round(sizeof(struct slot));
    slots = shm_alloc_slots(sizeof(struct slot), slots_n);
    holders = shm_alloc(slots_n * sizeof(*holders), SHM_MASTER);
    self = NULL;
    self_index = -1;
}

unsigned scoreboard_slots(void)
{
    return slots_n;
}

/* Slots, not processes: half of the workers' slots are empty but for the time of a reload. */
unsigned scoreboard_count(enum role role)
{
    return role_slots(role, workers_n);
}

/* Slots are laid out role by role, so that slot and (role, index) convert without a table. */
unsigned scoreboard_first(enum role role)
{
    unsigned first = 0;
    for (unsigned i = 0; i < (unsigned)role; i++)
        first += scoreboard_count((enum role)i);
    return first;
}

enum role scoreboard_role(unsigned slot)
{
    ENSURE(slot < slots_n);
    unsigned role = 0;
    for (unsigned left = slot; left >= scoreboard_count((enum role)role); role++)
        left -= scoreboard_count((enum role)role);
    return (enum role)role;
}

/* A number out of range is a bug: slots come from the master, not from requests. */
static struct slot *scoreboard_slot(unsigned slot)
{
    ENSURE(slots != NULL && slot < slots_n);
    return (struct slot *)(void *)(slots + slot * slot_stride);
}

static struct holder *scoreboard_holder(unsigned slot)
{
    ENSURE(holders != NULL && slot < slots_n);
    return &holders[slot];
}

/* Called by the master before the fork. The generation is stored last: who sees it (the holder of a
 * bulkhead place, say) sees a slot that is ready. */
uint32_t scoreboard_assign(unsigned slot)
{
    struct slot *s = scoreboard_slot(slot);
    struct words fresh = {.stage = STAGE_STARTING, .since = mono_now()};
    struct holder *h = scoreboard_holder(slot);
    uint32_t generation = atomic_load_explicit(&h->generation, memory_order_relaxed) + 1;
    SEQLOCK_STORE(&s->words, &fresh);
    atomic_store_explicit(&s->database, 0, memory_order_relaxed);
    for (unsigned i = 0; i < SCOREBOARD_HELD_MAX; i++)
        atomic_store(&s->held[i], 0);
    atomic_store_explicit(&h->pid, 0, memory_order_relaxed);
    atomic_store_explicit(&h->generation, generation, memory_order_release);
    return generation;
}

void scoreboard_set_pid(unsigned slot, pid_t pid)
{
    atomic_store_explicit(&scoreboard_holder(slot)->pid, pid, memory_order_relaxed);
}

/* A text as its writer may have left it: without an end, or with bytes that would break the line of
 * a log, a page or a terminal. */
static void scoreboard_copy_text(char *to, const char *from, size_t size)
{
    size_t n = 0;
    for (; n + 1 < size && from[n]; n++)
        to[n] = from[n] >= ' ' && from[n] <= '~' ? from[n] : '?';
    to[n] = '\0';
}

/* 1 means that the process died while it wrote them; half a text could mislead. */
static void scoreboard_copy_last_words(struct slot *s, char *buf, size_t size)
{
    char words[SCOREBOARD_LAST_WORDS_MAX + 1] = "";
    if (size == 0)
        return;
    if (atomic_load_explicit(&s->said, memory_order_acquire) == 2)
        for (size_t n = 0; n < SCOREBOARD_LAST_WORDS_MAX; n++)
            words[n] = atomic_load_explicit(&s->last_words[n], memory_order_relaxed);
    scoreboard_copy_text(buf, words, size < sizeof(words) ? size : sizeof(words));
}

/* By the master, once the child is reaped: nobody writes to the slot at that moment. */
void scoreboard_release(unsigned slot, char *last_words, size_t size)
{
    struct slot *s = scoreboard_slot(slot);
    struct words gone = {.stage = STAGE_DOWN, .since = mono_now()};
    scoreboard_copy_last_words(s, last_words, size);
    atomic_store_explicit(&s->said, 0, memory_order_relaxed);
    atomic_store_explicit(&s->database, 0, memory_order_relaxed);
    atomic_store_explicit(&scoreboard_holder(slot)->pid, 0, memory_order_relaxed);
    SEQLOCK_STORE(&s->words, &gone);
}

/* By the child, right after the fork: from here on only it writes to the slot. */
void scoreboard_attach(unsigned slot)
{
    self = scoreboard_slot(slot);
    self_index = (int)slot;
    mine = (struct words){.stage = STAGE_STARTING, .since = mono_now()};
    SEQLOCK_STORE(&self->words, &mine);
}

/* -1 in a command or a test, which has no slot. */
int scoreboard_self(void)
{
    return self_index;
}

/* 0 without a slot (a command, a test); a holder with generation 0 is never taken for dead. */
uint32_t scoreboard_generation(void)
{
    return self ? atomic_load_explicit(&scoreboard_holder((unsigned)self_index)->generation,
                                       memory_order_relaxed)
                : 0;
}

/* Without a slot nothing is published, and every caller still works. */
static void scoreboard_publish(void)
{
    if (self)
        SEQLOCK_STORE(&self->words, &mine);
}

/* The rest is zeroed: nothing of an earlier text is left. */
static void scoreboard_set_text(char *to, size_t size, const char *text)
{
    size_t n = text ? strnlen(text, size - 1) : 0;
    if (n)
        memcpy(to, text, n);
    memset(to + n, 0, size - n);
}

/* A new stage ends whatever the process was doing: request, call and budget go with it. A request
 * keeps its name when its route becomes known, which is busy again. */
void scoreboard_stage(enum stage stage, const char *what)
{
    mine.stage = stage;
    mine.since = mono_now();
    if (stage != STAGE_BUSY) {
        mine.budget = (struct deadline){{0}};
        scoreboard_set_text(mine.request, sizeof(mine.request), NULL);
    }
    scoreboard_set_text(mine.what, sizeof(mine.what), what);
    scoreboard_set_text(mine.call, sizeof(mine.call), NULL);
    scoreboard_publish();
}

/* After it the master takes the process for stuck (master_watch.c). */
void scoreboard_budget(struct deadline d)
{
    mine.budget = d;
    scoreboard_publish();
}

void scoreboard_request(const char *id)
{
    scoreboard_set_text(mine.request, sizeof(mine.request), id);
    scoreboard_publish();
}

/* Both NULL when the call is over. */
void scoreboard_call(const char *provider, const char *operation)
{
    scoreboard_set_text(mine.call, sizeof(mine.call), provider);
    size_t n = strlen(mine.call);
    if (n > 0 && n + 2 < sizeof(mine.call)) {
        mine.call[n] = ' ';
        scoreboard_set_text(mine.call + n + 1, sizeof(mine.call) - n - 1, operation);
    }
    scoreboard_publish();
}

/* The first entry that has `from` gets `to`. Sequentially consistent: whoever finds this process's
 * name in the place finds the entry. */
static bool scoreboard_change_held(uint64_t from, uint64_t to)
{
    for (unsigned i = 0; self && i < SCOREBOARD_HELD_MAX; i++) {
        if (atomic_load(&self->held[i]) == from) {
            atomic_store(&self->held[i], to);
            return true;
        }
    }
    return self == NULL; /* a process without a slot is named by its pid, and by nothing else */
}

bool scoreboard_hold(uint64_t place)
{
    return scoreboard_change_held(0, place);
}

/* No fault when it is not there: a place may have been given back on another way out. */
void scoreboard_let_go(uint64_t place)
{
    (void)scoreboard_change_held(place, 0);
}

bool scoreboard_holds(unsigned slot, uint64_t place)
{
    struct slot *s = scoreboard_slot(slot);
    bool holds = false;
    for (unsigned i = 0; i < SCOREBOARD_HELD_MAX; i++)
        holds = holds || atomic_load(&s->held[i]) == place;
    return holds;
}

/* By itself and not part of the words: the dispatcher reads it for each request. */
void scoreboard_database(bool connected)
{
    if (self)
        atomic_store_explicit(&self->database, connected, memory_order_relaxed);
}

void scoreboard_served(void)
{
    if (self) /* one writer: no need for a read-modify-write */
        atomic_store_explicit(&self->served,
                              atomic_load_explicit(&self->served, memory_order_relaxed) + 1,
                              memory_order_relaxed);
}

/* The master ends a role that only waits when this stands still (master_watch.c). */
void scoreboard_beat(void)
{
    if (self)
        atomic_store_explicit(&self->turned, mono_now().ns, memory_order_relaxed);
}

/* May run in a signal handler with a broken heap: stores only, no library calls. */
void scoreboard_panic(const char *text)
{
    if (!self)
        return;
    atomic_store_explicit(&self->said, 1, memory_order_relaxed);
    size_t n = 0;
    for (; text[n] && n + 1 < SCOREBOARD_LAST_WORDS_MAX; n++)
        atomic_store_explicit(&self->last_words[n], text[n], memory_order_relaxed);
    atomic_store_explicit(&self->last_words[n], '\0', memory_order_relaxed);
    atomic_store_explicit(&self->said, 2, memory_order_release);
}

/* A copy: what the caller looks at does not change under its hands. */
/* Times that cannot be: before the machine started, or after now. */
static struct mono scoreboard_past(struct mono at, struct mono now)
{
    return at.ns >= 0 && at.ns <= now.ns ? at : now;
}

/* No work is given more than a day; a longer budget would overflow what is computed with it. */
static struct deadline scoreboard_budget_of(struct deadline d, struct mono now)
{
    const struct mono last = mono_after_ms(now, BUDGET_MAX_MS);
    return d.at.ns >= 0 && d.at.ns <= last.ns ? d : (struct deadline){now};
}

/* Nothing that another process wrote is believed: impossible values become possible ones here, for
 * all readers. */
void scoreboard_read(unsigned slot, struct scoreboard_view *out)
{
    struct slot *s = scoreboard_slot(slot);
    const struct holder *h = scoreboard_holder(slot);
    const struct mono now = mono_now();
    struct words w = {.stage = STAGE_DOWN};
    /* A writer that was killed in the middle of a store: shown as down since now. */
    if (!SEQLOCK_LOAD(&s->words, &w))
        w.since = now;
    memset(out, 0, sizeof(*out));
    out->role = scoreboard_role(slot);
    out->index = (int)(slot - scoreboard_first(out->role));
    out->pid = atomic_load_explicit(&h->pid, memory_order_relaxed);
    out->generation = atomic_load_explicit(&h->generation, memory_order_relaxed);
    out->stage = (unsigned)w.stage < STAGE_COUNT ? w.stage : STAGE_DOWN;
    out->since = scoreboard_past(w.since, now);
    out->turned.ns = atomic_load_explicit(&s->turned, memory_order_relaxed);
    /* A new process has not turned yet; the time of the last one in this slot must not be held
     * against it. */
    if (out->turned.ns < out->since.ns)
        out->turned = out->since;
    out->turned = scoreboard_past(out->turned, now);
    out->budget = scoreboard_budget_of(w.budget, now);
    out->database = scoreboard_has_database(slot);
    out->served = atomic_load_explicit(&s->served, memory_order_relaxed);
    if (out->served > SERVED_MAX)
        out->served = 0;
    scoreboard_copy_text(out->what, w.what, sizeof(out->what));
    scoreboard_copy_text(out->request, w.request, sizeof(out->request));
    scoreboard_copy_text(out->call, w.call, sizeof(out->call));
    scoreboard_copy_last_words(s, out->last_words, sizeof(out->last_words));
}

bool scoreboard_has_database(unsigned slot)
{
    return atomic_load_explicit(&scoreboard_slot(slot)->database, memory_order_relaxed) == 1;
}
