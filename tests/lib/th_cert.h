/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Throwaway certificates for fake providers: a PEM file with key and self-signed certificate. */
#ifndef BOOKINGD_TESTS_TH_CERT_H
#define BOOKINGD_TESTS_TH_CERT_H

/* subject: "DNS:good.test" or "IP:127.0.0.1"; valid from now + from_s to now + to_s. The path lives
 * until th_cert_remove. */
const char *th_cert_make(const char *subject, long from_s, long to_s);
void th_cert_remove(void);

#endif
