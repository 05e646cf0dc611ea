/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Whether a standby confirms what is committed (database.require_synchronous). Without one the
 * bookings of the last moments are lost with the primary. Asked by `bookingd doctor` and by the
 * monitor; database errors pass through.
 */
#ifndef BOOKINGD_SVC_REPLICATION_H
#define BOOKINGD_SVC_REPLICATION_H

#include "svc/svc.h"

struct replication {
    const char *fault; /* NULL: there is one */
    const char *todo;  /* what mends it; both are constants */
};
/* One round trip on s->db within s->deadline. */
enum err replication_read(struct svc *s, struct replication *out) MUST_CHECK;

#endif
