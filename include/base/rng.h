/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Randomness from getrandom(2); a failure is a bug of the machine and aborts. */
#ifndef BOOKINGD_BASE_RNG_H
#define BOOKINGD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* n bytes from the kernel, fit for keys. It cannot fail: without random numbers the process
 * ends. */
void rng_bytes(void *buf, size_t n);
/* n bytes, at most 1024, for identifiers that prove nothing: as random, and different in every
 * process, but drawn ahead, so that most calls ask the kernel nothing. Not for secrets. */
void rng_id_bytes(void *buf, size_t n);
/* Uniform in [0, bound), unbiased by rejection; bound > 0. */
uint32_t rng_below(uint32_t bound);
/* n decimal digits and a NUL into buf (n + 1 bytes), unbiased: one-time codes. */
void rng_digits(char *buf, size_t n);
/* ms spread evenly over [ms * (1 - share), ms * (1 + share)]: backoff with jitter. */
int64_t rng_jitter_ms(int64_t ms, double share);

#endif
