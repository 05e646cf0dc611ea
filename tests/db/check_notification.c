/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Notifications against a real database: every way in which a notification can end, and what staff
 * can do about it. */
#include <stdlib.h>
#include <unistd.h>

#include "../lib/th_book.h"
#include "../lib/th_unit.h"
#include "domain/metrics.h"
#include "svc/keeper_tasks.h"
#include "svc/notification.h"
#include "svc/notification_list.h"

#define EXPECT(e, want) ck_assert_str_eq(err_code(e), err_code(want))
#define COUNT(...) atoi(th_db_value(&tb.t, "SELECT count(*) FROM " __VA_ARGS__))

static void order_sms(enum err err, const char *detail, const char *message_id)
{
    enum outcome outcome = err == ERR_OK ? OUTCOME_OK : OUTCOME_FAILED;
    th_sms.result = (struct ext_result){.err = err, .outcome = outcome, .detail = detail};
    th_sms.message_id = message_id;
}

static const struct notification_actor all = {.name = "staff:desk"},
                                       elsewhere = {.name = "staff:other", .venue_id = OTHER_VENUE};

static void sql(const char *text)
{
    th_db_exec(&tb.t, "%s", text);
}

/* A booking whose notification ends as ordered; the id of the row. */
static struct uuid notice_with(int hour, enum err how)
{
    struct booking bk;
    struct uuid id;
    order_sms(how, "fixed words", how == ERR_OK ? "m-9" : NULL);
    EXPECT(th_book_make(&tb.alice, hour, &bk), ERR_OK);
    const char *found =
        th_db_value(&tb.t, "SELECT id FROM notifications WHERE booking_id = '%s'", bk.id.s);
    ck_assert(uuid_parse(str_of(found), &id));
    return id;
}

static void run_job(const char *name)
{
    for (size_t i = 0; i < keeper_tasks_n; i++) {
        if (strcmp(keeper_tasks[i].name, name) == 0) {
            EXPECT(keeper_tasks[i].run(&tb.svc), ERR_OK);
            return;
        }
    }
    ck_abort_msg("no job %s", name);
}

/* ---- ends of an attempt ---- */

static const struct {
    enum err err;
    const char *status, *code;
    int attempts;
} ends[] = {
    {ERR_OK, "SENT", "", 1},
    {ERR_PROVIDER_REJECTED, "FAILED", "provider_rejected", 1},
    {ERR_PROVIDER_FAILED, "FAILED", "provider_failed", 1},
    {ERR_PROVIDER_TIMEOUT, "FAILED", "provider_timeout", 1},
    {ERR_PROVIDER_UNAVAILABLE, "FAILED", "provider_unavailable", 1},
    {ERR_DEADLINE, "FAILED", "deadline_exceeded", 0},
    {ERR_INTERNAL, "FAILED", "provider_failed", 1},
};

START_TEST(every_fault_of_the_provider_is_absorbed_and_named)
{
    struct uuid id = notice_with(10, ends[_i].err); /* which is ERR_OK whatever happens */
    ck_assert_int_eq(th_sms.calls, 1);
    ck_assert_int_eq(
        COUNT("notifications WHERE id = '%s' AND status = '%s' AND coalesce(error_code, '') = '%s'"
              " AND attempts = %d AND provider = 'sms' AND expires_at > now() + interval '23 hours'"
              " AND send_by > now()",
              id.s, ends[_i].status, ends[_i].code, ends[_i].attempts),
        1);
    const char *detail = th_db_value(&tb.t, "SELECT error_detail FROM notifications");
    ck_assert_str_eq(detail, ends[_i].err == ERR_OK ? "" : "fixed words");
}
END_TEST

START_TEST(without_a_provider_or_time_nothing_is_tried)
{
    tb.cfg.notifications.provider = -1;
    notice_with(10, ERR_OK);
    ck_assert_int_eq(
        COUNT("notifications WHERE error_code = 'provider_unavailable' AND attempts = 0"), 1);
    tb.cfg.notifications.provider = 0;
    th_book_budget(190);
    struct booking bk;
    EXPECT(db_connect(tb.db, tb.svc.deadline), ERR_OK);
    th_book_budget(190);
    EXPECT(th_book_make(&tb.alice, 11, &bk), ERR_OK);
    ck_assert_int_eq(th_sms.calls, 0);
    ck_assert_int_eq(COUNT("notifications WHERE booking_id = '%s' AND status = 'FAILED'"
                           " AND error_code = 'deadline_exceeded' AND attempts = 0",
                           bk.id.s),
                     1);
}
END_TEST

START_TEST(what_is_too_old_by_its_turn_is_not_sent)
{
    tb.cfg.notifications.expire_after_ms = -1; /* as if the commit had taken that long */
    notice_with(10, ERR_OK);
    ck_assert_int_eq(th_sms.calls, 0);
    ck_assert_int_eq(
        COUNT("notifications WHERE status = 'FAILED' AND error_code = 'expired' AND attempts = 0"),
        1);
}
END_TEST

START_TEST(texts_are_plain_capped_and_in_the_customers_language)
{
    struct booking bk;
    char filler[5001];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    EXPECT(th_book_make(&tb.bob, 10, &bk), ERR_OK);
    ck_assert_str_eq(th_sms.text, "حجز Cut");
    tb.cfg.notifications.messages[NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED][LOCALE_EN] = filler;
    EXPECT(th_book_make(&tb.alice, 11, &bk), ERR_OK);
    ck_assert_uint_eq(strlen(th_sms.text), 670);
    tb.cfg.notifications.messages[NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED][LOCALE_EN] = "{service}";
    sql("UPDATE services SET name = E'a{venue}\\nb\\tc{party_size}'");
    EXPECT(th_book_make(&tb.alice, 12, &bk), ERR_OK);
    ck_assert_str_eq(th_sms.text, "a{venue} b c{party_size}");
}
END_TEST

/* ---- rows whose sender died ---- */

static char interrupt_now;
static void die_and_be_found(void)
{
    sql("UPDATE notifications SET send_by = now() - interval '1 second'");
    if (interrupt_now)
        sql("UPDATE notifications SET status = 'FAILED', error_code = 'interrupted', attempts = 1");
}

START_TEST(a_silent_sender_is_called_interrupted_and_a_late_result_corrects_it)
{
    struct uuid id = notice_with(10, ERR_OK);
    sql("UPDATE notifications SET status = 'PENDING', attempts = 0, send_by = now() + interval '1 "
        "minute'");
    run_job("interrupted_notifications");
    ck_assert_int_eq(COUNT("notifications WHERE status = 'PENDING'"), 1);
    sql("UPDATE notifications SET send_by = now() - interval '1 second'");
    run_job("interrupted_notifications");
    ck_assert_int_eq(
        COUNT("notifications WHERE id = '%s' AND status = 'FAILED' AND error_code = 'interrupted'"
              " AND attempts = 1",
              id.s),
        1);
    interrupt_now = 1; /* the keeper comes while the provider is being waited for */
    th_sms.before = die_and_be_found;
    id = notice_with(11, ERR_OK);
    ck_assert_int_eq(
        COUNT("notifications WHERE id = '%s' AND status = 'SENT' AND attempts = 1", id.s), 1);
}
END_TEST

/* Connections to the test's database but the test's own are ended, and new ones refused. */
static void database_away(void)
{
    sql("UPDATE pg_database SET datallowconn = false WHERE datname = current_database()");
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> "
        "pg_backend_pid()");
}

START_TEST(a_result_waits_in_the_process_while_the_database_is_away)
{
    th_sms.before = database_away;
    order_sms(ERR_PROVIDER_REJECTED, "1003", NULL);
    struct booking bk;
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK); /* committed before the notification */
    ck_assert_int_eq(COUNT("notifications WHERE status = 'PENDING'"), 1);
    ck_assert_uint_eq(notification_flush(&tb.svc), 1);
    sql("UPDATE pg_database SET datallowconn = true WHERE datname = current_database()");
    unsigned left = 1;
    for (int i = 0; i < 100 && left > 0; i++) {
        th_book_budget(1000);
        db_idle(tb.db);
        usleep(50000);
        left = notification_flush(&tb.svc);
    }
    ck_assert_uint_eq(left, 0);
    ck_assert_int_eq(
        COUNT("notifications WHERE status = 'FAILED' AND error_code = 'provider_rejected'"
              " AND error_detail = '1003' AND attempts = 1"),
        1);
}
END_TEST

/* ---- what staff can do ---- */

START_TEST(one_is_sent_again_by_whoever_may)
{
    struct notification_item n;
    struct uuid id = notice_with(10, ERR_PROVIDER_TIMEOUT);
    sql("UPDATE notifications SET acknowledged_at = now(), acknowledged_by = 'staff:x'");
    EXPECT(notification_resend(&tb.svc, &elsewhere, id.s, &n), ERR_NOT_FOUND);
    EXPECT(notification_resend(&tb.svc, &all, NOBODY, &n), ERR_NOT_FOUND);
    order_sms(ERR_PROVIDER_REJECTED, "no", NULL);
    EXPECT(notification_resend(&tb.svc, &all, id.s, &n), ERR_OK);
    ck_assert_str_eq(n.status, "FAILED");
    ck_assert_str_eq(n.error_code, "provider_rejected");
    ck_assert_str_eq(n.recipient, "+9665****4567");
    ck_assert_int_eq(n.attempts, 2);
    ck_assert(!n.has_acknowledged); /* a new failure rings anew */
    order_sms(ERR_OK, NULL, "m-2");
    EXPECT(notification_resend(&tb.svc, &all, id.s, &n), ERR_OK);
    ck_assert_str_eq(n.status, "SENT");
    ck_assert_str_eq(n.provider_message_id, "m-2");
    ck_assert_int_eq(n.attempts, 3);
    EXPECT(notification_resend(&tb.svc, &all, id.s, &n), ERR_NOTIFICATION_NOT_FAILED);
    ck_assert_int_eq(th_sms.calls, 3);
    ck_assert_int_eq(COUNT("audit_log WHERE action = 'notification.resend' AND subject = '%s' AND "
                           "actor = 'staff:desk'",
                           id.s),
                     2);
}
END_TEST

START_TEST(what_is_too_old_or_erased_is_not_sent_again)
{
    struct notification_item n;
    struct uuid id = notice_with(10, ERR_PROVIDER_FAILED);
    sql("UPDATE notifications SET expires_at = now() - interval '1 second'");
    EXPECT(notification_resend(&tb.svc, &all, id.s, &n), ERR_NOTIFICATION_EXPIRED);
    sql("UPDATE notifications SET expires_at = now() + interval '1 hour', recipient = NULL, body = "
        "NULL");
    EXPECT(notification_resend(&tb.svc, &all, id.s, &n), ERR_NOTIFICATION_EXPIRED);
    ck_assert_int_eq(th_sms.calls, 1);
    ck_assert_int_eq(COUNT("notifications WHERE status = 'FAILED' AND error_code = "
                           "'provider_failed' AND attempts = 1"),
                     1);
}
END_TEST

/* While one resend is at the provider, another one tries the same row. */
static struct uuid contested;
static enum err rival;
static void resend_as_well(void)
{
    struct svc mine = tb.svc;
    struct notification_item n;
    th_sms.before = NULL;
    mine.db = db_new(&tb.cfg);
    rival = notification_resend(&mine, &all, contested.s, &n);
    db_free(mine.db);
}

START_TEST(two_resends_of_a_row_send_once)
{
    struct notification_item n;
    contested = notice_with(10, ERR_PROVIDER_FAILED);
    order_sms(ERR_OK, NULL, NULL);
    th_sms.before = resend_as_well;
    EXPECT(notification_resend(&tb.svc, &all, contested.s, &n), ERR_OK);
    EXPECT(rival, ERR_NOTIFICATION_NOT_FAILED);
    ck_assert_int_eq(th_sms.calls, 2); /* the first attempt, and one resend */
}
END_TEST

static struct notification_counts resend_all(const struct notification_actor *who,
                                             const struct notification_filter *f, int64_t limit,
                                             bool dry)
{
    struct notification_counts c;
    EXPECT(notification_resend_all(
               &tb.svc, who,
               &(struct notification_order){.filter = *f, .limit = limit, .dry_run = dry}, &c),
           ERR_OK);
    return c;
}
#define EXPECT_COUNTS(c, m, s, f, r)          \
    do {                                      \
        struct notification_counts got = (c); \
        ck_assert_int_eq(got.matched, m);     \
        ck_assert_int_eq(got.sent, s);        \
        ck_assert_int_eq(got.failed, f);      \
        ck_assert_int_eq(got.remaining, r);   \
    } while (0)

START_TEST(many_are_sent_again_oldest_first)
{
    struct uuid oldest = notice_with(10, ERR_PROVIDER_TIMEOUT);
    notice_with(11, ERR_PROVIDER_TIMEOUT);
    notice_with(12, ERR_PROVIDER_REJECTED);
    notice_with(13, ERR_OK);
    struct notification_filter any = {0}, timeouts = {.error_code = "provider_timeout"},
                               none = {.template = "booking_expired"};
    struct notification_filter future = {.has_since = true,
                                         .since = {wall_now().us + 3600000000LL}};
    int before = th_sms.calls;
    EXPECT_COUNTS(resend_all(&all, &any, 100, true), 3, 0, 0, 3);
    EXPECT_COUNTS(resend_all(&all, &none, 100, false), 0, 0, 0, 0);
    EXPECT_COUNTS(resend_all(&all, &future, 100, false), 0, 0, 0, 0);
    EXPECT_COUNTS(resend_all(&elsewhere, &any, 100, false), 0, 0, 0, 0);
    ck_assert_int_eq(th_sms.calls, before);
    order_sms(ERR_OK, NULL, NULL);
    EXPECT_COUNTS(resend_all(&all, &timeouts, 1, false), 2, 1, 0, 1);
    ck_assert_str_eq(th_sms.id, oldest.s);
    order_sms(ERR_PROVIDER_TIMEOUT, NULL, NULL);
    EXPECT_COUNTS(resend_all(&all, &any, 100, false), 2, 0, 2,
                  0); /* each once, though they fail again */
    ck_assert_int_eq(COUNT("notifications WHERE status = 'FAILED' AND attempts = 2"), 2);
    th_book_budget(150); /* too little to begin */
    EXPECT_COUNTS(resend_all(&all, &any, 100, false), 2, 0, 0, 2);
}
END_TEST

START_TEST(acknowledging_takes_rows_out_of_the_alert_and_nothing_else)
{
    struct uuid a = notice_with(10, ERR_PROVIDER_TIMEOUT),
                b = notice_with(11, ERR_PROVIDER_REJECTED);
    notice_with(12, ERR_OK);
    struct notification_filter any = {0}, timeouts = {.error_code = "provider_timeout"};
    struct notification_filter past = {.has_until = true, .until = {wall_now().us - 3600000000LL}};
    const char *ids[] = {b.s, NOBODY};
    int64_t n = -1;
    EXPECT(notification_acknowledge(
               &tb.svc, &elsewhere,
               &(struct notification_order){.filter = any, .ids = NULL, .ids_n = 0}, &n),
           ERR_OK);
    ck_assert_int_eq(n, 0);
    EXPECT(notification_acknowledge(
               &tb.svc, &all, &(struct notification_order){.filter = past, .ids = NULL, .ids_n = 0},
               &n),
           ERR_OK);
    ck_assert_int_eq(n, 0);
    EXPECT(
        notification_acknowledge(
            &tb.svc, &all, &(struct notification_order){.filter = any, .ids = ids, .ids_n = 0}, &n),
        ERR_OK); /* an empty list is nobody */
    ck_assert_int_eq(n, 0);
    EXPECT(notification_acknowledge(
               &tb.svc, &all,
               &(struct notification_order){.filter = timeouts, .ids = ids, .ids_n = 2}, &n),
           ERR_OK);
    ck_assert_int_eq(n, 0);
    EXPECT(
        notification_acknowledge(
            &tb.svc, &all, &(struct notification_order){.filter = any, .ids = ids, .ids_n = 2}, &n),
        ERR_OK);
    ck_assert_int_eq(n, 1);
    EXPECT(notification_acknowledge(
               &tb.svc, &all, &(struct notification_order){.filter = any, .ids = NULL, .ids_n = 0},
               &n),
           ERR_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(
        COUNT("notifications WHERE status = 'FAILED' AND acknowledged_by = 'staff:desk'"), 2);
    ck_assert_int_eq(COUNT("audit_log WHERE action = 'notification.acknowledge'"), 2);
    (void)a;
}
END_TEST

START_TEST(the_list_is_newest_first_and_filtered)
{
    const struct notification_item *items;
    size_t n;
    for (int h = 10; h < 13; h++)
        notice_with(h, h == 11 ? ERR_PROVIDER_FAILED : ERR_OK);
    struct notification_page page = {.limit = 2};
    EXPECT(notification_list(&tb.svc, &all, &page, &items, &n), ERR_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert(items[0].created_at.us > items[1].created_at.us);
    char at[WALL_RFC3339_MAX];
    page.after_created = wall_format(items[1].created_at, at);
    page.after_id = items[1].id.s;
    EXPECT(notification_list(&tb.svc, &all, &page, &items, &n), ERR_OK);
    ck_assert_uint_eq(n, 1);
    page = (struct notification_page){.limit = 9, .filter = {.status = "FAILED"}};
    EXPECT(notification_list(&tb.svc, &all, &page, &items, &n), ERR_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(items[0].error_code, "provider_failed");
    page.filter = (struct notification_filter){.booking_id = items[0].booking_id.s};
    EXPECT(notification_list(&tb.svc, &all, &page, &items, &n), ERR_OK);
    ck_assert_uint_eq(n, 1);
    EXPECT(notification_list(&tb.svc, &elsewhere, &page, &items, &n), ERR_OK);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(what_nobody_needs_is_purged)
{
    sql("INSERT INTO idempotency_keys (caller, key, request_hash, holder, claimed_until, "
        "created_at) VALUES"
        " ('c', 'old', '', '', now(), now() - interval '25 hours'), ('c', 'new', '', '', now(), "
        "now() - interval '23 "
        "hours')");
    sql("INSERT INTO sessions VALUES ('old', '" ALICE
        "', now(), now() - interval '1 s'), ('new', '" ALICE "', now(), now() + interval '1 h')");
    sql("INSERT INTO rate_limits VALUES ('old', now(), now() - interval '1 s', 1), ('new', now(), "
        "now() + interval '1 "
        "h', 1)");
    sql("INSERT INTO otp_challenges (id, phone, code_mac, locale, status, created_at, expires_at) "
        "VALUES"
        " (gen_random_uuid(), 'old', '', 'ar', 'sent', now() - interval '26 h', now() - interval "
        "'25 h'),"
        " (gen_random_uuid(), 'new', '', 'ar', 'sent', now() - interval '2 h', now() - interval '1 "
        "h')");
    run_job("purge");
    ck_assert_int_eq(COUNT("idempotency_keys WHERE key = 'new'"), COUNT("idempotency_keys"));
    ck_assert_int_eq(COUNT("sessions WHERE token_hash = 'new'"), COUNT("sessions"));
    ck_assert_int_eq(COUNT("rate_limits WHERE subject = 'new'"), COUNT("rate_limits"));
    ck_assert_int_eq(COUNT("otp_challenges WHERE phone = 'new'"), COUNT("otp_challenges"));
    ck_assert_int_eq(COUNT("idempotency_keys") + COUNT("sessions") + COUNT("rate_limits") +
                         COUNT("otp_challenges"),
                     4);
}
END_TEST

/* S5: what is over a quota is on the books, and nobody is sent anything. */
START_TEST(a_quota_ends_the_sending_and_not_the_bookings)
{
    struct booking b;
    tb.cfg.notifications.per_phone = (struct rate_limit){_i == 0 ? 3 : 100, 3600000};
    tb.cfg.notifications.per_customer = (struct rate_limit){_i == 0 ? 100 : 3, 3600000};
    tb.cfg.bookings.max_active_per_customer = 50;
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(th_book_make(&tb.alice, i, &b), ERR_OK);
    ck_assert_int_eq(th_sms.calls, 3);
    ck_assert_str_eq(th_db_value(&tb.t, "SELECT count(*) FROM notifications WHERE status = 'FAILED'"
                                        " AND error_code = 'throttled' AND attempts = 0"),
                     "5");
    ck_assert_int_eq(th_book_make(&tb.bob, 20, &b), ERR_OK);
    ck_assert_int_eq(th_sms.calls, 4);
}
END_TEST

/* S10: a stranger who makes rows faster than one batch per run does not outrun the purge. */
START_TEST(the_purge_keeps_up)
{
    sql("INSERT INTO rate_limits SELECT 'r' || n, now(), now() - interval '1 s', 1"
        " FROM generate_series(1, 3333) n");
    sql("INSERT INTO known_addresses SELECT 'p', 'a' || n, now() - n * interval '100 days'"
        " FROM generate_series(1, 700) n");
    run_job("purge");
    ck_assert_int_eq(COUNT("rate_limits"), 0);
    ck_assert_int_eq(COUNT("known_addresses"), 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("notify");
    TCase *c = th_case(s, "notify");
    tcase_add_checked_fixture(c, th_book_set_up, th_book_tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, every_fault_of_the_provider_is_absorbed_and_named, 0,
                        (int)ARRAY_LEN(ends));
    tcase_add_test(c, without_a_provider_or_time_nothing_is_tried);
    tcase_add_test(c, what_is_too_old_by_its_turn_is_not_sent);
    tcase_add_test(c, texts_are_plain_capped_and_in_the_customers_language);
    tcase_add_test(c, a_silent_sender_is_called_interrupted_and_a_late_result_corrects_it);
    tcase_add_test(c, a_result_waits_in_the_process_while_the_database_is_away);
    tcase_add_test(c, one_is_sent_again_by_whoever_may);
    tcase_add_test(c, what_is_too_old_or_erased_is_not_sent_again);
    tcase_add_test(c, two_resends_of_a_row_send_once);
    tcase_add_test(c, many_are_sent_again_oldest_first);
    tcase_add_test(c, acknowledging_takes_rows_out_of_the_alert_and_nothing_else);
    tcase_add_test(c, the_list_is_newest_first_and_filtered);
    tcase_add_test(c, what_nobody_needs_is_purged);
    tcase_add_loop_test(c, a_quota_ends_the_sending_and_not_the_bookings, 0, 2);
    tcase_add_test(c, the_purge_keeps_up);
    return s;
}

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    return th_run(suite());
}
