/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Connects to a provider and goes away again. Called by the command doctor, where nothing is bound
 * in time as a request is: names are looked up by libcurl itself, not by the resolver.
 */
#include "ext/ext_probe.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define DAY_S (24 * 60 * 60)

/* "Expire date:2027-01-31 12:00:00 GMT", or "Jan 31 12:00:00 2027 GMT", as the TLS library has it;
 * libcurl's own parser of dates reads both. */
static int ext_probe_certificate_days(CURL *easy)
{
    static const char mark[] = "Expire date:";
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1)
        return -1;
    for (const struct curl_slist *line = info->certinfo[0]; line; line = line->next)
        if (strncmp(line->data, mark, sizeof mark - 1) == 0) {
            const time_t ends = curl_getdate(line->data + sizeof mark - 1, NULL);
            return ends < 0 ? -1 : (int)((ends - wall_now().us / 1000000) / DAY_S);
        }
    return -1;
}

/* libcurl counts each time from the beginning of the transfer; the caller takes the differences. */
static double ext_probe_ms(CURL *easy, CURLINFO what)
{
    double s = 0;
    return curl_easy_getinfo(easy, what, &s) == CURLE_OK ? s * 1000 : 0;
}

/* Also after a failure: how far it came says whether DNS, the firewall or TLS is in the way. */
static void ext_probe_read(struct arena *a, CURL *easy, struct ext_probe *out)
{
    char *address = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    out->address = arena_strdup(a, address ? address : "");
    out->lookup_ms = ext_probe_ms(easy, CURLINFO_NAMELOOKUP_TIME);
    const double connected = ext_probe_ms(easy, CURLINFO_CONNECT_TIME);
    const double spoken = ext_probe_ms(easy, CURLINFO_APPCONNECT_TIME);
    out->connect_ms = connected > out->lookup_ms ? connected - out->lookup_ms : 0;
    out->tls_ms = spoken > connected ? spoken - connected : 0;
    out->certificate_days = ext_probe_certificate_days(easy);
}

bool ext_probe(struct arena *a, const char *url, struct deadline d, struct ext_probe *out)
{
    const char *file = getenv("SSL_CERT_FILE"), *path = getenv("SSL_CERT_DIR");
    CURL *easy = curl_easy_init();
    *out = (struct ext_probe){
        .address = "", .certificate_days = -1, .tls = str_starts(str_of(url), STR("https://"))};
    /* False without memory: all other faults are in the result, and are what the caller wants to
     * show. */
    if (!easy)
        return false;
    const long left = deadline_left_ms(d);
    /* CONNECT_ONLY: no request is sent. PROXY is empty, since the service uses none either,
     * whatever the environment says. */
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    code = code ? code : curl_easy_setopt(easy, CURLOPT_PROXY, "");
    code = code ? code : curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    /* 0 would be no limit at all. */
    code = code ? code : curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left > 0 ? left : 1L);
    if (!code && file && *file)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    if (!code && path && *path)
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, path);
    code = code ? code : curl_easy_perform(easy);
    ext_probe_read(a, easy, out);
    out->fault = code ? arena_strdup(a, curl_easy_strerror(code)) : NULL;
    curl_easy_cleanup(easy);
    return true;
}
