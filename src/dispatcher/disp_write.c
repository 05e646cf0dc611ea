/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Writes answers, whoever made them, at the speed at which clients take them; and ends connections
 * in order: after the last answer the client's side is drained for a while, since closing a socket
 * with unread bytes makes the kernel send a reset, which can destroy the answer. Called by
 * disp_drive.c.
 */
#include "disp_write.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/digest.h"
#include "disp_conn.h"
#include "disp_peers.h"
#include "sys/net.h"

/* Bytes that a client may still send after its last answer before it is cut off: as much as a
 * client has usually in flight when it is told that its upload is not wanted. */
#define LINGER_BYTES (4 * 1024 * 1024)

/* Drops the answered request from the buffer; what is behind it was pipelined and comes next. */
static void disp_write_consume(struct conn *c)
{
    size_t used = c->req && c->req->total && c->req->total < c->len ? c->req->total : c->len;
    free(c->req);
    c->req = NULL;
    c->seen = 0;
    c->len -= used;
    if (c->len > 0) {
        /* Moved, not copied to a new buffer: pipelining is rare and the rest short. */
        memmove(c->buf, c->buf + used, c->len);
        digest_wipe(c->buf + c->len, used);
        return;
    }
    disp_conn_drop_input(c);
}

/* The whole answer is out. In a drain the last pipelined request is still answered. */
static struct disp_event disp_write_sent(struct disp *d, struct conn *c)
{
    disp_conn_drop_output(c);
    disp_write_consume(c);
    c->close = c->close || (d->draining && c->len == 0);
    if (!c->close)
        return DISP_EVENT(CE_SENT);
    if (c->eof || shutdown(c->fd, SHUT_WR) != 0)
        return DISP_EVENT(CE_CLOSE);
    disp_conn_drop_input(c);
    return DISP_EVENT(CE_SENT_LAST);
}

/* Keeps what the socket did not take. False: no memory. */
static bool disp_write_keep_rest(struct conn *c, struct str rest)
{
    c->out = malloc(rest.n);
    if (!c->out)
        return false;
    memcpy(c->out, rest.p, rest.n);
    c->out_len = rest.n;
    c->out_at = 0;
    return true;
}

struct disp_event disp_write_some(struct disp *d, struct conn *c, struct str bytes)
{
    disp_peers_end(d, c->req);
    struct str rest = c->out ? (struct str){c->out + c->out_at, c->out_len - c->out_at} : bytes;
    const enum net_io io = net_send_some(c->fd, &rest);
    if (io == NET_IO_DONE)
        return disp_write_sent(d, c);
    if (io != NET_IO_WAIT)
        return DISP_EVENT(CE_CLOSE);
    if (c->out)
        c->out_at = c->out_len - rest.n;
    else if (!disp_write_keep_rest(c, rest))
        return DISP_EVENT(CE_CLOSE);
    return DISP_EVENT(disp_conn_want(d, c, EPOLLOUT) ? CE_NONE : CE_CLOSE);
}

struct disp_event disp_write_discard(struct conn *c)
{
    char sink[16 * 1024];
    size_t got;
    enum net_io io;
    while ((io = net_recv_some(c->fd, sink, sizeof(sink), &got)) == NET_IO_DONE) {
        c->seen += got; /* no request is in the buffer any more: the count of dropped bytes */
        if (c->seen > LINGER_BYTES)
            return DISP_EVENT(CE_CLOSE);
    }
    return DISP_EVENT(io == NET_IO_WAIT ? CE_MORE : CE_CLOSE);
}
