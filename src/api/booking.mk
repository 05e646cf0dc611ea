# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# handlers of bookings, calendar, notifications
libapi_a_SOURCES += \
  include/api/api_booking_json.h \
  src/api/api_booking.c \
  src/api/api_booking_json.c \
  src/api/api_notification.c \
  src/api/api_calendar.c \
  src/api/api_staff_cancel.c \
  src/api/api_staff_link.c src/api/api_staff_link.h \
  src/api/api_staff_place.c \
  src/api/api_staff_booking.c
