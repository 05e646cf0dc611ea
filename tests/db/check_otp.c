/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One-time passwords, sessions, customers and staff keys on a real server. */
#include "ext/ext_shared.h"
#include "svc/otp.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "svc/ratelimit.h"
#include "svc/staff.h"
#include "sys/shm.h"

#define PHONE "+966551234567"
#define SECRET "0123456789abcdef0123456789abcdef"
#define CODE "123456"

static struct th_db t;
static struct svc s;

static void configure(struct config *cfg)
{
    static const char *const regions[] = {"SA"};
    cfg->otp.provider = -1;
    cfg->otp.secret = SECRET;
    cfg->otp.secret_len = sizeof SECRET - 1;
    cfg->otp.code_length = 6;
    cfg->otp.ttl_ms = 300000;
    cfg->otp.max_attempts = 5;
    cfg->otp.resend_cooldown_ms = 60000;
    cfg->otp.per_phone = (struct rate_limit){3, 3600000};
    cfg->otp.per_address = (struct rate_limit){5, 3600000};
    cfg->otp.per_network = (struct rate_limit){6, 3600000};
    cfg->otp.autofill = "";
    cfg->otp.total = (struct rate_limit){7, 3600000};
    cfg->otp.regions = regions;
    cfg->otp.regions_n = 1;
    cfg->otp.messages[LOCALE_AR] = "رمز {code}";
    cfg->otp.messages[LOCALE_EN] = "code {code}";
    cfg->sessions.ttl_ms = 3600000;
}

static void open_services(void)
{
    s = (struct svc){
        .cfg = &t.cfg, .db = db_new(&t.cfg), .arena = arena_new(16384), .request_id = "test"};
    s.deadline = deadline_in_ms(30000);
    ck_assert_int_eq(db_connect(s.db, s.deadline), ERR_OK);
}

static void set_up(void)
{
    th_db_open(&t);
    configure(&t.cfg);
    open_services();
}

static void tear_down(void)
{
    if (s.ext)
        ext_free(s.ext);
    db_free(s.db);
    arena_free(s.arena);
    th_db_close(&t);
}

/* ---- challenges as otp_send leaves them ---- */

static struct uuid challenge(const char *phone, const char *code, const char *status,
                             const char *expires)
{
    struct uuid id = uuid_new();
    unsigned char mac[SHA256_LEN];
    char hex[SHA256_HEX_MAX], text[128];
    snprintf(text, sizeof text, "otp %s %s %s", id.s, phone, code);
    digest_hmac_sha256(STR(SECRET), str_of(text), mac);
    digest_hex(mac, sizeof mac, hex);
    th_db_exec(
        &t,
        "INSERT INTO otp_challenges (id, phone, code_mac, locale, status, created_at, expires_at,"
        " phone_key) VALUES ('%s', '%s', '%s', 'en', '%s', clock_timestamp(), now() + interval "
        "'%s', '%s')",
        id.s, phone, hex, status, expires, rate_subject(&s, OTP_RATE_FAILURES, phone));
    return id;
}

static enum err verify_with_key(const struct uuid *id, const char *code, const char *key,
                                struct otp_session *out)
{
    const struct otp_verify in = {
        .id = id, .code = code, .client_address = "192.0.2.1", .key = key};
    return otp_verify(&s, &in, out);
}

static enum err verify(const struct uuid *id, const char *code, struct otp_session *out)
{
    struct otp_session ignored;
    return verify_with_key(id, code, NULL, out ? out : &ignored);
}

START_TEST(unknown_and_failed_challenges)
{
    struct uuid id = uuid_new();
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_NOT_FOUND);
    id = challenge(PHONE, CODE, "failed", "5 minutes");
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_NOT_FOUND);
}
END_TEST

START_TEST(expired_challenge)
{
    struct uuid id = challenge(PHONE, CODE, "sent", "-1 second");
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OTP_EXPIRED);
    ck_assert_str_eq(th_db_value(&t, "SELECT attempts FROM otp_challenges"), "0");
}
END_TEST

START_TEST(wrong_codes_run_out)
{
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    struct otp_session out;
    for (int left = 4; left >= 0; left--) {
        ck_assert_int_eq(verify(&id, "654321", &out), ERR_OTP_INCORRECT);
        ck_assert_int_eq(out.attempts_left, left);
    }
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OTP_EXHAUSTED);
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OTP_EXHAUSTED);
    ck_assert_str_eq(th_db_value(&t, "SELECT attempts FROM otp_challenges"), "5");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM sessions"), "0");
}
END_TEST

/* A code is bound to its challenge and phone. */
START_TEST(codes_of_others)
{
    struct uuid mine = challenge(PHONE, "111111", "sent", "5 minutes");
    struct uuid other = challenge("+966551234568", "222222", "sent", "5 minutes");
    ck_assert_int_eq(verify(&mine, "222222", NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&other, "111111", NULL), ERR_OTP_INCORRECT);
    th_db_exec(&t, "UPDATE otp_challenges SET phone = '+966551234569' WHERE id = '%s'", mine.s);
    ck_assert_int_eq(verify(&mine, "111111", NULL), ERR_OTP_INCORRECT);
}
END_TEST

/* M15 */
START_TEST(older_codes_stay_valid)
{
    struct uuid old = challenge(PHONE, "111111", "sent", "5 minutes");
    struct uuid other = challenge("+966551234568", CODE, "sent", "5 minutes");
    struct uuid failed = challenge(PHONE, "222222", "failed", "5 minutes");
    struct uuid newer = challenge(PHONE, "333333", "unknown", "5 minutes");
    ck_assert_int_eq(verify(&failed, "222222", NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(verify(&newer, "222222", NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&old, "333333", NULL), ERR_OTP_INCORRECT); /* not sent yet then */
    ck_assert_int_eq(verify(&newer, "111111", NULL), ERR_OK);          /* at the newer's id */
    /* a success ends all of the phone's codes, and no other's */
    ck_assert_int_eq(verify(&newer, "333333", NULL), ERR_OTP_USED);
    ck_assert_int_eq(verify(&old, "111111", NULL), ERR_OTP_USED);
    ck_assert_int_eq(verify(&other, CODE, NULL), ERR_OK);
}
END_TEST

/* M15 */
START_TEST(three_codes_live)
{
    struct uuid ids[4];
    static const char *const codes[] = {"111111", "222222", "333333", "444444"};
    for (size_t i = 0; i < 4; i++)
        ids[i] = challenge(PHONE, codes[i], "sent", "5 minutes");
    ck_assert_int_eq(verify(&ids[0], codes[0], NULL), ERR_OTP_SUPERSEDED);
    ck_assert_int_eq(verify(&ids[3], codes[0], NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&ids[1], codes[1], NULL), ERR_OK);
}
END_TEST

/* An older code that ran out of tries or time is not accepted at a newer id either. */
START_TEST(older_codes_that_are_over)
{
    struct uuid tried = challenge(PHONE, "111111", "sent", "5 minutes");
    challenge(PHONE, "222222", "sent", "-1 second");
    struct uuid newest = challenge(PHONE, "333333", "sent", "5 minutes");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(verify(&tried, "000000", NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&newest, "111111", NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&newest, "222222", NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&newest, "333333", NULL), ERR_OK);
}
END_TEST

/* S13: 50 wrong codes of a phone, over ten challenges. */
static void fail_fifty(void)
{
    for (int i = 0; i < 10; i++) {
        struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
        for (int k = 0; k < 5; k++)
            ck_assert_int_eq(verify(&id, "000000", NULL), ERR_OTP_INCORRECT);
    }
}

START_TEST(failures_end_the_sign_in_of_a_phone)
{
    struct otp_session out;
    fail_fifty();
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    ck_assert_int_eq(verify(&id, CODE, &out), ERR_OTP_LOCKED);
    ck_assert_int_gt((int)out.retry_after_s, 86000);
    ck_assert_int_le((int)out.retry_after_s, 86400);
    struct uuid other = challenge("+966551234568", CODE, "sent", "5 minutes");
    ck_assert_int_eq(verify(&other, CODE, NULL), ERR_OK);
    th_db_exec(&t, "UPDATE rate_limits SET window_end = now()");
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OK);
}
END_TEST

START_TEST(success_forgives_failures)
{
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    for (int k = 0; k < 4; k++)
        ck_assert_int_eq(verify(&id, "000000", NULL), ERR_OTP_INCORRECT);
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OK);
    fail_fifty();
    id = challenge(PHONE, CODE, "sent", "5 minutes");
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OTP_LOCKED);
}
END_TEST

/* M14 */
START_TEST(lost_answer_of_a_success)
{
    struct otp_session first, again;
    struct uuid older = challenge(PHONE, "111111", "sent", "5 minutes");
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    ck_assert_int_eq(verify_with_key(&id, "111111", "v-1", &first), ERR_OK);
    ck_assert_int_eq(verify_with_key(&id, "111111", "v-1", &again), ERR_OK);
    ck_assert_str_eq(again.customer.id, first.customer.id);
    ck_assert_int_eq(verify_with_key(&older, "111111", "v-1", &again), ERR_OK);
    ck_assert_int_eq(verify_with_key(&id, "999999", "v-1", &again), ERR_OTP_USED);
    ck_assert_int_eq(verify_with_key(&id, "111111", "v-2", &again), ERR_OTP_USED);
    ck_assert_int_eq(verify(&id, "111111", NULL), ERR_OTP_USED);
    th_db_exec(&t, "UPDATE otp_challenges SET used_at = used_at - interval '121 seconds'");
    ck_assert_int_eq(verify_with_key(&id, "111111", "v-1", &again), ERR_OTP_USED);
}
END_TEST

START_TEST(first_and_second_sign_in)
{
    struct otp_session first, second;
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    ck_assert_int_eq(verify(&id, CODE, &first), ERR_OK);
    ck_assert_str_eq(first.customer.phone, PHONE);
    ck_assert_ptr_null(first.customer.name);
    ck_assert_int_eq(first.customer.locale, LOCALE_EN);
    ck_assert_uint_eq(strlen(first.token.text), 43);
    ck_assert_int_eq(verify(&id, CODE, NULL), ERR_OTP_USED);
    id = challenge(PHONE, CODE, "sending", "5 minutes"); /* a worker died before it could say */
    ck_assert_int_eq(verify(&id, CODE, &second), ERR_OK);
    ck_assert_str_eq(second.customer.id, first.customer.id);
    ck_assert_str_ne(second.token.text, first.token.text);
    ck_assert_str_eq(
        th_db_value(&t, "SELECT count(*) FROM sessions WHERE token_hash = '%s'", second.token.hash),
        "1");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM sessions WHERE token_hash LIKE '%%%s%%'",
                                 second.token.text),
                     "0");
}
END_TEST

struct tally {
    int ok, used, incorrect, exhausted, other;
};

/* `children` processes with `each` tries, all at once. */
static struct tally race(const struct uuid *id, const char *code, int children, int each)
{
    int gate[2], results[2];
    struct tally sum = {0};
    ck_assert_int_eq(pipe(gate), 0);
    ck_assert_int_eq(pipe(results), 0);
    for (int i = 0; i < children; i++) {
        if (fork() == 0) {
            char c;
            struct tally mine = {0};
            close(gate[1]);
            open_services();
            (void)!read(gate[0], &c, 1);
            for (int k = 0; k < each; k++) {
                enum err e = verify(id, code, NULL);
                mine.ok += e == ERR_OK;
                mine.used += e == ERR_OTP_USED;
                mine.incorrect += e == ERR_OTP_INCORRECT;
                mine.exhausted += e == ERR_OTP_EXHAUSTED;
                mine.other += e != ERR_OK && e != ERR_OTP_USED && e != ERR_OTP_INCORRECT &&
                              e != ERR_OTP_EXHAUSTED;
            }
            (void)!write(results[1], &mine, sizeof mine);
            _exit(0);
        }
    }
    close(gate[0]);
    close(gate[1]);
    close(results[1]);
    for (struct tally mine; read(results[0], &mine, sizeof mine) == (ssize_t)sizeof mine;) {
        sum.ok += mine.ok;
        sum.used += mine.used;
        sum.incorrect += mine.incorrect;
        sum.exhausted += mine.exhausted;
        sum.other += mine.other;
    }
    while (wait(NULL) > 0)
        continue;
    return sum;
}

START_TEST(fifty_verifies_one_session)
{
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    struct tally sum = race(&id, CODE, 10, 5);
    ck_assert_int_eq(sum.ok, 1);
    ck_assert_int_eq(sum.other + sum.incorrect, 0);
    ck_assert_int_eq(sum.used + sum.exhausted, 49);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM sessions"), "1");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM customers"), "1");
}
END_TEST

START_TEST(parallel_guesses_are_counted_one_by_one)
{
    struct uuid id = challenge(PHONE, CODE, "sent", "5 minutes");
    struct tally sum = race(&id, "000000", 10, 5);
    ck_assert_int_eq(sum.incorrect, 5);
    ck_assert_int_eq(sum.exhausted, 45);
    ck_assert_int_eq(sum.other + sum.ok, 0);
}
END_TEST

/* ---- sending and its limits; the provider refuses the connection ---- */

static struct provider_config nobody = {.name = "nobody",
                                        .type = PROVIDER_HTTP,
                                        .base_url = "http://127.0.0.1:1",
                                        .sender = "TEST",
                                        .method = "POST",
                                        .path = "/send",
                                        .body = "{text}",
                                        .content_type = "text/plain",
                                        .connect_timeout_ms = 1000,
                                        .timeout_ms = 2000,
                                        .max_concurrent = 4,
                                        .breaker_failures = 1000,
                                        .breaker_open_for_ms = 1000};

static void with_provider(void)
{
    t.cfg.providers = &nobody;
    t.cfg.providers_n = 1;
    t.cfg.otp.provider = 0;
    ck_assert(shm_init(ext_shared_size(&t.cfg) + 4096));
    ext_shared_init(&t.cfg, 4);
    s.ext = ext_new(&t.cfg);
    ck_assert_ptr_nonnull(s.ext);
}

static enum err send_to(const char *phone, const char *address, struct otp_sent *out)
{
    const struct otp_send in = {.phone = str_of(phone), .client_address = address};
    return otp_send(&s, &in, out);
}

START_TEST(without_a_provider)
{
    struct otp_sent out;
    ck_assert_int_eq(send_to("0112345678", "192.0.2.1", &out), ERR_PHONE_INVALID);
    ck_assert_int_eq(send_to("+447400123456", "192.0.2.1", &out), ERR_PHONE_REGION);
    ck_assert_int_eq(send_to(PHONE, "192.0.2.1", &out), ERR_PROVIDER_UNAVAILABLE);
    ck_assert_int_ge((int)out.retry_after_s, 1);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM otp_challenges"), "0");
}
END_TEST

START_TEST(definite_failure_gives_the_cooldown_back_but_not_the_quota)
{
    struct otp_sent out;
    with_provider();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_to("0551234567", "192.0.2.1", &out), ERR_PROVIDER_FAILED);
        ck_assert(!out.unknown);
        ck_assert_int_eq(verify(&out.id, CODE, NULL), ERR_NOT_FOUND);
    }
    ck_assert_int_eq(send_to("0551234567", "192.0.2.1", &out), ERR_OTP_QUOTA);
    ck_assert_int_ge((int)out.retry_after_s, 3500);
    ck_assert_int_le((int)out.retry_after_s, 3600);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM otp_challenges WHERE status = 'failed'"),
                     "3");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM rate_limits WHERE subject LIKE "
                                     "'%%55123%%' OR subject LIKE '%%192.0%%'"),
                     "0");
}
END_TEST

START_TEST(limits_by_address_and_in_all)
{
    struct otp_sent out;
    char phone[16];
    with_provider();
    for (int i = 0; i < 5; i++) {
        snprintf(phone, sizeof phone, "055000000%d", i);
        ck_assert_int_eq(send_to(phone, "2001:db8::1", &out), ERR_PROVIDER_FAILED);
    }
    ck_assert_int_eq(send_to("0550000008", "2001:db8::1", &out), ERR_OTP_QUOTA);
    ck_assert_int_eq(send_to("0550000008", "2001:db8::2", &out),
                     ERR_OTP_QUOTA); /* the same network */
    ck_assert_int_eq(send_to("0550000008", "2001:db8:1::1", &out), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(send_to("0550000009", "192.0.2.1", &out), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(send_to("0550000010", "192.0.2.2", &out),
                     ERR_OTP_QUOTA); /* 7 in all; refused ones took nothing */
}
END_TEST

START_TEST(cooldown)
{
    struct otp_sent out;
    with_provider();
    ck_assert_int_eq(send_to(PHONE, "192.0.2.1", &out), ERR_PROVIDER_FAILED);
    /* as if it had been sent */
    th_db_exec(&t, "INSERT INTO rate_limits VALUES ('%s', now(), now() + interval '60 seconds', 1)",
               rate_subject(&s, OTP_RATE_COOLDOWN, PHONE));
    ck_assert_int_eq(send_to("0551234567", "192.0.2.1", &out), ERR_OTP_COOLDOWN);
    ck_assert_int_ge((int)out.retry_after_s, 58);
    ck_assert_int_le((int)out.retry_after_s, 60);
    ck_assert_int_eq(send_to("0551234568", "192.0.2.1", &out),
                     ERR_PROVIDER_FAILED); /* another phone */
    th_db_exec(&t, "UPDATE rate_limits SET window_end = now()");
    ck_assert_int_eq(send_to("0551234567", "192.0.2.1", &out), ERR_PROVIDER_FAILED);
    t.cfg.otp.resend_cooldown_ms = 0;
    ck_assert_int_eq(send_to("0551234567", "192.0.2.1", &out), ERR_PROVIDER_FAILED);
}
END_TEST

/* ---- sessions and customers ---- */

static bool authenticated(const char *hash, struct principal *who)
{
    struct db_batch *b = db_batch(s.db, s.arena, DB_READ);
    int at = session_auth_add(b, hash);
    ck_assert_int_eq(db_run(b, s.deadline), ERR_OK);
    return session_auth_read(s.arena, db_result(b, at), who);
}

static void sign_in(const char *phone, struct otp_session *out)
{
    struct uuid id = challenge(phone, CODE, "sent", "5 minutes");
    ck_assert_int_eq(verify(&id, CODE, out), ERR_OK);
}

START_TEST(sessions_end)
{
    struct otp_session a, b, c;
    struct principal who;
    sign_in(PHONE, &a);
    sign_in(PHONE, &b);
    sign_in("+966551234568", &c);
    ck_assert(!authenticated("stranger", &who));
    ck_assert(authenticated(a.token.hash, &who));
    ck_assert_str_eq(who.phone, PHONE);
    ck_assert_str_eq(who.actor, arena_printf(s.arena, "customer:%s", who.id.s)); /* S22 */
    ck_assert_int_eq(session_end(&s, a.token.hash), ERR_OK);
    ck_assert(!authenticated(a.token.hash, &who));
    ck_assert(authenticated(b.token.hash, &who));
    ck_assert_int_eq(session_end_all(&s, b.customer.id), ERR_OK);
    ck_assert(!authenticated(b.token.hash, &who));
    ck_assert(authenticated(c.token.hash, &who));
    th_db_exec(&t, "UPDATE sessions SET expires_at = now()");
    ck_assert(!authenticated(c.token.hash, &who));
}
END_TEST

static void a_booking(const char *customer, const char *status, const char *ends, const char *hold)
{
    th_db_exec(&t, "INSERT INTO venues VALUES ('019aab00-0000-7000-8000-00000000000a', 'V', "
                   "'Asia/Riyadh', 'SAR') ON "
                   "CONFLICT DO NOTHING");
    th_db_exec(
        &t,
        "INSERT INTO resources (venue_id, id, name) VALUES ('019aab00-0000-7000-8000-00000000000a',"
        " '019aab00-0000-7000-8000-00000000000b', 'R') ON CONFLICT DO NOTHING");
    th_db_exec(&t, "INSERT INTO services (venue_id, id, name, duration_minutes) VALUES "
                   "('019aab00-0000-7000-8000-00000000000a',"
                   " '019aab00-0000-7000-8000-00000000000c', 'S', 30) ON CONFLICT DO NOTHING");
    th_db_exec(&t, "DELETE FROM notifications; DELETE FROM bookings");
    th_db_exec(&t,
               "INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status, "
               "starts_at, ends_at, "
               "occupied,"
               " party_size, amount, currency, payment, note, hold_expires_at) SELECT "
               "'019aab00-0000-7000-8000-00000000000a',"
               " '019aab00-0000-7000-8000-00000000000d', '019aab00-0000-7000-8000-00000000000c', "
               "'019aab00-0000-7000-8000-00000000000b',"
               " '%s', '%s', e - interval '30 minutes', e, tstzrange(e - interval '30 minutes', "
               "e), 1, 0, 'SAR', 'none', 'my "
               "secret note', %s"
               " FROM (SELECT now() + interval '%s' AS e) x",
               customer, status, hold, ends);
    th_db_exec(&t, "INSERT INTO booking_history (venue_id, booking_id, version, to_status, actor, "
                   "reason) SELECT venue_id, id, 1,"
                   " 'confirmed', 'customer', 'my secret reason' FROM bookings");
    th_db_exec(&t,
               "INSERT INTO notifications (venue_id, id, booking_id, event, template, locale, "
               "recipient, body, "
               "send_by, expires_at)"
               " SELECT venue_id, gen_random_uuid(), id, 'e', 'booking_confirmed', 'ar', '" PHONE
               "', 'my secret text', now(), now() FROM bookings");
}

START_TEST(erasure_waits_for_bookings)
{
    struct otp_session me;
    sign_in(PHONE, &me);
    a_booking(me.customer.id, "confirmed", "1 hour", "NULL");
    ck_assert_int_eq(customer_erase(&s, me.customer.id), ERR_BOOKINGS_ACTIVE);
    a_booking(me.customer.id, "pending_payment", "1 hour", "now() + interval '1 minute'");
    ck_assert_int_eq(customer_erase(&s, me.customer.id), ERR_BOOKINGS_ACTIVE);
    ck_assert_str_eq(th_db_value(&t, "SELECT phone FROM customers"), PHONE);
    a_booking(me.customer.id, "pending_payment", "1 hour",
              "now() - interval '1 minute'"); /* a dead hold */
    ck_assert_int_eq(customer_erase(&s, me.customer.id), ERR_OK);
    ck_assert_int_eq(customer_erase(&s, me.customer.id), ERR_UNAUTHORIZED);
}
END_TEST

/* After an erasure no row of any table has the phone, the name or a text of the person. */
START_TEST(erasure_leaves_nothing)
{
    struct otp_session me, again;
    struct customer c;
    struct otp_sent out;
    with_provider();
    sign_in(PHONE, &me);
    ck_assert_int_eq(send_to(PHONE, "192.0.2.1", &out), ERR_PROVIDER_FAILED);
    ck_assert_int_eq(customer_update(&s, me.customer.id, "my secret name", NULL, &c), ERR_OK);
    a_booking(me.customer.id, "confirmed", "-1 minute", "NULL");
    th_db_exec(&t,
               "INSERT INTO idempotency_keys (caller, key, request_hash, holder, claimed_until, "
               "status, body, "
               "customer_id) VALUES"
               " ('customer:%s', 'a', 'h', 'x', now(), 201, 'my secret note', NULL),"
               " ('staff:x', 'a', 'h', 'x', now(), 201, '" PHONE "', '%s')",
               me.customer.id, me.customer.id);
    ck_assert_int_eq(customer_erase(&s, me.customer.id), ERR_OK);

    th_db_exec(&t, "CREATE FUNCTION hits(what text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE "
                   "n bigint; total bigint "
                   ":= 0; tab text; BEGIN"
                   " FOR tab IN SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND "
                   "relnamespace = "
                   "'public'::regnamespace LOOP"
                   " EXECUTE format('SELECT count(*) FROM %%s x WHERE x::text LIKE %%L', tab, '%%' "
                   "|| what || '%%') INTO n;"
                   " total := total + n; END LOOP; RETURN total; END $$");
    ck_assert_str_eq(th_db_value(&t, "SELECT hits('551234567')"), "0");
    ck_assert_str_eq(th_db_value(&t, "SELECT hits('my secret')"), "0");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM rate_limits WHERE subject = '%s'",
                                 rate_subject(&s, OTP_RATE_PHONE, PHONE)),
                     "0");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM sessions"), "0");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM bookings"), "1");
    ck_assert_str_eq(
        th_db_value(&t, "SELECT count(*) FROM audit_log WHERE action = 'customer.erase'"), "1");
    sign_in(PHONE, &again); /* the same phone is a new customer */
    ck_assert_str_ne(again.customer.id, me.customer.id);
}
END_TEST

/* ---- staff keys ---- */

static bool staff_authenticated(const char *key, struct principal *who)
{
    char hash[SHA256_HEX_MAX];
    digest_sha256_hex(str_of(key), hash);
    struct db_batch *b = db_batch(s.db, s.arena, DB_READ);
    int at = staff_auth_add(b, hash);
    ck_assert_int_eq(db_run(b, s.deadline), ERR_OK);
    return staff_auth_read(s.arena, db_result(b, at), who);
}

START_TEST(staff_keys_refused)
{
    const char *key;
    static const char *const names[] = {
        "",       " ",    "a\nb",
        "\u200b", "\xFF", "0123456789012345678901234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_int_eq(staff_key_create(&s, names[i], STAFF_ADMIN, NULL, &key), ERR_VALIDATION);
    ck_assert_int_eq(staff_key_create(&s, "x", STAFF_ADMIN, "not a uuid", &key), ERR_NOT_FOUND);
    ck_assert_int_eq(
        staff_key_create(&s, "x", STAFF_ADMIN, "019aab00-0000-7000-8000-0000000000ff", &key),
        ERR_NOT_FOUND);
    ck_assert_int_eq(staff_key_revoke(&s, "x"), ERR_NOT_FOUND);
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM staff_keys"), "0");
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM audit_log"), "0");
}
END_TEST

START_TEST(staff_keys_live_and_end)
{
    const char *key, *other;
    struct principal who;
    const struct staff_key *keys;
    size_t n;
    th_db_exec(&t, "INSERT INTO venues VALUES ('019aab00-0000-7000-8000-00000000000a', 'V', "
                   "'Asia/Riyadh', 'SAR')");
    ck_assert_int_eq(
        staff_key_create(&s, "desk 1", STAFF_AGENT, "019AAB00-0000-7000-8000-00000000000A", &key),
        ERR_OK);
    ck_assert_int_eq(staff_key_create(&s, "desk 1", STAFF_ADMIN, NULL, &other),
                     ERR_STAFF_KEY_EXISTS);
    ck_assert_int_eq(staff_key_create(&s, "boss", STAFF_ADMIN, NULL, &other), ERR_OK);
    ck_assert(staff_authenticated(key, &who));
    ck_assert_int_eq(who.role, STAFF_AGENT);
    ck_assert(who.one_venue);
    ck_assert_str_eq(who.venue_id.s, "019aab00-0000-7000-8000-00000000000a");
    ck_assert_str_eq(who.actor, "staff:desk 1");
    ck_assert(staff_authenticated(other, &who));
    ck_assert(!who.one_venue);
    ck_assert_str_eq(
        th_db_value(&t, "SELECT count(*) FROM staff_keys k WHERE k::text LIKE '%%%s%%'", key), "0");

    ck_assert_int_eq(staff_key_revoke(&s, "desk 1"), ERR_OK);
    ck_assert_int_eq(staff_key_revoke(&s, "desk 1"), ERR_NOT_FOUND);
    ck_assert(!staff_authenticated(key, &who));
    ck_assert_int_eq(staff_key_create(&s, "desk 1", STAFF_ADMIN, NULL, &other),
                     ERR_STAFF_KEY_EXISTS);
    ck_assert_int_eq(staff_key_list(&s, &keys, &n), ERR_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(keys[0].name, "boss");
    ck_assert_ptr_null(keys[0].venue_id);
    ck_assert(!keys[0].revoked);
    ck_assert(keys[1].revoked);
    ck_assert_str_eq(
        th_db_value(&t, "SELECT count(*) FROM audit_log WHERE action LIKE 'staff_key.%%'"), "3");
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    Suite *suite = suite_create("otp");
    TCase *c = th_case(suite, "otp");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, unknown_and_failed_challenges);
    tcase_add_test(c, expired_challenge);
    tcase_add_test(c, wrong_codes_run_out);
    tcase_add_test(c, codes_of_others);
    tcase_add_test(c, older_codes_stay_valid);
    tcase_add_test(c, three_codes_live);
    tcase_add_test(c, older_codes_that_are_over);
    tcase_add_test(c, failures_end_the_sign_in_of_a_phone);
    tcase_add_test(c, success_forgives_failures);
    tcase_add_test(c, lost_answer_of_a_success);
    tcase_add_test(c, first_and_second_sign_in);
    tcase_add_test(c, fifty_verifies_one_session);
    tcase_add_test(c, parallel_guesses_are_counted_one_by_one);
    tcase_add_test(c, without_a_provider);
    tcase_add_test(c, definite_failure_gives_the_cooldown_back_but_not_the_quota);
    tcase_add_test(c, limits_by_address_and_in_all);
    tcase_add_test(c, cooldown);
    tcase_add_test(c, sessions_end);
    tcase_add_test(c, erasure_waits_for_bookings);
    tcase_add_test(c, erasure_leaves_nothing);
    tcase_add_test(c, staff_keys_refused);
    tcase_add_test(c, staff_keys_live_and_end);
    return th_run(suite);
}
