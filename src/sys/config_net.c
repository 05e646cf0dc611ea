/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Addresses: where to listen, and networks that are trusted. Readers named by rows of config.def;
 * config_listen() and config_cidr() also serve the tests. Names are never looked up here:
 * check-config must work without a network, and a listener whose address depends on DNS would not
 * start when DNS is away. Each reader leaves in *reason what is wrong and an example of what is
 * right.
 */
#include <arpa/inet.h>
#include <sys/un.h>

#include "base/num.h"
#include "sys/config_read.h"

/* Port 0 lets the kernel choose: for tests, which read it from the log. */
bool config_port(struct str s, bool zero, uint16_t *out)
{
    int64_t v;
    if (!num_range(s, zero ? 0 : 1, 65535, &v))
        return false;
    *out = (uint16_t)v;
    return true;
}

/* Octal, as for chmod(1): 660 or 0660. */
static bool config_listen_mode(struct str text, unsigned *mode)
{
    unsigned v = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7')
            return false;
        v = v * 8 + (unsigned)(text.p[i] - '0');
        /* Without the bits for set-user and the like, which mean nothing for a socket. */
        if (v > 0777)
            return false;
    }
    *mode = v;
    return text.n > 0;
}

/* What is behind '?' of a unix socket: mode, user and group, each once at most. Whether a user or
 * group exists is seen when the socket is made: check-config may run on another machine. */
static bool config_listen_params(struct arena *a, struct str params, struct listen_addr *out,
                                 const char **reason)
{
    while (params.n > 0) {
        struct str value = str_cut(&params, '&'), key = str_cut(&value, '=');
        const char **name = str_eq(key, STR("user"))    ? &out->user
                            : str_eq(key, STR("group")) ? &out->group
                                                        : NULL;
        if (str_eq(key, STR("mode"))) {
            *reason = "mode must be octal, 0000 to 0777, once: unix:/path?mode=0660";
            if (out->has_mode || !config_listen_mode(value, &out->mode))
                return false;
            out->has_mode = true;
            continue;
        }
        *reason = "after '?' a unix socket may have mode=0660, user=NAME and group=NAME, each once";
        if (!name || *name || value.n == 0)
            return false;
        *name = arena_strndup(a, value.p, value.n);
    }
    return true;
}

/* sun_path has 108 bytes, one for the NUL (unix(7)). */
static bool listen_unix(struct arena *a, struct str text, struct listen_addr *out,
                        const char **reason)
{
    struct str path = str_cut(&text, '?');
    *reason = "a unix socket needs an absolute path of at most 107 bytes";
    if (path.n < 2 || !str_starts(path, STR("/")) ||
        path.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return false;
    out->kind = LISTEN_UNIX;
    out->path = arena_strndup(a, path.p, path.n);
    return config_listen_params(a, text, out, reason);
}

/* The last colon parts host and port; brackets keep the colons of v6 together. */
static bool listen_tcp(struct arena *a, struct str s, struct listen_addr *out, const char **reason)
{
    /* Room for an IPv6 address: inet_pton(3) only tells here whether the text is one. */
    unsigned char bytes[16];
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    *reason = "must be ADDRESS:PORT, [V6]:PORT, unix:/PATH or systemd";
    if (colon < 2)
        return false;
    struct str host = {s.p, colon - 1}, port = {s.p + colon, s.n - colon};
    bool v6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    out->host = v6 ? arena_strndup(a, host.p + 1, host.n - 2) : arena_strndup(a, host.p, host.n);
    if (!v6 && str_eq(host, STR("localhost")))
        /* Only v4: "localhost" may mean two addresses, and one socket has one. */
        out->host = "127.0.0.1";
    if (!config_port(port, true, &out->port)) {
        *reason = "the port must be 0 to 65535";
        return false;
    }
    if (inet_pton(v6 ? AF_INET6 : AF_INET, out->host, bytes) != 1) {
        *reason =
            "the host must be a literal address: 127.0.0.1, 0.0.0.0, [::1], [::] (or localhost)";
        return false;
    }
    out->kind = LISTEN_TCP;
    return true;
}

/* The text is kept as it was written, for logs and for the comparison of a reload. */
bool config_listen(struct arena *a, const char *text, struct listen_addr *out, const char **reason)
{
    struct str s = str_of(text);
    *out = (struct listen_addr){.text = arena_strdup(a, text)};
    if (str_eq(s, STR("systemd"))) {
        out->kind = LISTEN_SYSTEMD;
        return true;
    }
    if (str_starts(s, STR("unix:")))
        return listen_unix(a, (struct str){s.p + 5, s.n - 5}, out, reason);
    return listen_tcp(a, s, out, reason);
}

/* False after a fault, or where the YAML reader has reported one already. */
static bool listen_node(const struct config_entry *e, const struct config_node *n,
                        struct listen_addr *out)
{
    const char *reason = "must be a string like 127.0.0.1:8080";
    if (n->kind == CONFIG_REFUSED)
        return false;
    if (n->kind == CONFIG_SCALAR && !config_node_null(n) &&
        config_listen(e->l->arena, n->text, out, &reason))
        return true;
    config_fault(e->l, n, "%s", reason);
    return false;
}

/* Port 0 means a new port each time, so it may be there twice. */
bool config_listen_same(const struct listen_addr *a, const struct listen_addr *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == LISTEN_TCP)
        return a->port != 0 && a->port == b->port && strcmp(a->host, b->host) == 0;
    return a->kind == LISTEN_SYSTEMD || strcmp(a->path, b->path) == 0;
}

/* One address or a list of them: a scalar is read as a list of one. An address that is there twice
 * is a fault, because the second bind() would fail at the start. */
void config_read_listens(const struct config_entry *e)
{
    struct config_node one = *e->node;
    struct config_node list = {.kind = CONFIG_LIST, .first = &one, .n = 1};
    const struct config_node *items = e->node;
    if (e->node->kind == CONFIG_LIST) {
        if (!config_entry_is_list(e, "an address or a list of them"))
            return;
    } else {
        one.next = NULL;
        items = &list;
    }
    struct listen_addr *addrs = arena_array(e->l->arena, items->n, sizeof *addrs);
    size_t n = 0;
    for (const struct config_node *item = items->first; item; item = item->next) {
        bool twice = false;
        if (!listen_node(e, item, &addrs[n]))
            continue;
        for (size_t i = 0; i < n; i++)
            twice |= config_listen_same(&addrs[i], &addrs[n]);
        if (twice)
            config_fault(e->l, item, "is given twice");
        else
            n++;
    }
    config_entry_set_list(e, addrs, n);
}

/* For the monitor, which has one address; systemd passes its socket by name instead. */
void config_read_listen(const struct config_entry *e)
{
    struct listen_addr addr;
    if (!listen_node(e, e->node, &addr))
        return;
    if (addr.kind == LISTEN_SYSTEMD)
        config_fault(e->l, e->node, "must be ADDRESS:PORT, [V6]:PORT or unix:/PATH");
    else
        config_entry_set(e, &addr, sizeof addr);
}

/* Without a slash the network is one address. */
bool config_cidr(const char *text, struct cidr *out)
{
    char host[INET6_ADDRSTRLEN];
    struct str rest = str_of(text), address = str_cut(&rest, '/');
    int64_t prefix;
    if (address.n >= sizeof host)
        return false;
    /* "unix" stands for whoever comes through a unix socket, which has no address. */
    *out = (struct cidr){.family = AF_UNIX};
    if (strcmp(text, "unix") == 0)
        return true;
    memcpy(host, address.p, address.n);
    host[address.n] = '\0';
    *out = (struct cidr){.family = memchr(host, ':', address.n) ? AF_INET6 : AF_INET};
    /* A colon is in every IPv6 address, and in no IPv4 address. */
    int64_t bits = out->family == AF_INET6 ? 128 : 32;
    if (inet_pton(out->family, host, out->addr) != 1)
        return false;
    if (!rest.p)
        prefix = bits;
    else if (!num_range(rest, 0, bits, &prefix))
        return false;
    out->prefix = (unsigned)prefix;
    for (unsigned bit = out->prefix; bit < (unsigned)bits; bit++) /* 10.1.2.3/8 means 10.0.0.0/8 */
        out->addr[bit / 8] &= (unsigned char)~(0x80U >> (bit % 8));
    return true;
}

/* All bad entries are reported, not only the first. */
void config_read_cidrs(const struct config_entry *e)
{
    if (!config_entry_is_list(e, "a list of networks like [10.0.0.0/8]"))
        return;
    struct cidr *nets = arena_array(e->l->arena, e->node->n, sizeof *nets);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next) {
        if (item->kind == CONFIG_SCALAR && config_cidr(item->text, &nets[n]))
            n++;
        else if (item->kind != CONFIG_REFUSED)
            config_fault(e->l, item, "must be a network like 10.0.0.0/8 or fd00::/8, or unix");
    }
    config_entry_set_list(e, nets, n);
}
