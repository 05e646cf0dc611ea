/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Idempotency keys on a real server: claims, replays, takeovers, races. */
#include "svc/idem.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"

#define CUSTOMER "019aab00-0000-7000-8000-000000000001"
#define BEARER "hash-of-the-customer"
#define ADMIN "hash-of-an-admin"
#define VIEWER "hash-of-a-viewer"

static struct th_db t;
static struct svc s;

static void open_services(void)
{
    s = (struct svc){
        .cfg = &t.cfg, .db = db_new(&t.cfg), .arena = arena_new(16384), .request_id = "test"};
    s.deadline = deadline_in_ms(20000);
    ck_assert_int_eq(db_connect(s.db, s.deadline), ERR_OK);
}

static void close_services(void)
{
    db_free(s.db);
    arena_free(s.arena);
}

static void set_up(void)
{
    th_db_open(&t);
    th_db_exec(&t, "INSERT INTO customers (id, phone, locale) VALUES ('" CUSTOMER
                   "', '+966551234567', 'ar')");
    th_db_exec(&t, "INSERT INTO sessions (token_hash, customer_id, expires_at) VALUES ('" BEARER
                   "', '" CUSTOMER "', now() + '1h')");
    th_db_exec(&t, "INSERT INTO staff_keys (id, name, key_hash, role) VALUES"
                   " (gen_random_uuid(), 'a', '" ADMIN
                   "', 'admin'), (gen_random_uuid(), 'v', '" VIEWER "', 'viewer')");
    open_services();
}

static void tear_down(void)
{
    close_services();
    th_db_close(&t);
}

static struct idem_claim a_claim(const char *key, const char *hash)
{
    struct idem_claim c = {.holder = uuid_new()};
    snprintf(c.key, sizeof c.key, "%s", key);
    snprintf(c.request_hash, sizeof c.request_hash, "%s", hash);
    return c;
}

static enum idem_state claim_as(const char *bearer, const char *roles, struct idem_claim *c,
                                struct idem_outcome *o)
{
    struct db_batch *b = db_batch(s.db, s.arena, DB_WRITE);
    snprintf(c->bearer_hash, sizeof c->bearer_hash, "%s", bearer);
    int at = idem_claim_add(b, c, roles, 10000);
    ck_assert_int_eq(db_run(b, s.deadline), ERR_OK);
    return idem_claim_read(db_result(b, at), c, o);
}

static enum idem_state claim(struct idem_claim *c, struct idem_outcome *o)
{
    return claim_as(BEARER, NULL, c, o);
}

static void let_claims_die(void)
{
    th_db_exec(&t, "UPDATE idempotency_keys SET claimed_until = now() - interval '1 second'");
}

START_TEST(who_is_unknown_claims_nothing)
{
    struct idem_outcome o;
    struct idem_claim c = a_claim("k", "h");
    (void)claim_as("stranger", NULL, &c, &o);
    (void)claim_as("stranger", "{admin}", &c, &o);
    (void)claim_as(VIEWER, "{agent,admin}", &c, &o);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM idempotency_keys"), "0");
    ck_assert_int_eq(claim_as(ADMIN, "{agent,admin}", &c, &o), IDEM_MINE);
    ck_assert_int_eq(strncmp(c.caller, "staff:", 6), 0);
}
END_TEST

START_TEST(in_flight_then_replayed)
{
    struct idem_outcome o;
    struct idem_claim first = a_claim("k", "h"), second = a_claim("k", "h"),
                      other = a_claim("k", "another");
    ck_assert_int_eq(claim(&first, &o), IDEM_MINE);
    ck_assert_str_eq(first.caller, "customer:" CUSTOMER);
    ck_assert_int_eq(claim(&second, &o), IDEM_IN_FLIGHT);
    ck_assert_int_eq(claim(&other, &o), IDEM_MISMATCH);

    const struct idem_outcome done = {201, "Location: /x\n", "{\"a\":1}", CUSTOMER};
    ck_assert_int_eq(idem_complete(&s, &first, &done), ERR_OK);
    ck_assert_int_eq(claim(&second, &o), IDEM_DONE);
    ck_assert_int_eq(o.status, 201);
    ck_assert_str_eq(o.headers, "Location: /x\n");
    ck_assert_str_eq(o.body, "{\"a\":1}");
    ck_assert_int_eq(claim(&other, &o), IDEM_MISMATCH);
    ck_assert_int_ne(idem_complete(&s, &first, &done), ERR_OK); /* not twice */
    ck_assert_int_eq(idem_release(&s, &first), ERR_OK);         /* and not away */
    ck_assert_int_eq(claim(&second, &o), IDEM_DONE);
}
END_TEST

/* The session may end; the key is the customer's all the same, and not another caller's. */
START_TEST(keys_are_per_caller)
{
    struct idem_outcome o;
    struct idem_claim mine = a_claim("k", "h"), theirs = a_claim("k", "h");
    ck_assert_int_eq(claim(&mine, &o), IDEM_MINE);
    ck_assert_int_eq(claim_as(ADMIN, "{admin}", &theirs, &o), IDEM_MINE);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM idempotency_keys"), "2");
}
END_TEST

START_TEST(released_claims_are_free)
{
    struct idem_outcome o;
    struct idem_claim first = a_claim("k", "h"), second = a_claim("k", "another");
    ck_assert_int_eq(claim(&first, &o), IDEM_MINE);
    ck_assert_int_eq(idem_release(&s, &second), ERR_OK); /* not by who does not hold it */
    ck_assert_int_eq(claim(&second, &o), IDEM_MISMATCH);
    ck_assert_int_eq(idem_release(&s, &first), ERR_OK);
    ck_assert_int_eq(claim(&second, &o), IDEM_MINE);
    second.caller[0] = '\0'; /* nobody knows whether the claim was made */
    ck_assert_int_eq(idem_release(&s, &second), ERR_OK);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM idempotency_keys"), "0");
}
END_TEST

START_TEST(dead_claims_are_taken_over)
{
    struct idem_outcome o;
    struct idem_claim first = a_claim("k", "h"), second = a_claim("k", "h"),
                      other = a_claim("k", "another");
    const struct idem_outcome done = {200, NULL, NULL, NULL};
    ck_assert_int_eq(claim(&first, &o), IDEM_MINE);
    let_claims_die();
    ck_assert_int_eq(claim(&other, &o), IDEM_MISMATCH); /* what the first did is not known */
    ck_assert_int_eq(claim(&second, &o), IDEM_MINE);
    /* the first comes back to life: whatever it commits together with its outcome must fail */
    struct db_batch *b = db_batch(s.db, s.arena, DB_WHOLE_TX);
    static const struct db_stmt write = {"test_write", "UPDATE customers SET name = 'written'"};
    db_add(b, &write, NULL, 0);
    idem_complete_add(b, &first, &done);
    ck_assert_int_ne(db_run(b, s.deadline), ERR_OK);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM customers WHERE name = 'written'"), "0");
    ck_assert_int_eq(idem_complete(&s, &second, &done), ERR_OK);
    ck_assert_int_eq(claim(&first, &o), IDEM_DONE);
}
END_TEST

START_TEST(a_day_later_the_key_is_new)
{
    struct idem_outcome o;
    struct idem_claim first = a_claim("k", "h"), second = a_claim("k", "another");
    const struct idem_outcome done = {200, "A: b\n", "body", CUSTOMER};
    ck_assert_int_eq(claim(&first, &o), IDEM_MINE);
    ck_assert_int_eq(idem_complete(&s, &first, &done), ERR_OK);
    th_db_exec(&t,
               "UPDATE idempotency_keys SET created_at = now() - interval '23 hours 59 minutes'");
    ck_assert_int_eq(claim(&second, &o), IDEM_MISMATCH);
    th_db_exec(&t, "UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'");
    ck_assert_int_eq(claim(&second, &o), IDEM_MINE);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM idempotency_keys WHERE body IS NULL AND "
                                     "headers IS NULL AND status IS NULL"),
                     "1");
}
END_TEST

/* Of many who claim at once, one gets it; with and without a dead claim in the way. */
START_TEST(one_of_many_claims)
{
    enum { RACERS = 8 };
    struct idem_outcome o;
    struct idem_claim dead = a_claim("k", "h");
    if (_i == 1) {
        ck_assert_int_eq(claim(&dead, &o), IDEM_MINE);
        let_claims_die();
    }
    int gate[2], won = 0, in_flight = 0;
    ck_assert_int_eq(pipe(gate), 0);
    pid_t pids[RACERS];
    for (int i = 0; i < RACERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char c;
            close(gate[1]);
            open_services();
            (void)!read(gate[0], &c, 1); /* until the parent closes: all start together */
            struct idem_claim mine = a_claim("k", "h");
            _exit(claim(&mine, &o) == IDEM_MINE ? 10 : 11);
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < RACERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        won += WIFEXITED(status) && WEXITSTATUS(status) == 10;
        in_flight += WIFEXITED(status) && WEXITSTATUS(status) == 11;
    }
    ck_assert_int_eq(won, 1);
    ck_assert_int_eq(in_flight, RACERS - 1);
}
END_TEST

START_TEST(form_of_a_key)
{
    char longest[IDEM_KEY_MAX + 2];
    memset(longest, '~', sizeof longest);
    ck_assert(idem_key_valid(STR("!")));
    ck_assert(idem_key_valid((struct str){longest, IDEM_KEY_MAX}));
    ck_assert(!idem_key_valid((struct str){longest, IDEM_KEY_MAX + 1}));
    ck_assert(!idem_key_valid(STR("")));
    ck_assert(!idem_key_valid(STR("a b")));
    ck_assert(!idem_key_valid(STR("a\x7F")));
    ck_assert(!idem_key_valid(STR("\xC3\xA4")));
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    Suite *suite = suite_create("idem");
    TCase *c = th_case(suite, "idem");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, form_of_a_key);
    tcase_add_test(c, who_is_unknown_claims_nothing);
    tcase_add_test(c, in_flight_then_replayed);
    tcase_add_test(c, keys_are_per_caller);
    tcase_add_test(c, released_claims_are_free);
    tcase_add_test(c, dead_claims_are_taken_over);
    tcase_add_test(c, a_day_later_the_key_is_new);
    tcase_add_loop_test(c, one_of_many_claims, 0, 2);
    return th_run(suite);
}
