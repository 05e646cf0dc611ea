/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Signs and posts messages to the operator's webhook. Called by svc/alert.c. Signatures are those
 * of Standard Webhooks: HMAC-SHA256 over "id.timestamp.body", in base64, so that a receiver can use
 * any of its libraries. The timestamp lets a receiver refuse old messages that somebody sends
 * again. */
#include "ext/hook.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "ext/ext_status.h"

#define SECRET_PREFIX "whsec_"

/* From base64 of RFC 4648 4 to that of section 5, which digest.h reads. */
static struct str hook_to_url_alphabet(struct arena *a, struct str s)
{
    char *p = arena_strndup(a, s.p, s.n);
    size_t n = s.n;
    while (n > 0 && p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++)
        p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
    return (struct str){p, n};
}

/* A secret that is not base64 is taken as it is: whoever chose one by hand can still check. */
static struct str hook_key(struct arena *a, const char *secret)
{
    struct str s = str_of(secret);
    if (str_starts(s, STR(SECRET_PREFIX)))
        s = (struct str){s.p + sizeof(SECRET_PREFIX) - 1, s.n - (sizeof(SECRET_PREFIX) - 1)};
    size_t n = s.n;
    unsigned char *key = arena_alloc(a, n + 1);
    if (n > 0 && digest_base64url_decode(hook_to_url_alphabet(a, s), key, &n))
        return (struct str){(const char *)key, n};
    return str_of(secret);
}

/* "v1," and the base64 of the code. digest.h writes the alphabet for URLs, so two characters are
 * replaced. */
const char *hook_signature(struct arena *a, const char *secret, const char *id, int64_t seconds,
                           struct str body)
{
    unsigned char mac[SHA256_LEN];
    char text[4 * ((SHA256_LEN + 2) / 3) + 2];
    struct sb signed_text;
    sb_init(&signed_text, a, body.n + 96);
    sb_printf(&signed_text, "%s.%" PRId64 ".", id, seconds);
    sb_add(&signed_text, body.p, body.n);
    digest_hmac_sha256(hook_key(a, secret), sb_str(&signed_text), mac);
    (void)digest_base64url(mac, sizeof mac, text);
    for (char *p = text; *p; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    return arena_printf(a, "v1,%s=", text); /* 32 bytes are 43 characters and one of padding */
}

/* Any 2xx means that the message has arrived; its body is not read. */
struct ext_result hook_post(struct ext *x, struct arena *a, const struct hook *h, struct deadline d)
{
    /* The same in the field and in the signature: a receiver computes one from the other. */
    const int64_t seconds = h->sent_at.us / 1000000;
    struct ext_request q = {.provider = h->provider,
                            .op = PROVIDER_OP_ALERT,
                            .method = "POST",
                            .url = h->url,
                            .body = h->body,
                            .content_type = "application/json",
                            .request_id = h->request_id};
    struct ext_reply reply;
    /* The same for a repeat, so that a receiver can drop what it has already (Standard
     * Webhooks). */
    q.headers[0] = arena_printf(a, "webhook-id: %s", h->id);
    q.headers[1] = arena_printf(a, "webhook-timestamp: %" PRId64, seconds);
    if (h->secret)
        q.headers[2] = arena_printf(a, "webhook-signature: %s",
                                    hook_signature(a, h->secret, h->id, seconds, h->body));
    struct ext_result r = ext_call(x, a, &q, d, &reply);
    if (r.err != ERR_OK)
        return r;
    if (reply.status < 200 || reply.status > 299)
        r = (struct ext_result){.err = ERR_PROVIDER_FAILED,
                                .outcome = OUTCOME_FAILED,
                                .detail = arena_printf(a, "status %d", reply.status)};
    ext_judge(x, &q, &reply, &r, "alert.refused");
    return r;
}
