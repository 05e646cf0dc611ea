/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One HTTP transfer with curl: the request's form is checked, the transfer is bounded in time and
 * size, and a failure is sorted into "nothing was sent" and "it may have happened". Called by
 * ext_client.c, within the circuit and the bulkhead. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/chars.h"
#include "base/digest.h"
#include "base/rng.h"
#include "config.h"
#include "ext_priv.h"
#include "sys/addrs.h"

/*
 * Reuse of connections. curl sends a request a second time by itself when a reused connection ended
 * before the first byte of the answer; for an SMS that may mean two messages. It cannot be told not
 * to, but it calls PREREQFUNCTION each time before it sends: the second call of one transfer is
 * refused for writes, and the outcome is unknown. Only when not a byte of the request has left (the
 * connection was reset while idle) may a write go on, once, over a fresh connection. So that both
 * stay rare, a write reuses only a connection that was idle for less than the shortest keep-alive
 * in common use (5 s); an older one is closed and a fresh one made.
 */
#define IDLE_WRITE_S 3L
#define IDLE_READ_S 60L

/*
 * Reuse of TLS sessions by new connections. Before 8.8.0 curl frees a host name twice when memory
 * runs out while it keeps a session (Curl_ssl_addsessionid() leaves it in its table), reports
 * success, and the heap breaks there or later. Such a curl keeps none: a new connection costs a
 * whole handshake, with TLS 1.3 no more round trips than a short one.
 */
#define SESSIONS_SOUND_SINCE 0x080800

/* The variables that OpenSSL's own programs use; curl does not read them by itself. */
static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* One handle for the life of the process: connections and TLS sessions stay with it. */
bool ext_curl_init(struct ext_curl *c)
{
    *c = (struct ext_curl){.ca_file = from_environment("SSL_CERT_FILE"),
                           .ca_path = from_environment("SSL_CERT_DIR")};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return false;
    c->sessions = curl_version_info(CURLVERSION_NOW)->version_num >= SESSIONS_SOUND_SINCE;
    c->easy = curl_easy_init();
    c->url = curl_url();
    if (c->easy && c->url && ext_tls_init())
        return true;
    ext_curl_fini(c);
    return false;
}

/* All of these functions accept NULL, so a half-made handle is ended the same way. */
void ext_curl_fini(struct ext_curl *c)
{
    curl_easy_cleanup(c->easy);
    curl_url_cleanup(c->url);
    free(c->body);
    *c = (struct ext_curl){0};
    curl_global_cleanup();
}

/* ---- preparation ---- */

/* No control character: a line break in a value would start a header of its own. */
static bool header_safe(const char *z)
{
    for (; *z; z++)
        if ((unsigned char)*z < 0x20 || *z == 0x7f)
            return false;
    return true;
}

/* List entries live on the arena; curl only reads them. */
static void add_header(struct ext_transfer *t, struct arena *a, const char *line)
{
    struct curl_slist *e = ARENA_NEW(a, struct curl_slist);
    *e = (struct curl_slist){.data = arena_strdup(a, line), .next = t->headers};
    t->headers = e;
}

/* A header from the configuration comes before one of ours. */
static bool has_header(const struct ext_request *q, struct str name)
{
    for (size_t i = 0; i < EXT_HEADERS_MAX && q->headers[i]; i++) {
        struct str line = str_of(q->headers[i]);
        if (str_eq_nocase(str_trim(str_cut(&line, ':')), name))
            return true;
    }
    return false;
}

/* Lower case only, as the specification of traceparent demands (W3C Trace Context, 3.2.2). */
static bool is_hex(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
            return false;
    return true;
}

/* version 00 "-" 32 hex of trace id, not all zero "-" 16 hex of parent id "-" 2 hex of flags */
static bool traceparent_valid(const char *z)
{
    return z && strlen(z) == 55 && memcmp(z, "00-", 3) == 0 && z[35] == '-' && z[52] == '-' &&
           is_hex(z + 3, 32) && is_hex(z + 36, 16) && is_hex(z + 53, 2) &&
           strspn(z + 3, "0") < 32 && strspn(z + 36, "0") < 16;
}

/* The trace of the caller, or one that can be found again from the request id; a new parent id for
 * this call. */
static void add_traceparent(struct ext_transfer *t, struct arena *a)
{
    unsigned char id[SHA256_LEN], span[8];
    char id_hex[2 * 16 + 1], span_hex[2 * sizeof(span) + 1];
    const char *flags = "00"; /* not sampled: nothing is recorded here */
    rng_bytes(span, sizeof(span));
    span[0] |= 1; /* all zero is not allowed */
    digest_hex(span, sizeof(span), span_hex);
    if (traceparent_valid(t->q->traceparent)) {
        memcpy(id_hex, t->q->traceparent + 3, 32);
        id_hex[32] = '\0';
        flags = t->q->traceparent + 53;
    } else {
        if (t->q->request_id)
            digest_sha256(str_of(t->q->request_id), id);
        else
            rng_bytes(id, sizeof(id));
        id[0] |= 1;
        digest_hex(id, 16, id_hex);
    }
    add_header(t, a, arena_printf(a, "traceparent: 00-%s-%s-%s", id_hex, span_hex, flags));
}

/* False: a value has a control character, which cannot come from a request but from a
 * configuration. */
static bool prepare_headers(struct ext_transfer *t, struct arena *a)
{
    const struct ext_request *q = t->q;
    for (size_t i = 0; i < EXT_HEADERS_MAX && q->headers[i]; i++) {
        if (!header_safe(q->headers[i]))
            return false;
        add_header(t, a, q->headers[i]);
    }
    if (q->content_type && q->body.n > 0 && !has_header(q, STR("Content-Type"))) {
        if (!header_safe(q->content_type))
            return false;
        add_header(t, a, arena_printf(a, "Content-Type: %s", q->content_type));
    }
    if (q->request_id && header_safe(q->request_id))
        add_header(t, a, arena_printf(a, "X-Request-Id: %s", q->request_id));
    add_traceparent(t, a);
    /* Without the field any coding is allowed (RFC 9110 section 12.5.3). */
    if (!has_header(q, STR("Accept-Encoding")))
        add_header(t, a, "Accept-Encoding: identity");
    add_header(t, a,
               "Expect:"); /* curl's own would wait a second for a 100 that few servers send */
    return true;
}

/* Names that curl takes as they are: nothing that IDNA or percent-decoding would turn into another
 * name. */
static bool host_plain(const char *z)
{
    return chars_all(str_of(z), char_is_id_or_dot);
}

/* A literal address needs no resolver and no pinning. */
static bool is_literal(const char *host)
{
    unsigned char bin[16];
    return host[0] == '[' || inet_pton(AF_INET, host, bin) == 1;
}

/* "host:port:address,address" for CURLOPT_RESOLVE. */
static char *ext_transfer_pin_addresses(struct arena *a, const char *host, const char *port,
                                        const struct addrs_result *addrs)
{
    struct sb b;
    sb_init(&b, a, 128);
    sb_printf(&b, "%s:%s:", host, port);
    for (unsigned i = 0; i < addrs->n; i++)
        sb_printf(&b, strchr(addrs->text[i], ':') ? "%s[%s]" : "%s%s", i > 0 ? "," : "",
                  addrs->text[i]);
    return b.p;
}

/* curl allocates the text; the arena frees it with the request. */
static char *url_part(struct ext_transfer *t, struct arena *a, CURLUPart part)
{
    char *text = NULL;
    if (curl_url_get(t->c->url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return NULL;
    arena_defer(a, curl_free, text);
    return text;
}

/* curl's own parser takes the URL apart, so that what is checked is what is called. */
static const char *prepare_url(struct ext_transfer *t, struct arena *a)
{
    if (curl_url_set(t->c->url, CURLUPART_URL, t->q->url, CURLU_PATH_AS_IS) != CURLUE_OK)
        return "bad URL";
    const char *host = url_part(t, a, CURLUPART_HOST), *port = url_part(t, a, CURLUPART_PORT);
    if (!host || !port)
        return "bad URL";
    if (is_literal(host))
        return NULL;
    struct addrs_result addrs;
    if (!host_plain(host))
        return "bad URL";
    if (!addrs_find(host, &addrs) || addrs.n == 0)
        return "no address known";
    t->resolve.data = ext_transfer_pin_addresses(a, host, port, &addrs);
    return NULL;
}

/* NULL, or why nothing can be sent. It runs before the circuit is asked: a bad configuration must
 * not open it. */
const char *ext_transfer_prepare(struct ext_transfer *t, struct arena *a)
{
    const char *reason = prepare_url(t, a);
    if (!reason && !prepare_headers(t, a))
        reason = "bad header";
    return reason;
}

/* ---- callbacks: no jump out of them, so nothing here touches an arena ---- */

/* The buffer grows in three steps and stays with the process: most answers fit into the first. */
static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct ext_transfer *t = arg;
    struct ext_curl *c = t->c;
    size_t add = size * n, need = t->body_n + add;
    if (need > EXT_ANSWER_MAX) {
        t->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (need > c->body_cap) {
        size_t cap = need < 4096 ? 4096 : need < 32768 ? 32768 : EXT_ANSWER_MAX;
        char *grown = realloc(c->body, cap);
        if (!grown) {
            t->no_memory = true;
            return CURL_WRITEFUNC_ERROR;
        }
        c->body = grown;
        c->body_cap = cap;
    }
    if (add > 0)
        memcpy(c->body + t->body_n, p, add);
    t->body_n = need;
    return add;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct ext_transfer *t = arg;
    /* curl takes the end of the connection for the end of the head; the empty line must have come.
     */
    if (size * n > 5 && memcmp(p, "HTTP/", 5) == 0)
        t->head_whole = false;
    else if (size * n > 0 && (p[0] == '\r' || p[0] == '\n'))
        t->head_whole = true;
    t->header_n += size * n;
    t->too_large = t->header_n > EXT_HEADER_BYTES_MAX;
    return t->too_large ? CURL_WRITEFUNC_ERROR : size * n;
}

/* Whether a byte of the request has left, over any of the transfer's connections: curl adds up what
 * it could hand to the kernel. */
static bool ext_transfer_was_sent(const struct ext_transfer *t)
{
    long bytes = 0;
    if (t->begun == 0) /* the figure may still be that of an earlier transfer */
        return false;
    return curl_easy_getinfo(t->c->easy, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK || bytes > 0;
}

/* A write begins a second time only when nothing left the first time, and never a third. */
static int on_begin(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct ext_transfer *t = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    bool refused = !t->q->idempotent && (t->begun > 1 || ext_transfer_was_sent(t));
    t->begun++;
    return refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Called before curl would look a name up. It never should: every name is pinned. The last guard
 * against waiting for DNS. */
static int on_resolve(void *state, void *reserved, void *arg)
{
    const struct ext_transfer *t = arg;
    (void)state, (void)reserved;
    return t->resolve.data != NULL;
}

/* ---- the transfer ---- */

#define SET(option, value) (ok = curl_easy_setopt(e, (option), (value)) == CURLE_OK && ok)

/* For curl, to whom 0 means no limit. */
static long left_ms(struct deadline d)
{
    int left = deadline_left_ms(d);
    return left > 0 ? left : 1;
}

/* Every way in which a provider could hold the process up has a limit here: time, connect, size,
 * age of a connection. */
static bool set_limits(struct ext_transfer *t, struct deadline until)
{
    CURL *e = t->c->easy;
    bool ok = true;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, left_ms(until));
    /* TLS handshake included */
    SET(CURLOPT_CONNECTTIMEOUT_MS, left_ms(deadline_cap(until, t->p->connect_timeout_ms)));
    SET(CURLOPT_MAXFILESIZE, (long)EXT_ANSWER_MAX);
    SET(CURLOPT_MAXAGE_CONN, t->q->idempotent ? IDLE_READ_S : IDLE_WRITE_S);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_begin);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_RESOLVER_START_FUNCTION, on_resolve);
    SET(CURLOPT_RESOLVER_START_DATA, t);
    return ok;
}

/* What curl may do: plain HTTP/1.1 to that host, and nothing that the environment or the other side
 * suggests. */
static bool set_rules(struct ext_transfer *t)
{
    CURL *e = t->c->easy;
    bool ok = true;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, t->c->sessions ? 1L : 0L);
    if (t->c->ca_file)
        SET(CURLOPT_CAINFO, t->c->ca_file);
    if (t->c->ca_path)
        SET(CURLOPT_CAPATH, t->c->ca_path);
    return ok;
}

/* POST with CUSTOMREQUEST is how curl sends a body with another method. */
static bool set_request(struct ext_transfer *t)
{
    CURL *e = t->c->easy;
    const struct ext_request *q = t->q;
    bool ok = true;
    SET(CURLOPT_CURLU, t->c->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_USERAGENT, "bookingd/" PACKAGE_VERSION);
    SET(CURLOPT_HTTPHEADER, t->headers);
    if (t->resolve.data)
        SET(CURLOPT_RESOLVE, &t->resolve);
    if (q->basic_user) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, q->basic_user);
        SET(CURLOPT_PASSWORD, q->basic_password ? q->basic_password : "");
    }
    if (strcmp(q->method, "GET") == 0) {
        SET(CURLOPT_HTTPGET, 1L);
        return ok;
    }
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
    SET(CURLOPT_POSTFIELDS, q->body.n > 0 ? q->body.p : "");
    if (strcmp(q->method, "POST") != 0)
        SET(CURLOPT_CUSTOMREQUEST, q->method);
    return ok;
}

/* Why nothing was sent. */
static const char *before_words(CURLcode code, long os_error)
{
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "timed out before sending";
    case CURLE_COULDNT_CONNECT:
        return os_error == ECONNREFUSED ? "connection refused" : "could not connect";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "no address known";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "certificate refused";
    case CURLE_SSL_CACERT_BADFILE:
        return "no certificate authorities";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        return "TLS handshake failed";
    case CURLE_OUT_OF_MEMORY:
        return "out of memory";
    default:
        return "connection lost before sending";
    }
}

/* What went wrong with the answer. */
static const char *after_words(CURLcode code, const struct ext_transfer *t)
{
    if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
        return "answer too large";
    if (t->no_memory || code == CURLE_OUT_OF_MEMORY)
        return "out of memory";
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "timed out after sending";
    case CURLE_PARTIAL_FILE:
        return "answer cut off";
    case CURLE_ABORTED_BY_CALLBACK: /* on_begin: the reused connection ended without a byte of
                                       answer */
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return "connection lost after sending";
    default:
        return "unreadable answer";
    }
}

/* Time-outs and faults of the connection count double; an answer that came, but cannot be used,
 * once. */
static unsigned weight_of(CURLcode code, const struct ext_transfer *t)
{
    static const CURLcode single[] = {CURLE_PARTIAL_FILE,       CURLE_UNSUPPORTED_PROTOCOL,
                                      CURLE_WEIRD_SERVER_REPLY, CURLE_WRITE_ERROR,
                                      CURLE_FILESIZE_EXCEEDED,  CURLE_OUT_OF_MEMORY};
    for (size_t i = 0; i < ARRAY_LEN(single) && t->begun > 0; i++)
        if (code == single[i])
            return 1;
    return 2;
}

/* Once a byte has left, only a read is known to have failed. */
static struct ext_result ext_transfer_judge_failure(struct ext_transfer *t, CURLcode code)
{
    bool sent = ext_transfer_was_sent(t);
    long os_error = 0;
    (void)curl_easy_getinfo(t->c->easy, CURLINFO_OS_ERRNO, &os_error);
    t->weight = weight_of(code, t);
    return (struct ext_result){
        .err = code == CURLE_OPERATION_TIMEDOUT ? ERR_PROVIDER_TIMEOUT : ERR_PROVIDER_FAILED,
        .outcome = sent && !t->q->idempotent ? OUTCOME_UNKNOWN : OUTCOME_FAILED,
        .detail = sent ? after_words(code, t) : before_words(code, os_error)};
}

struct ext_result ext_transfer_too_large(struct ext_transfer *t)
{
    return ext_transfer_judge_failure(t, CURLE_FILESIZE_EXCEEDED);
}

/* A whole answer, or a failure. Retry-After is bounded by a day, so that a typo at a provider does
 * not become ours. */
struct ext_result ext_transfer_run(struct ext_transfer *t, struct deadline until,
                                   struct ext_reply *r)
{
    CURL *e = t->c->easy;
    curl_easy_reset(e); /* options only: connections, addresses and TLS sessions stay */
    if (!set_limits(t, until) || !set_rules(t) || !set_request(t))
        return ext_transfer_judge_failure(t, CURLE_OUT_OF_MEMORY);
    CURLcode code = curl_easy_perform(e);
    if (code != CURLE_OK)
        return ext_transfer_judge_failure(t, code);
    long status = 0;
    curl_off_t retry_after = 0;
    (void)curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(e, CURLINFO_RETRY_AFTER, &retry_after);
    if (!t->head_whole)
        return ext_transfer_judge_failure(t, CURLE_PARTIAL_FILE);
    if (status < 200 || status > 599)
        return ext_transfer_judge_failure(t, CURLE_WEIRD_SERVER_REPLY);
    r->status = (int)status;
    r->retry_after_s = retry_after > 86400 ? 86400 : (long)retry_after;
    return (struct ext_result){.err = ERR_OK};
}
