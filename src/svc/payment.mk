# payments and refunds: libsvc_a_SOURCES += ...
libsvc_a_SOURCES += \
  include/svc/payment.h \
  src/svc/payment.c \
  src/svc/payment_event.c \
  src/svc/payment_giveback.c \
  src/svc/payment_open.c \
  src/svc/payment_priv.h \
  src/svc/payment_refund.c \
  src/svc/payment_settle.c \
  src/svc/payment_upkeep.c
