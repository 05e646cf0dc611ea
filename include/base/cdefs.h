/* Compiler attributes and the few macros that every layer uses. */
#ifndef BOOKINGD_BASE_CDEFS_H
#define BOOKINGD_BASE_CDEFS_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN _Noreturn
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
