/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Compiler attributes and the few macros that every layer uses. */
#ifndef BOOKINGD_BASE_CDEFS_H
#define BOOKINGD_BASE_CDEFS_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN _Noreturn
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* 1 in a build with AddressSanitizer, whichever compiler made it */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

#endif
