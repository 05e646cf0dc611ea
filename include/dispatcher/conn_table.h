/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The life of a client's connection as a table: which phase follows which event, and what is to be
 * done on the way. Pure: no socket, no clock. disp_drive.c does what the table says.
 *
 * A connection is always in exactly one phase. An event that has no cell in a phase changes nothing
 * and asks for nothing: epoll may report what was true a moment ago.
 */
#ifndef BOOKINGD_DISPATCHER_CONN_TABLE_H
#define BOOKINGD_DISPATCHER_CONN_TABLE_H

enum conn_phase {
    CP_FREE,    /* no connection in this place */
    CP_IDLE,    /* no byte of a request yet */
    CP_HEAD,    /* a head has begun */
    CP_BODY,    /* the head is whole, the body is under way */
    CP_QUEUED,  /* a whole request waits for a worker */
    CP_RETRY,   /* the same, after its first worker died: served before all others */
    CP_ACTIVE,  /* with a worker */
    CP_WRITING, /* an answer is being written; the client takes it at its own speed */
    CP_LINGER,  /* answered for the last time: what still comes in is dropped, since closing with
                   unread bytes would reset the connection and lose the answer */
    CP_COUNT
};
extern const char *const conn_phase_names[CP_COUNT];

enum conn_event {
    CE_NONE,      /* nothing more for now */
    CE_READY,     /* epoll: the socket can be read or written, as asked, or has failed */
    CE_BYTES,     /* there are bytes that nobody has looked at */
    CE_MORE,      /* what is here is not enough */
    CE_HEAD,      /* the head is whole */
    CE_REQUEST,   /* the request is whole */
    CE_GIVEN,     /* a worker has it */
    CE_LOST,      /* its worker died, and the request may be given to another */
    CE_PROBLEM,   /* it is to be answered here, with a problem document */
    CE_ANSWER,    /* the bytes of an answer are here */
    CE_SENT,      /* the whole answer is out, and the connection stays */
    CE_SENT_LAST, /* the whole answer is out, and it was the last */
    CE_CLOSE,     /* broken, too late or unwanted */
    CE_COUNT
};

enum conn_action {
    CA_NONE,
    CA_FILL,       /* read from the socket */
    CA_AWAIT,      /* ask epoll for input */
    CA_PARSE_HEAD, /* look for the end of the head */
    CA_PARSE_BODY, /* look for the end of the request */
    CA_OFFER,      /* give it to a worker, queue it, or turn it away */
    CA_COMPOSE,    /* make the problem document */
    CA_WRITE,      /* write what the socket takes of the answer */
    CA_NEXT,       /* a pipelined request may be here already */
    CA_DISCARD,    /* read and drop */
    CA_MUTE,       /* let epoll be silent until input is awaited again */
    CA_CLOSE,
    CA_COUNT
};

/* The action is done first, in the old phase; then `next` is the phase; then comes the event that
 * the action returned. */
struct conn_step {
    enum conn_phase next;
    enum conn_action action;
};
struct conn_step conn_step_of(enum conn_phase now, enum conn_event ev);

#endif
