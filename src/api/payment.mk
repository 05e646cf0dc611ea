# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# payments and the gateway's hints
libapi_a_SOURCES += \
  include/api/api_payment_json.h \
  src/api/api_payment.c \
  src/api/api_payment_json.c \
  src/api/api_payment_list.c \
  src/api/api_site_payment.c
