/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One row of the table notifications, for spin (tests/model/run). Whatever moves it: the request
 * that wrote it, two couriers, staff who send it again, and the keeper, for whom every claim may
 * run out at any moment. Two of them may die anywhere. The provider has five ways to behave.
 *
 * The moves are those of include/domain/notification_moves.def: `run` writes their numbers, FROM_
 * and TO_ into moves.h.
 *
 * Proved: nobody gets the message more often than once and once for each wish to send it again;
 * a row that is SENT stays so; the row ends. Each BUG_ puts back a fault that such queues have had,
 * and must be found.
 */
#include "moves.h"

#define NOBODY 0
#define WORKER 1
#define STAFF 4 /* the couriers are 2 and 3 */

byte place;       /* of the row: WAITING, HELD, SENT, FAILED */
byte claim;       /* its number; never given back */
byte attempts;
bool interrupted; /* FAILED, since the claim ran out */
byte delivered;   /* messages that the provider took */
byte wishes;      /* of staff, or of on_unknown: resend, to send it again */
byte deaths;
byte ended;       /* processes */
bool resend;      /* notifications.on_unknown */

#define ACTORS 4 /* worker, staff, two couriers */
#define DEATHS 2

inline move(from, to)
{
    assert(place == from);
    assert(place != SENT);
    place = to;
}

/* What the call says, in `m`; whether the provider took it stands in `delivered`. */
inline call(m)
{
    if
    :: delivered++; m = TAKEN
    :: m = REFUSED
    :: m = NOT_SENT
    :: delivered++; m = UNKNOWN
    :: m = UNKNOWN
    fi
}

/* One statement: the result, if the row is still at this claim. */
inline settle(mine, m)
{
    atomic {
        if
#ifdef BUG_NO_FENCE
        :: true ->
            if
            :: m == TAKEN -> place = TO_TAKEN
            :: m == REFUSED || m == UNKNOWN -> assert(place != SENT); place = TO_UNKNOWN
            :: m == NOT_SENT -> assert(place != SENT); place = TO_NOT_SENT
            fi
#else
        :: claim == mine && place == HELD ->
            interrupted = false;
            if
            :: m == TAKEN -> move(FROM_TAKEN, TO_TAKEN)
            :: m == REFUSED -> move(FROM_REFUSED, TO_REFUSED)
            :: m == NOT_SENT -> attempts = attempts - GIVES_BACK_NOT_SENT;
                                move(FROM_NOT_SENT, TO_NOT_SENT)
#ifdef BUG_RETRY_UNKNOWN
            :: m == UNKNOWN -> move(FROM_AGAIN, TO_AGAIN)
#else
            :: m == UNKNOWN && resend && attempts < 2 -> wishes++; move(FROM_AGAIN, TO_AGAIN)
            :: m == UNKNOWN && !(resend && attempts < 2) -> move(FROM_UNKNOWN, TO_UNKNOWN)
#endif
            fi
        /* The keeper took its sender for dead: a final result corrects that. */
        :: claim == mine && place == FAILED && interrupted ->
            if
            :: m == TAKEN -> place = SENT
            :: m == REFUSED || m == UNKNOWN -> interrupted = false
            :: m == NOT_SENT -> skip
            fi
        :: else -> skip
#endif
        fi
    }
}

/* Nobody may retry a request's or a person's own call. */
inline settle_once(mine, m)
{
    atomic {
        if
        :: claim == mine && (place == HELD || (place == FAILED && interrupted)) ->
            interrupted = false;
            if
            :: m == TAKEN -> place = TO_TAKEN
            :: else -> place = TO_UNKNOWN
            fi
        :: else -> skip
        fi
    }
}

inline may_die()
{
    if
    :: atomic { deaths < DEATHS -> deaths++ }; goto dead
    :: skip
    fi
}

proctype worker(bool has)
{
    byte m;
    if
    :: has ->
        may_die();
        call(m);
        may_die();
#ifdef BUG_UNCLAIMED
        atomic { if :: m == TAKEN -> place = SENT :: else -> skip fi }
#else
        settle_once(1, m)
#endif
    :: else -> skip
    fi;
dead:
    ended++
}

proctype courier(byte me)
{
    byte mine, m, rounds = 0;
    do
    :: rounds < 2 ->
        rounds++;
        atomic {
            if
            :: place == WAITING ->
                move(FROM_CLAIM, TO_CLAIM);
                claim++;
                attempts++;
                mine = claim
            :: else -> mine = 0
            fi
        };
        if
        :: mine == 0 -> skip
        :: else ->
            if
            :: atomic { deaths < DEATHS -> deaths++ }; goto buried
            :: skip
            fi;
            call(m);
            may_die();
            settle(mine, m)
        fi
    :: break
    od;
    goto dead;
buried:
    /* It died before its call. Others of its host give the row back, or the host died too. */
    if
    :: atomic {
           if
           :: claim == mine && place == HELD ->
               attempts = attempts - GIVES_BACK_RELEASE;
               move(FROM_RELEASE, TO_RELEASE)
           :: else -> skip
           fi
       }
    :: skip
    fi;
dead:
    ended++
}

proctype staff()
{
    byte mine, m;
    if
    :: atomic {
           place == FAILED ->
           move(FROM_RESEND, TO_RESEND);
           interrupted = false;
           claim++;
           attempts++;
           mine = claim;
           wishes++
       };
       may_die();
       call(m);
       may_die();
       settle_once(mine, m)
    :: skip
    fi;
dead:
    ended++
}

proctype keeper()
{
    do
    :: atomic { place == HELD ->
#ifdef BUG_REQUEUE
                place = WAITING
#else
                move(FROM_RUN_OUT, TO_RUN_OUT);
                interrupted = true
#endif
       }
    :: atomic { place == WAITING && ended == ACTORS -> move(FROM_EXPIRE, TO_EXPIRE) }
    :: atomic { ended == ACTORS && (place == SENT || place == FAILED) -> break }
    od;
    assert(delivered <= 1 + wishes)
}

init {
    bool inline_row;
    if
    :: inline_row = true
    :: inline_row = false
    fi;
    if
    :: resend = true
    :: resend = false
    fi;
    if
#ifdef BUG_UNCLAIMED
    :: inline_row -> place = WAITING
#else
    :: inline_row -> place = HELD; claim = 1
#endif
    :: else -> place = WAITING
    fi;
    atomic {
        run worker(inline_row);
        run courier(2);
        run courier(3);
        run staff();
        run keeper()
    }
}
