/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the fields of a request's head mean together: the length of the body, and what is refused
 * because two servers could read it in two ways. Called once per head, by the parser.
 */
#include "base/chars.h"
#include "http_priv.h"

/* RFC 9112 3.2: one Host, valid; HTTP/1.0 may do without. */
static bool rules_judge_host(const struct http_head *head, struct http_fault *fault)
{
    size_t n = http_header_count(head, "Host");

    if (n == 0 && head->minor == 0)
        return true;
    if (n != 1)
        return http_refuse(fault, ERR_BAD_REQUEST,
                           n == 0 ? "Host is missing." : "Host is given more than once.");
    if (!http_authority_valid(http_header(head, "Host")))
        return http_refuse(fault, ERR_BAD_REQUEST, "Host is malformed.");
    return true;
}

/* RFC 9110 8.6 lets equal values in a list pass for one; here each is refused, as are signs. */
static bool rules_judge_length(struct http_head *head, const struct http_limits *limits,
                               struct http_fault *fault)
{
    size_t n = http_header_count(head, "Content-Length");
    struct str s = http_header(head, "Content-Length");
    uint64_t v = 0;
    bool huge = false;

    if (n == 0)
        return true;
    if (n > 1)
        return http_refuse(fault, ERR_BAD_REQUEST, "Content-Length is given more than once.");
    for (size_t i = 0; i < s.n; i++) {
        if (!char_is_digit(s.p[i]))
            return http_refuse(fault, ERR_BAD_REQUEST, "Content-Length is malformed.");
        /* Only digits are judged first: "99999999999999999999" is a valid length that is too large
         * (413). */
        huge = huge || __builtin_mul_overflow(v, 10, &v) ||
               __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v);
    }
    if (s.n == 0)
        return http_refuse(fault, ERR_BAD_REQUEST, "Content-Length is malformed.");
    /* RFC 9112 6.1 lets a server take the coding; most smuggling begins with such a request. */
    if (http_header_count(head, "Transfer-Encoding") > 0)
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "Content-Length and Transfer-Encoding exclude each other.");
    head->has_length = true;
    head->content_length = v;
    if (huge || v > limits->max_body)
        return http_refuse(fault, ERR_CONTENT_TOO_LARGE, "The request's body is too large.");
    return true;
}

/* Other codings before a last and only `chunked`: framed as it should be, but not understood (RFC
 * 9112 6.1: 501). */
static bool rules_ends_chunked(struct str list)
{
    while (list.p) {
        struct str coding = str_trim(str_cut(&list, ','));

        if (str_eq_nocase(coding, STR("chunked")))
            return !list.p;
        if (!chars_all(coding, char_is_token))
            return false;
    }
    return false;
}

static bool rules_judge_coding(struct http_head *head, struct http_fault *fault)
{
    size_t n = http_header_count(head, "Transfer-Encoding");
    struct str coding = http_header(head, "Transfer-Encoding");

    if (n == 0)
        return true;
    if (head->minor == 0)
        return http_refuse(fault, ERR_BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.");
    if (n == 1 && str_eq_nocase(coding, STR("chunked"))) {
        head->chunked = true;
        return true;
    }
    if (n == 1 && rules_ends_chunked(coding))
        return http_refuse(fault, ERR_NOT_IMPLEMENTED, "The transfer coding is not implemented.");
    return http_refuse(fault, ERR_BAD_REQUEST, "Transfer-Encoding is not just \"chunked\".");
}

/* RFC 9110 10.1.1: 100-continue is the one expectation there is; from HTTP/1.0, or without a body,
 * it is ignored. */
static bool rules_judge_expect(struct http_head *head, struct http_fault *fault)
{
    for (size_t i = 0; i < head->headers_n; i++) {
        if (!str_eq_nocase(head->headers[i].name, STR("Expect")))
            continue;
        if (!str_eq_nocase(head->headers[i].value, STR("100-continue")))
            return http_refuse(fault, ERR_EXPECTATION_FAILED,
                               "The expectation is not 100-continue.");
        head->expect_continue = head->minor == 1 && (head->chunked || head->content_length > 0);
    }
    return true;
}

/* RFC 9112 9.3. Other options do not concern a server. */
static void rules_set_keep_alive(struct http_head *head)
{
    bool close = false, keep = false;

    for (size_t i = 0; i < head->headers_n; i++) {
        struct str list = head->headers[i].value;

        if (!str_eq_nocase(head->headers[i].name, STR("Connection")))
            continue;
        while (list.p) {
            struct str option = str_trim(str_cut(&list, ','));

            close = close || str_eq_nocase(option, STR("close"));
            keep = keep || str_eq_nocase(option, STR("keep-alive"));
        }
    }
    head->keep_alive = !close && (head->minor == 1 || keep);
}

/* Framing before expectations: a request whose end is unknown gets no "continue". */
bool http_judge_head(struct http_head *head, const struct http_limits *limits,
                     struct http_fault *fault)
{
    rules_set_keep_alive(head);
    return rules_judge_host(head, fault) && rules_judge_length(head, limits, fault) &&
           rules_judge_coding(head, fault) && rules_judge_expect(head, fault);
}
