/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Packets between the processes: inline and in a memfd, with and without a descriptor, cut short,
 * and the end. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "base/cdefs.h"
#include "ipc/protocol.h"
#include "sys/net.h"
#include "sys/shm.h"

static int pair[2];
static char *packet;

static void setup(void)
{
    ck_assert(net_seqpacket_pair(pair));
    packet = malloc(PROTOCOL_PACKET_MAX);
    ck_assert_ptr_nonnull(packet);
}

static void teardown(void)
{
    close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
    free(packet);
}

static int receive(struct protocol_report *r, struct protocol_packet *p)
{
    return protocol_recv(pair[0], &protocol_reports, packet, r, p);
}

/* Reports as they were with files: the tests below are about those, whatever the kind. */
static const struct protocol_kind with_files = {
    sizeof(struct protocol_report), offsetof(struct protocol_report, len), PROTOCOL_REQUEST_MAX};
static int receive_any(struct protocol_report *r, struct protocol_packet *p)
{
    return protocol_recv(pair[0], &with_files, packet, r, p);
}

static void send_report(size_t len, int fd)
{
    char *bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7);
    struct protocol_report r = {.news = PROTOCOL_DONE, .seq = 42, .flags = 2, .len = len};
    struct protocol_packet p = {.bytes = bytes, .len = len, .fd = fd};
    ck_assert(protocol_send(pair[1], &r, sizeof(r), &p));
    free(bytes);
}

static const size_t sizes[] = {
    0, 1, 1000, PROTOCOL_INLINE_MAX - 1, PROTOCOL_INLINE_MAX, PROTOCOL_INLINE_MAX + 1, 1 << 20};

START_TEST(bytes_arrive_whole)
{
    for (int with_fd = 0; with_fd < 2; with_fd++) {
        int fd = with_fd ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
        struct protocol_report r;
        struct protocol_packet p;
        send_report(sizes[_i], fd);
        ck_assert_int_eq(receive_any(&r, &p), 1);
        ck_assert_uint_eq(r.seq, 42);
        ck_assert_uint_eq(r.flags, 2);
        ck_assert_uint_eq(p.len, sizes[_i]);
        size_t same = 0;
        for (size_t i = 0; i < p.len; i++)
            same += p.bytes[i] == (char)(i * 7);
        ck_assert_uint_eq(same, p.len);
        ck_assert_int_eq(p.fd >= 0, with_fd);
        ck_assert_int_eq(p.heap != NULL, sizes[_i] > PROTOCOL_INLINE_MAX);
        if (with_fd) {
            close(p.fd);
            close(fd);
        }
        protocol_drop(&p);
    }
}
END_TEST

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

START_TEST(no_descriptor_is_left_behind)
{
    int before = open_fds();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct protocol_report r;
        struct protocol_packet p;
        send_report(sizes[i], pair[1]);
        ck_assert_int_eq(receive_any(&r, &p), 1);
        close(p.fd);
        protocol_drop(&p);
    }
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

/* What comes without its descriptors, since the receiver has none left, is known by its head. */
START_TEST(descriptors_that_cannot_be_had_are_lost_alone)
{
    struct rlimit all, none;
    struct protocol_report r;
    struct protocol_packet p;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    int before = open_fds();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        send_report(sizes[i], pair[1]);
        int first_free = dup(0);
        close(first_free);
        none = (struct rlimit){.rlim_cur = (rlim_t)first_free, .rlim_max = all.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        int got = receive_any(&r, &p);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
        ck_assert_int_eq(got, 1);
        ck_assert(p.lost);
        ck_assert_int_eq(p.fd, -1);
        ck_assert_uint_eq(p.len, 0);
        ck_assert_uint_eq(r.seq, 42);
    }
    send_report(10, pair[1]); /* and the pair goes on */
    ck_assert_int_eq(receive_any(&r, &p), 1);
    ck_assert(!p.lost);
    close(p.fd);
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(nothing_there_is_eagain_and_a_closed_pair_the_end)
{
    struct protocol_report r;
    struct protocol_packet p;
    ck_assert_int_eq(receive_any(&r, &p), -1);
    ck_assert_int_eq(errno, EAGAIN);
    send_report(10, -1);
    close(pair[1]);
    pair[1] = -1;
    ck_assert_int_eq(receive_any(&r, &p), 1); /* what was sent before the end still comes */
    ck_assert_int_eq(receive_any(&r, &p), 0);
}
END_TEST

START_TEST(reports_of_a_peer_that_left_packets_unread)
{
    struct protocol_report r = {.news = PROTOCOL_READY};
    struct protocol_packet p = {.fd = -1};
    send_report(10, -1);
    ck_assert(protocol_send(pair[0], &r, sizeof(r),
                            &p)); /* it will never read this one: ECONNRESET for us */
    close(pair[1]);
    pair[1] = -1;
    ck_assert_int_eq(receive_any(&r, &p), 1);
    ck_assert_uint_eq(r.seq, 42);
    ck_assert_int_eq(receive_any(&r, &p), 0);
}
END_TEST

START_TEST(packets_that_contradict_themselves_end_the_pair)
{
    struct protocol_report r = {.len = 5};
    struct protocol_packet p;
    ck_assert_int_eq(send(pair[1], "short", 5, 0), 5);
    ck_assert_int_eq(receive_any(&r, &p), 0);
    ck_assert_int_eq(send(pair[1], &r, sizeof(r), 0),
                     (ssize_t)sizeof(r)); /* says 5 bytes, has none */
    ck_assert_int_eq(receive_any(&r, &p), 0);
    r.len = PROTOCOL_INLINE_MAX + 1; /* says memfd, has none */
    ck_assert_int_eq(send(pair[1], &r, sizeof(r), 0), (ssize_t)sizeof(r));
    ck_assert_int_eq(receive_any(&r, &p), 0);
    int small = net_memfd("x", 1);
    struct iovec iov = {.iov_base = &r, .iov_len = sizeof(r)};
    r.len = PROTOCOL_INLINE_MAX +
            1; /* a memfd that is shorter than it says: touching it would be SIGBUS */
    ck_assert_int_eq(net_send_fds(pair[1], &iov, 1, &small, 1), (ssize_t)sizeof(r));
    close(small);
    ck_assert_int_eq(receive_any(&r, &p), 0);
    ck_assert_int_eq(p.fd, -1);
    int pipes[2]; /* no file, whatever it has to say */
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(net_send_fds(pair[1], &iov, 1, pipes, 1), (ssize_t)sizeof(r));
    ck_assert_int_eq(receive_any(&r, &p), 0);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

/* S16: a worker's report of 400 MB made the dispatcher as large. A report has no file at all. */
START_TEST(more_than_a_kind_may_have_ends_the_pair)
{
    const uint64_t lengths[] = {PROTOCOL_INLINE_MAX + 1, PROTOCOL_ANSWER_MAX, UINT64_MAX};
    struct protocol_packet p;
    int big = net_memfd("x", 1);
    ck_assert_int_eq(ftruncate(big, (off_t)PROTOCOL_REQUEST_MAX + 1), 0);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct protocol_report r = {.news = PROTOCOL_DONE, .len = lengths[i]};
        struct iovec iov = {.iov_base = &r, .iov_len = sizeof(r)};
        ck_assert_int_eq(net_send_fds(pair[1], &iov, 1, &big, 1), (ssize_t)sizeof(r));
        ck_assert_int_eq(receive(&r, &p), 0);
        ck_assert_ptr_null(p.heap);
    }
    struct protocol_request q = {.len = PROTOCOL_REQUEST_MAX + 1};
    struct iovec iov = {.iov_base = &q, .iov_len = sizeof(q)};
    ck_assert_int_eq(net_send_fds(pair[1], &iov, 1, &big, 1), (ssize_t)sizeof(q));
    ck_assert_int_eq(protocol_recv(pair[0], &protocol_requests, packet, &q, &p), 0);
    close(big);
}
END_TEST

/* A sender that cuts its file short afterwards would end a reader that had mapped it. */
START_TEST(bytes_are_the_receivers_own)
{
    struct protocol_request q = {.len = PROTOCOL_REQUEST_MAX};
    struct iovec iov = {.iov_base = &q, .iov_len = sizeof(q)};
    struct protocol_packet p;
    int big = net_memfd("x", 1);
    ck_assert_int_eq(ftruncate(big, (off_t)PROTOCOL_REQUEST_MAX), 0);
    ck_assert_int_eq(net_send_fds(pair[1], &iov, 1, &big, 1), (ssize_t)sizeof(q));
    ck_assert_int_eq(protocol_recv(pair[0], &protocol_requests, packet, &q, &p), 1);
    ck_assert_int_eq(ftruncate(big, 0), 0);
    ck_assert_int_eq(p.bytes[0], 'x');
    ck_assert_int_eq(p.bytes[PROTOCOL_REQUEST_MAX - 1], 0);
    protocol_drop(&p);
    close(big);
}
END_TEST

START_TEST(handings_over_belong_to_their_slot)
{
    ck_assert(shm_init(protocol_shared_size(3) + 64));
    protocol_shared_init(3);
    struct protocol_given g = {mono_now(), deadline_in_ms(10)};
    protocol_give(2, g);
    ck_assert_int_eq(protocol_given(1).at.ns, 0);
    ck_assert_int_eq(protocol_given(2).at.ns, g.at.ns);
    ck_assert_int_eq(protocol_given(2).until.at.ns, g.until.at.ns);
    shm_fini();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handover");
    TCase *t = tcase_create("packets");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, bytes_arrive_whole, 0, (int)ARRAY_LEN(sizes));
    tcase_add_test(t, no_descriptor_is_left_behind);
    tcase_add_test(t, nothing_there_is_eagain_and_a_closed_pair_the_end);
    tcase_add_test(t, reports_of_a_peer_that_left_packets_unread);
    tcase_add_test(t, packets_that_contradict_themselves_end_the_pair);
    tcase_add_test(t, more_than_a_kind_may_have_ends_the_pair);
    tcase_add_test(t, bytes_are_the_receivers_own);
    tcase_add_test(t, handings_over_belong_to_their_slot);
    suite_add_tcase(s, t);
    TCase *limits = tcase_create(
        "limits"); /* a process of its own; memcheck has its own idea of RLIMIT_NOFILE */
    tcase_set_tags(limits, TH_TAG_FORK);
    tcase_add_checked_fixture(limits, setup, teardown);
    tcase_add_test(limits, descriptors_that_cannot_be_had_are_lost_alone);
    suite_add_tcase(s, limits);
    return th_run(s);
}
