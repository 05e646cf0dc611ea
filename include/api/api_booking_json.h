/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of bookings and notifications, as openapi.yaml's schemas say, and what their handlers share.
 */
#ifndef BOOKINGD_API_API_BOOKING_JSON_H
#define BOOKINGD_API_API_BOOKING_JSON_H

#include "api/api_handler.h"
#include "svc/booking.h"
#include "svc/notification_list.h"

/* Booking; names in the caller's language, else the venue's */
json_t *api_booking_json(const struct api_request *r, const struct booking *bk);
/* StaffBooking: with the customer */
json_t *api_staff_booking_json(const struct api_request *r, const struct booking *bk);
/* One booking as the caller may see it, in the request's arena: a key of one venue is not shown the
 * name of an account whose customer never booked there (BEHAVIOUR §5). */
typedef json_t *api_booking_view_fn(const struct api_request *r, const struct booking *bk);
json_t *api_booking_view(const struct api_request *r, const struct booking *bk,
                         api_booking_view_fn *view);
/* A row of a list of bookings in one of these views, in the request's arena, as api_reply_page()
 * wants it. */
json_t *api_booking_item(struct api_request *r, struct db_rows rows, int i, const char **next,
                         api_booking_view_fn *view);
/* Notification */
json_t *api_notification_json(struct arena *a, const struct notification_item *n);

/* What a move's `resource_id` says: one, null (any), or absent (keep). `has_resource`: it was read.
 */
enum booking_resource_choice api_booking_choice(const struct api_request *r, bool has_resource);

/* Who changes a booking, for handlers that answer with it: its `on_commit` makes the answer and
 * lets it be stored with the change. Borrows `answer`. */
struct api_booking_answer {
    struct api_request *r;
    int status;
    api_booking_view_fn *view;
    const char *location; /* of 201, with a slash at its end; else NULL */
};
struct booking_caller api_booking_caller(struct api_booking_answer *answer);
/* What a change of a booking that exists needs: who makes it, how it is answered (200), and room
 * for the booking afterwards. Not to be copied: the caller points at the answer. */
struct api_booking_change {
    struct api_booking_answer answer;
    struct booking_caller caller;
    struct booking after;
};
/* Also reads If-Match, before anything is changed: ERR_VALIDATION when it is malformed. */
enum err api_booking_begin_change(struct api_request *r, api_booking_view_fn *view,
                                  struct versions *match,
                                  struct api_booking_change *out) MUST_CHECK;

/*
 * A cursor of (time, id), for lists that are sorted so. Reads `after` into fields[2] (NULL when
 * absent); false, with a fault at query:after, for a foreign one: answer it only after api_first().
 */
bool api_time_cursor(struct api_request *r, const char *after, const char *fields[2]) MUST_CHECK;
const char *api_time_cursor_make(const struct api_request *r, struct wall at,
                                 const struct uuid *id);

#endif
