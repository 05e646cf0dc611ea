/* URLs of providers, of this server and of front ends: a strict subset of RFC 3986, no user info, query or fragment. */
#include <arpa/inet.h>

#include "config_priv.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool host_name(struct str s)
{
    if (s.n == 0 || s.n > 253 || s.p[0] == '.' || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
            return false;
        if (c == '.' && i > 0 && s.p[i - 1] == '.')
            return false;
    }
    return true;
}

static bool bracketed_v6(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (s.n < 4 || s.n - 2 >= sizeof text || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    memcpy(text, s.p + 1, s.n - 2);
    text[s.n - 2] = '\0';
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static const char *check_authority(struct str s)
{
    uint16_t port;
    size_t host = s.n;
    if (memchr(s.p, '@', s.n))
        return "must not contain a user name or password";
    for (size_t i = s.n; i > 0 && s.p[i - 1] != ']'; i--)
        if (s.p[i - 1] == ':')
            host = i - 1;
    if (host < s.n && !config_port((struct str){s.p + host + 1, s.n - host - 1}, false, &port))
        return "has no valid port";
    struct str name = {s.p, host};
    return host_name(name) || bracketed_v6(name) ? NULL : "has no valid host";
}

/* s is a whole NUL-terminated text. */
static bool url_parts(struct str s, struct str *authority, struct str *path, const char **why)
{
    size_t scheme = str_starts(s, STR("http://")) ? 7 : str_starts(s, STR("https://")) ? 8 : 0;
    *why = "must be an http or https URL";
    if (scheme == 0)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7F || strchr("\"<>\\^`{|}", s.p[i]))
            return false;
    size_t end = scheme;
    while (end < s.n && !strchr("/?#", s.p[end]))
        end++;
    *authority = (struct str){s.p + scheme, end - scheme};
    *path = (struct str){s.p + end, s.n - end};
    *why = "must not have a query or fragment";
    if (strpbrk(s.p + end, "?#"))
        return false;
    *why = check_authority(*authority);
    return *why == NULL;
}

static char *lower_until(struct arena *a, const char *text, size_t n)
{
    char *out = arena_strdup(a, text);
    for (size_t i = 0; i < n; i++)
        out[i] = lower(out[i]);
    return out;
}

/* Scheme and host in any case are the same: compared and kept in lower case. */
static bool parsed(struct arena *a, const char *text, char **out, struct str *path, const char **why)
{
    struct str authority, whole = str_of(text);
    size_t scheme = 0;
    while (scheme < whole.n && text[scheme] != ':')
        scheme++;
    *out = lower_until(a, text, scheme);
    if (!url_parts((struct str){*out, whole.n}, &authority, path, why))
        return false;
    scheme += strlen("://");
    for (size_t i = scheme; i < scheme + authority.n; i++)
        (*out)[i] = lower((*out)[i]);
    return true;
}

bool config_url(struct arena *a, const char *text, const char **out, const char **why)
{
    char *url;
    struct str path;
    if (!parsed(a, text, &url, &path, why))
        return false;
    size_t n = strlen(url);
    while (path.n > 0 && url[n - 1] == '/') {
        url[--n] = '\0';
        path.n--;
    }
    *out = url;
    return true;
}

bool config_origin(struct arena *a, const char *text, const char **out, const char **why)
{
    char *url;
    struct str path;
    if (!parsed(a, text, &url, &path, why))
        return false;
    *why = "must be an origin, scheme://host[:port] without a path";
    *out = url;
    return path.n == 0;
}

void config_read_url(const struct slot *s)
{
    const char *text = slot_scalar(s, "an http or https URL"), *url, *why;
    if (!text)
        return;
    if (!config_url(s->l->arena, text, &url, &why))
        config_fault(s->l, s->node, "%s", why);
    else
        slot_set(s, &url, sizeof url);
}

void config_read_origins(const struct slot *s)
{
    if (!slot_list(s, "a list of origins like [\"https://book.example.com\"]"))
        return;
    const char **origins = arena_array(s->l->arena, s->node->n, sizeof *origins);
    size_t n = 0;
    for (const struct node *item = s->node->first; item; item = item->next) {
        const char *why = "must be an origin like https://book.example.com";
        if (item->kind == NODE_SCALAR && config_origin(s->l->arena, item->text, &origins[n], &why))
            n++;
        else if (item->kind != NODE_REFUSED)
            config_fault(s->l, item, "%s", why);
    }
    slot_set_list(s, origins, n);
}

bool config_url_host(const char *url, char *buf, size_t size)
{
    struct str authority, path;
    const char *why;
    if (!url_parts(str_of(url), &authority, &path, &why))
        return false;
    size_t n = 0, brackets = authority.p[0] == '[';
    while (n < authority.n && authority.p[n] != (brackets ? ']' : ':'))
        n++;
    if (n - brackets >= size)
        return false;
    memcpy(buf, authority.p + brackets, n - brackets);
    buf[n - brackets] = '\0';
    return true;
}

/* ---- database.url ---- */

bool (*config_url_check)(const char *url);

void config_set_url_check(bool (*valid)(const char *url))
{
    config_url_check = valid;
}

/* What cannot be a URL or conninfo at all; libpq, through the check, judges the details. It may hold a password. */
static bool database_url_valid(const char *text)
{
    struct str url = str_of(text);
    if (!str_starts(url, STR("postgresql://")) && !str_starts(url, STR("postgres://")) &&
        (!strchr(text, '=') || strstr(text, "://")))
        return false;
    return !config_url_check || config_url_check(text);
}

void config_read_database(const struct slot *s)
{
    bool offline = s->l->offline;
    s->l->offline = false; /* nothing works without it */
    const char *text = config_secret(s->l, s->node);
    s->l->offline = offline;
    if (text && *text == '\0')
        config_fault(s->l, s->node, "is empty");
    else if (text && !database_url_valid(text))
        config_fault(s->l, s->node, "must be a postgresql:// URI or libpq conninfo (host=... dbname=...)");
    else if (text)
        slot_set(s, &text, sizeof text);
}
