/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Many processes at the same slots at once: nothing overlaps, nothing deadlocks, and what is
 * refused is refused as taken. */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_book.h"
#include "../lib/th_unit.h"
#include "base/rng.h"
#include "svc/keeper_tasks.h"

#define RACERS 64
#define SLOTS 8
/* On a busy machine under a sanitizer 64 processes wait long for one row; what is proved here is
 * not about time. */
#define PATIENCE_MS 60000
#define COUNT(...) atoi(th_db_value(&tb.t, "SELECT count(*) FROM " __VA_ARGS__))

static atomic_int (*results)[ERR_COUNT];
static struct wall first_slot;

static void set_up(void)
{
    th_book_set_up();
    tb.cfg.bookings.max_active_per_customer = 10000;
    /* Short enough to run out during the race, long enough that a slow machine fills the day
     * while the first holds live. */
    tb.cfg.bookings.hold_ms = 1500;
    tb.cfg.database.statement_timeout_ms = PATIENCE_MS;
    th_db_exec(&tb.t, "UPDATE services SET slot_step_minutes = 30");
    th_db_exec(&tb.t, "INSERT INTO customers (id, phone, locale) SELECT "
                      "('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid,"
                      " '+96655000' || lpad(n::text, 4, '0'), 'en' FROM generate_series(0, 999) n");
    first_slot = th_book_hour(10);
    results =
        mmap(NULL, sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(results != MAP_FAILED);
}

static void tear_down(void)
{
    munmap(results, sizeof *results);
    th_book_tear_down();
}

static int result(enum err e)
{
    return atomic_load(&(*results)[e]);
}

static enum err count_result(enum err e)
{
    atomic_fetch_add(&(*results)[e], 1);
    return e;
}

struct racer {
    int n;
    struct principal me;
    struct uuid mine; /* the last booking made; "" */
    bool has;
};

static struct wall slot(unsigned i)
{
    return (struct wall){first_slot.us + (int64_t)i * 1800 * 1000000LL};
}

static enum err customer_books(struct racer *r)
{
    struct booking_order o = {
        .service_id = SERVICE, .starts_at = slot(rng_below(SLOTS)), .party_size = 1 + rng_below(2)};
    struct booking bk;
    enum err e = th_book_as(&r->me, &o, &bk);
    if (e == ERR_OK) {
        r->mine = bk.id;
        r->has = true;
    }
    return e;
}

static enum err staff_book(struct racer *r)
{
    char phone[24];
    struct booking_order o = {.service_id = SERVICE,
                              .starts_at = slot(rng_below(SLOTS)),
                              .party_size = 1,
                              .phone = phone};
    struct booking bk;
    (void)r;
    snprintf(phone, sizeof phone, "+96655000%04u", rng_below(1100));
    return th_book_as(&tb.staff, &o, &bk);
}

static enum err customer_moves(struct racer *r)
{
    struct booking_caller c = {.who = &r->me};
    struct booking_move m = {.id = r->mine.s, .starts_at = slot(rng_below(SLOTS))};
    struct booking out;
    return r->has ? booking_reschedule(&tb.svc, &c, &m, &out) : customer_books(r);
}

static enum err somebody_ends_it(struct racer *r)
{
    struct booking_caller c = {.who = rng_below(2) ? &tb.staff : &r->me};
    struct booking_transition t = {.id = r->mine.s,
                                   .to = rng_below(2) ? BOOKING_CANCELLED : BOOKING_CONFIRMED};
    struct booking out;
    if (!r->has)
        return customer_books(r);
    if (t.to == BOOKING_CONFIRMED)
        c.who = &tb.staff;
    return booking_move_on(&tb.svc, &c, &t, &out);
}

static enum err run_keeper_tasks(void)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < keeper_tasks_n; i++)
        e = keeper_tasks[i].run(&tb.svc);
    return e;
}

static void run_racer(int n, double seconds)
{
    struct racer r = {.n = n, .me = tb.alice};
    snprintf(r.me.id.s, sizeof r.me.id.s, "00000000-0000-7000-9000-%012d", n);
    th_book_connect();
    struct mono start = mono_now();
    /* A race in which nobody met anybody proves nothing: on a busy machine it goes on until
     * somebody did. */
    while (mono_seconds_since(start) < seconds ||
           (result(ERR_SLOT_TAKEN) == 0 && mono_seconds_since(start) < 10 * seconds)) {
        static enum err (*const acts[])(struct racer *) = {
            customer_books, customer_books, staff_book,      customer_moves,
            customer_moves, staff_book,     somebody_ends_it};
        th_book_budget(PATIENCE_MS);
        enum err e = n == 0 ? run_keeper_tasks() : acts[rng_below(ARRAY_LEN(acts))](&r);
        if (n > 0 || e != ERR_OK)
            count_result(e);
        db_clean(tb.db, tb.svc.deadline);
        arena_reset(tb.arena);
    }
}

/* Children leave without running the parent's clean-up. */
static void race(int racers, void (*run)(int n, double seconds), double seconds)
{
    pid_t pids[RACERS];
    for (int i = 0; i < racers; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            run(i, seconds);
            _exit(0);
        }
    }
    for (int i = 0; i < racers; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
}

/* Moments at which more people are booked than the resource takes. */
static int overlaps(void)
{
    return COUNT("bookings b JOIN resources r ON r.id = b.resource_id"
                 " WHERE booking_is_live(b.status, b.hold_expires_at)"
                 " AND resource_peak(b.resource_id, b.occupied, NULL) > r.capacity");
}

static double race_seconds(void)
{
    const char *z = getenv("BOOKINGD_RACE_SECONDS");
    return z ? atof(z) : 4.0;
}

static void expect_nothing_but_conflicts(void)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        int n = result((enum err)e);
        if (n > 0)
            printf("race: %-24s %d\n", err_code((enum err)e), n);
    }
    for (int e = 0; e < ERR_COUNT; e++) {
        if (e != ERR_OK && e != ERR_SLOT_TAKEN && e != ERR_BOOKING_NOT_ACTIVE)
            ck_assert_msg(result((enum err)e) == 0, "%d refused with %s", result((enum err)e),
                          err_code((enum err)e));
    }
    ck_assert_int_gt(result(ERR_OK), 0);
    ck_assert_int_gt(result(ERR_SLOT_TAKEN), 0);
    ck_assert_int_eq(overlaps(), 0);
    ck_assert_int_eq(COUNT("pg_stat_database WHERE datname = current_database() AND deadlocks > 0"),
                     0);
    ck_assert_int_eq(COUNT("bookings b WHERE version <> (SELECT count(*) FROM booking_history h "
                           "WHERE h.booking_id = b.id)"),
                     0);
}

/* _i: one resource for three; two for two each; the same, held. */
START_TEST(racers_never_overlap)
{
    th_db_exec(&tb.t, "UPDATE resources SET capacity = %d", _i == 0 ? 3 : 2);
    if (_i >= 1) {
        th_db_exec(&tb.t, "INSERT INTO resources VALUES ('" VENUE "', '" RESOURCE_B "', 'B', 2)");
        th_db_exec(&tb.t, "INSERT INTO service_resources VALUES ('" VENUE "', '" SERVICE
                          "', '" RESOURCE_B "')");
        th_db_exec(&tb.t,
                   "INSERT INTO opening_hours SELECT '" VENUE "', '" RESOURCE_B "', n, n, 0, 1440"
                   " FROM generate_series(1, 7) n");
    }
    if (_i == 2)
        th_db_exec(&tb.t, "UPDATE services SET payment = 'online'");
    race(RACERS, run_racer, race_seconds());
    expect_nothing_but_conflicts();
}
END_TEST

static void one_try(int n, double seconds)
{
    struct principal me = tb.alice;
    struct booking_order o = {.service_id = SERVICE, .starts_at = first_slot, .party_size = 1};
    struct booking bk;
    (void)seconds;
    snprintf(me.id.s, sizeof me.id.s, "00000000-0000-7000-9000-%012d", n);
    th_book_connect();
    th_book_budget(PATIENCE_MS);
    count_result(th_book_as(&me, &o, &bk));
}

START_TEST(a_free_slot_goes_to_exactly_one)
{
    race(RACERS, one_try, 0);
    ck_assert_int_eq(result(ERR_OK), 1);
    ck_assert_int_eq(result(ERR_SLOT_TAKEN), RACERS - 1);
}
END_TEST

static void try_another(int n, double seconds)
{
    struct booking_order o = {
        .service_id = SERVICE, .starts_at = slot((unsigned)n * 2), .party_size = 1};
    struct booking bk;
    (void)seconds;
    th_book_connect();
    th_book_budget(PATIENCE_MS);
    count_result(th_book_as(&tb.alice, &o, &bk));
}

START_TEST(the_customers_limit_cannot_be_outrun)
{
    tb.cfg.bookings.max_active_per_customer = 3;
    race(16, try_another, 0);
    ck_assert_int_eq(result(ERR_OK), 3);
    ck_assert_int_eq(result(ERR_BOOKING_LIMIT), 13);
}
END_TEST

/* Plain SQL, without the locks: the trigger decides. */
START_TEST(whoever_writes_cannot_overlap)
{
    struct booking bk;
    struct booking_order o = {.service_id = SERVICE, .starts_at = first_slot, .party_size = 1};
    ck_assert_int_eq(th_book_as(&tb.alice, &o, &bk), ERR_OK);
    const char *state = th_db_sqlstate(
        &tb.t, "INSERT INTO bookings SELECT venue_id, '" NOBODY "', service_id, resource_id,"
               " customer_id, status, 1, starts_at, ends_at, occupied, 1, 0, 'SAR', 'none' FROM"
               " bookings");
    ck_assert_str_eq(state, "23P01");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("booking_race");
    TCase *c = th_case(s, "race");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_free_slot_goes_to_exactly_one);
    tcase_add_test(c, the_customers_limit_cannot_be_outrun);
    tcase_add_test(c, whoever_writes_cannot_overlap);
    tcase_add_loop_test(c, racers_never_overlap, 0, 3);
    return s;
}

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    return th_run(suite());
}
