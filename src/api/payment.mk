# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# payments and the gateway's hints
libapi_a_SOURCES += \
  include/api/api_payment.h \
  src/api/api_payment.c
