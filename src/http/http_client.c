/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The client's address. Called by the dispatcher, which counts requests per client, and by the
 * API, which counts codes per client and names it in records: both must see the same one.
 */
#include "http/http_client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sys/net.h"

bool http_client_trusts(const struct cidr_list *p, const char *address)
{
    if (strcmp(address, "unix") == 0)
        return p->n > 0;
    for (size_t i = 0; i < p->n; i++) {
        if (net_cidr_contains(&p->networks[i], address))
            return true;
    }
    return false;
}

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]:4711" to the address alone; false
 * for anything else. */
static bool http_client_literal(struct str entry, char out[ADDR_TEXT_MAX])
{
    static const int families[] = {AF_INET, AF_INET6};
    unsigned char bin[16];
    char text[INET6_ADDRSTRLEN];
    struct str s = str_trim(entry);
    if (s.n > 1 && s.p[0] == '[') {
        s = (struct str){s.p + 1, s.n - 1};
        s = str_cut(&s, ']');
    } else if (s.n && memchr(s.p, ':', s.n) && memchr(s.p, '.', s.n) && s.p[0] != ':') {
        struct str rest = s, first = str_cut(&rest, ':');
        if (memchr(first.p, '.', first.n)) /* IPv4 with a port, not IPv6 that ends in IPv4 */
            s = first;
    }
    if (s.n == 0 || s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    for (size_t i = 0; i < 2; i++) {
        if (inet_pton(families[i], text, bin) == 1)
            return inet_ntop(families[i], bin, out, ADDR_TEXT_MAX) != NULL;
    }
    return false;
}

/* The last entry of a list; the list becomes the part before it, absent when that was all. */
static struct str http_client_cut_last(struct str *list)
{
    struct str whole = *list;
    for (size_t i = whole.n; i > 0; i--) {
        if (whole.p[i - 1] == ',') {
            list->n = i - 1;
            return (struct str){whole.p + i, whole.n - i};
        }
    }
    *list = (struct str){NULL, 0};
    return whole;
}

void http_client_address(const struct cidr_list *p, const struct http_head *head, const char *peer,
                         char out[ADDR_TEXT_MAX])
{
    (void)snprintf(out, ADDR_TEXT_MAX, "%s", peer);
    /* Fields of one name are one list, in order (RFC 9110 5.3). */
    for (size_t i = head->headers_n; i > 0; i--) {
        if (!str_eq_nocase(head->headers[i - 1].name, STR("X-Forwarded-For")))
            continue;
        for (struct str list = head->headers[i - 1].value; list.p;) {
            /* What a proxy did not write: nothing left of it is believed either. */
            if (!http_client_trusts(p, out) ||
                !http_client_literal(http_client_cut_last(&list), out))
                return;
        }
    }
}
