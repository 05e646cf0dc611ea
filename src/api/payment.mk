# payments and the gateway's hints
libapi_a_SOURCES += \
  include/api/api_payment.h \
  src/api/api_payment.c
