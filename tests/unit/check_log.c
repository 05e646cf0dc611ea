/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* sys/log: one line a record whatever goes in, and never a wait. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "sys/log.h"
#include "sys/log_line.h"

#define SOME "some text"

/* ---- lines ---- */

static const char *line_of(bool json, const char *key, struct str v)
{
    static struct log_line l;
    log_line_start(&l, json, '\0');
    log_line_str(&l, key, v);
    log_line_end(&l);
    l.buf[l.n] = '\0';
    return l.buf;
}

START_TEST(logfmt_values)
{
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {STR("plain"), "k=plain\n"},
        {STR("two words"), "k=\"two words\"\n"},
        {STR(""), "k=\"\"\n"},
        {{NULL, 0}, "k=\n"},
        {STR("a=b"), "k=\"a=b\"\n"},
        {STR("say \"hi\""), "k=\"say \\\"hi\\\"\"\n"},
        {STR("back\\slash"), "k=\"back\\\\slash\"\n"},
        {STR("line\nbreak\ttab\r"), "k=\"line\\nbreak\\ttab\\u000d\"\n"},
        {STR("\x1b[31mred\x7f"), "k=\"\\u001b[31mred\\u007f\"\n"},
        {STR("nul\0in"), "k=\"nul\\u0000in\"\n"},
        {STR("c1 \xc2\x9b here"), "k=\"c1 \\u009b here\"\n"},
        {STR("\xd8\xb1\xd9\x85\xd8\xb2"), "k=\"\xd8\xb1\xd9\x85\xd8\xb2\"\n"},
        {STR("bad \xff\xc3 end"), "k=\"bad \xef\xbf\xbd\xef\xbf\xbd end\"\n"},
        {STR("cut \xe2\x82"), "k=\"cut \xef\xbf\xbd\xef\xbf\xbd\"\n"},
        {STR("surrogate \xed\xa0\x80"), "k=\"surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"},
    };
    ck_assert_str_eq(line_of(false, "k", cases[_i].in), cases[_i].out);
    ck_assert_int_lt(_i, (int)ARRAY_LEN(cases));
    /* the same goes through JSON and comes back readable */
    json_error_t e;
    json_t *j = json_loads(line_of(true, "k", cases[_i].in), JSON_ALLOW_NUL, &e);
    ck_assert_msg(j != NULL, "%s: %s", e.text, line_of(true, "k", cases[_i].in));
    ck_assert_uint_eq(json_object_size(j), 1);
    if (cases[_i].in.p && str_utf8_valid(cases[_i].in))
        th_assert_str(((struct str){json_string_value(json_object_get(j, "k")),
                                    json_string_length(json_object_get(j, "k"))}),
                      cases[_i].in);
    json_decref(j);
}
END_TEST

START_TEST(numbers)
{
    struct log_line l;
    log_line_start(&l, false, '4');
    log_line_int(&l, "n", INT64_MIN);
    log_line_ms(&l, "took", 1.23456);
    log_line_ms(&l, "nan", NAN);
    log_line_ms(&l, "inf", INFINITY);
    log_line_end(&l);
    th_assert_str(((struct str){l.buf, l.n}),
                  STR("<4>n=-9223372036854775808 took_ms=1.235 nan_ms=0.000 inf_ms=0.000\n"));
}
END_TEST

/* However much goes in, the line stays whole, within a pipe's atomic size, and says that it was
 * cut. */
START_TEST(long_records_are_cut)
{
    static char text[LOG_VALUE_MAX * 2];
    struct log_line l;
    const bool json = _i & 1;
    memset(text, _i < 2 ? 'a' : '\x01', sizeof(text));
    if (_i < 2) /* a character across the limit goes as a whole */
        memcpy(text + LOG_VALUE_MAX - 1, "\xd8\xb1", 2);
    log_line_start(&l, json, '6');
    for (int i = 0; i < 40; i++)
        log_line_str(&l, "key", (struct str){text, sizeof(text)});
    log_line_int(&l, "last", 7);
    log_line_end(&l);
    ck_assert_uint_le(l.n, LOG_LINE_MAX);
    ck_assert_int_eq(l.buf[l.n - 1], '\n');
    ck_assert(str_utf8_valid((struct str){l.buf, l.n}));
    ck_assert_ptr_eq(memchr(l.buf, '\n', l.n), l.buf + l.n - 1);
    if (json) {
        json_error_t e;
        json_t *j = json_loadb(l.buf + 3, l.n - 3, 0, &e);
        ck_assert_msg(j != NULL, "%s", e.text);
        ck_assert(json_is_true(json_object_get(j, "truncated")));
        json_decref(j);
    } else {
        ck_assert_ptr_nonnull(memmem(l.buf, l.n, " truncated=true\n", 16));
    }
}
END_TEST

START_TEST(phones_are_masked)
{
    char buf[LOG_PHONE_MAX];
    ck_assert_str_eq(log_mask_phone("+966551234567", buf, sizeof(buf)), "+9665****4567");
    ck_assert_str_eq(log_mask_phone("+12025550123", buf, sizeof(buf)), "+1202****0123");
    ck_assert_str_eq(log_mask_phone("+1234567", buf, sizeof(buf)), "****");
    ck_assert_str_eq(log_mask_phone("", buf, sizeof(buf)), "****");
}
END_TEST

/* ---- the sink ---- */

static int saved_stderr = -1;

/* Puts `fd` in stderr's place. */
static void redirect(int fd)
{
    if (saved_stderr < 0)
        saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    log_init(LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
}

static void restore(void)
{
    if (saved_stderr >= 0)
        (void)dup2(saved_stderr, STDERR_FILENO);
    log_set_request(NULL);
    log_set_role(NULL, -1);
}

static size_t drain(int fd, char *buf, size_t size)
{
    size_t n = 0;
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (ssize_t r; n + 1 < size && (r = read(fd, buf + n, size - 1 - n)) > 0;)
        n += (size_t)r;
    buf[n] = '\0';
    return n;
}

START_TEST(a_record_has_its_place)
{
    int p[2];
    char buf[4096];
    ck_assert_int_eq(pipe(p), 0);
    redirect(p[1]);
    log_set_role("worker", 3);
    log_set_request("req-1");
    LOG(LOG_LEVEL_INFO, "booking.confirmed", F_STR("venue", "A b"), F_INT("n", 2),
        F_PHONE("to", "+966551234567"), F_STR("part", "xyz"), F_MS("took", 1.5),
        F_ERR(ERR_SLOT_TAKEN), F_STR("none", NULL), F_PHONE("nobody", NULL));
    LOG(LOG_LEVEL_DEBUG, "not.shown", F_INT("n", 1));
    (void)drain(p[0], buf, sizeof(buf));
    restore();
    const char *rest = strstr(buf, " level=");
    ck_assert_ptr_nonnull(rest);
    ck_assert_int_eq(strncmp(buf, "ts=20", 5), 0);
    ck_assert_str_eq(
        rest,
        " level=info event=booking.confirmed role=worker slot=3 request_id=req-1 venue=\"A b\" n=2 "
        "to=+9665****4567 part=xyz took_ms=1.500 error=slot_taken none= nobody=\n");
    close(p[0]);
}
END_TEST

START_TEST(journald_gets_priorities)
{
    int p[2];
    char buf[4096], env[64];
    struct stat st;
    ck_assert_int_eq(pipe(p), 0);
    ck_assert_int_eq(fstat(p[1], &st), 0);
    (void)snprintf(env, sizeof(env), "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", env, 1);
    redirect(p[1]);
    LOG(LOG_LEVEL_ERROR, "e", F_INT("n", 1));
    ck_assert_uint_gt(drain(p[0], buf, sizeof(buf)), 0);
    ck_assert_int_eq(strncmp(buf, "<3>ts=", 6), 0);
    setenv("JOURNAL_STREAM", "1:1", 1); /* stderr went elsewhere since */
    log_init(LOG_FORMAT_JSON, LOG_LEVEL_DEBUG);
    LOG(LOG_LEVEL_DEBUG, "d", F_INT("n", 1));
    ck_assert_uint_gt(drain(p[0], buf, sizeof(buf)), 0);
    ck_assert_int_eq(buf[0], '{');
    restore();
    close(p[0]);
    unsetenv("JOURNAL_STREAM");
}
END_TEST

START_TEST(held_records_go_out_together)
{
    int p[2];
    char buf[8192];
    ck_assert_int_eq(pipe(p), 0);
    redirect(p[1]);
    log_hold();
    LOG(LOG_LEVEL_INFO, "first", F_INT("n", 1));
    LOG(LOG_LEVEL_INFO, "second", F_INT("n", 2));
    ck_assert_uint_eq(drain(p[0], buf, sizeof(buf)), 0);
    log_flush();
    (void)drain(p[0], buf, sizeof(buf));
    const char *first = strstr(buf, "event=first n=1\nts=");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first, "event=second n=2\n"));
    /* What does not fit any more is not waited for. */
    for (int i = 0; i < 40; i++)
        LOG(LOG_LEVEL_INFO, "more", F_STR("text", SOME SOME SOME SOME SOME SOME SOME SOME SOME));
    ck_assert_uint_gt(drain(p[0], buf, sizeof(buf)), 0);
    log_flush();
    restore();
    close(p[0]);
}
END_TEST

static void alarmed(int signo)
{
    (void)signo;
    _exit(77); /* it blocked */
}

static uint64_t dropped_n;

static void count_drop(void)
{
    dropped_n++;
}

/* Full pipe or socket: records are dropped and counted, what went out is whole lines, and the loss
 * is told. */
START_TEST(a_full_sink_never_blocks)
{
    static char buf[1 << 20];
    const bool piped = _i % 2 == 0;
    int p[2];
    (void)signal(SIGALRM, alarmed);
    alarm(20);
    if (_i >= 2)
        log_hold();
    ck_assert_int_eq(piped ? pipe(p) : socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
    int writer = piped ? p[1] : p[0], reader = piped ? p[0] : p[1];
    const int flags = fcntl(writer, F_GETFL);
    int keep = dup(writer);
    redirect(writer);
    log_set_drop_hook(count_drop);
    for (int i = 0; i < 20000; i++)
        LOG(LOG_LEVEL_INFO, "fill",
            F_STR("text", SOME SOME SOME SOME SOME SOME SOME SOME SOME SOME SOME), F_INT("i", i));
    log_flush();
    uint64_t dropped = dropped_n;
    ck_assert_uint_gt(dropped, 0);
    ck_assert_int_eq(fcntl(keep, F_GETFL),
                     flags); /* the description is shared with others: left as it was */
    size_t n = drain(reader, buf, sizeof(buf));
    LOG(LOG_LEVEL_INFO, "again", F_INT("i", 1));
    log_flush();
    (void)drain(reader, buf + n, sizeof(buf) - n);
    restore();
    /* the note is shorter than a record and may have found room earlier: all notes together say it
     */
    uint64_t told = 0;
    static const char note[] = "event=log.dropped records=";
    for (const char *at = buf; (at = strstr(at, note)) != NULL; at += sizeof(note) - 1)
        told += strtoull(at + sizeof(note) - 1, NULL, 10);
    ck_assert_uint_eq(told, dropped);
    ck_assert_ptr_nonnull(strstr(buf, "event=again i=1\n"));
    unsigned long lines = 0, odd = 0;
    for (char *at = buf, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, lines++)
        odd += strncmp(at, "ts=", 3) != 0;
    ck_assert_uint_eq(odd, 0);
    ck_assert_uint_gt(lines, 100);
    close(reader);
    close(keep);
    alarm(0);
}
END_TEST

START_TEST(a_closed_sink_is_survived)
{
    int p[2];
    (void)signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(p), 0);
    redirect(p[1]);
    close(p[0]);
    log_set_drop_hook(count_drop);
    errno = 7;
    LOG(LOG_LEVEL_INFO, "lost", F_INT("i", 1));
    ck_assert_int_eq(errno, 7);
    ck_assert_uint_eq(dropped_n, 1);
    restore();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = th_case(s, "lines");
    tcase_add_loop_test(c, logfmt_values, 0, 15);
    tcase_add_test(c, numbers);
    tcase_add_loop_test(c, long_records_are_cut, 0, 4);
    tcase_add_test(c, phones_are_masked);
    TCase *f = th_case(s, "sink");
    tcase_set_tags(f, TH_TAG_FORK);
    tcase_set_timeout(f, 30);
    tcase_add_test(f, a_record_has_its_place);
    tcase_add_test(f, journald_gets_priorities);
    tcase_add_test(f, held_records_go_out_together);
    tcase_add_loop_test(f, a_full_sink_never_blocks, 0, 4);
    tcase_add_test(f, a_closed_sink_is_survived);
    return th_run(s);
}
