# bookings, ledger of notifications, upkeep
libsvc_a_SOURCES += \
  include/svc/booking.h \
  include/svc/ledger.h \
  include/svc/notify.h \
  include/svc/upkeep.h \
  src/svc/booking.c \
  src/svc/booking_change.c \
  src/svc/booking_place.c \
  src/svc/booking_priv.h \
  src/svc/notify.c \
  src/svc/notify_priv.h \
  src/svc/notify_store.c \
  src/svc/notify_text.c \
  src/svc/ledger.c \
  src/svc/upkeep.c
