/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Gives each host of the URL its addresses (hostaddr), the name staying for TLS and passwords.
 * Called by db_connect.c for each attempt, and by the master and confine for names, files and ports
 * of the URL.
 *
 * libpq looks names up by itself, without any bound, and when it polls asynchronously it has no
 * time limit per host. So both are done here, and db_connect.c moves on from a host that stays
 * silent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "db/db_url.h"
#include "db_priv.h"
#include "domain/scoreboard.h"
#include "sys/addrs.h"

/* That of libpq (PostgreSQL, "Parameter Key Words"): the confinement needs a number. */
#define DEFAULT_PORT "5432"

/* Unless the URL says otherwise. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"fallback_application_name", NULL}, /* db_hosts_application() */
    {"client_encoding", "UTF8"},
    {"gssencmode", "disable"}, /* Kerberos libraries talk to the network without any deadline */
    {"keepalives_idle", "30"}, /* a server that lost its power is noticed within a minute */
    {"keepalives_interval", "10"},
    {"keepalives_count", "3"},
};

/*
 * What pg_stat_activity shows: "bookingd worker". Without the worker's number, for PgBouncer would
 * set the name anew for each transaction that meets another worker's.
 */
static const char *db_hosts_application(struct arena *a)
{
    int slot = scoreboard_self();
    return slot < 0 ? "bookingd"
                    : arena_printf(a, "bookingd %s", role_names[scoreboard_role((unsigned)slot)]);
}

/* The lists of a struct db_hosts point into the options, so they live as long as its arena. */
static void db_hosts_free_options(void *options)
{
    PQconninfoFree(options);
}

/* An empty value is none: libpq treats "host=" as its default. */
static const char *db_hosts_option(const PQconninfoOption *o, const char *keyword)
{
    for (; o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val && o->val[0] ? o->val : NULL;
    return NULL;
}

/* Element i of a comma-separated list; the only one of a list of one; "" when there is none. */
static const char *db_hosts_element(struct arena *a, const char *list, int i)
{
    struct str rest = str_of(list);

    if (!list || !strchr(list, ','))
        return list ? list : "";
    for (; i > 0; i--)
        (void)str_cut(&rest, ',');
    struct str e = str_cut(&rest, ',');
    return e.p ? arena_strndup(a, e.p, e.n) : "";
}

/* An empty element counts: libpq pairs lists by position. */
static int db_hosts_count_elements(const char *list)
{
    int n = list ? 1 : 0;

    for (const char *p = list; p && (p = strchr(p, ',')); p++)
        n++;
    return n;
}

/* A path or an abstract name is a socket, and needs no lookup. */
static bool db_hosts_has_name(const char *host, const char *hostaddr)
{
    return !hostaddr[0] && host[0] && host[0] != '/' && host[0] != '@';
}

/* Hosts beyond the limit are left out: more would each get too little time to connect. */
static void db_hosts_append(struct db_hosts *h, const char *host, const char *hostaddr,
                            const char *port)
{
    if (h->n >= DB_HOSTS_MAX)
        return;
    h->list[h->n] = (struct db_host){host, hostaddr, port, h->n};
    h->n++;
}

/* One host of the URL: itself, or one entry for each address that the resolver process has found
 * for it. A name without a known address adds nothing; when that leaves the list empty, the attempt
 * fails and the next one looks again. */
static void db_hosts_expand(struct arena *a, struct db_hosts *h, const struct db_host *e)
{
    struct addrs_result r = {0};

    if (!db_hosts_has_name(e->host, e->hostaddr)) {
        db_hosts_append(h, e->host, e->hostaddr, e->port);
    } else if (addrs_find(e->host, &r)) {
        for (unsigned i = 0; i < r.n; i++)
            db_hosts_append(h, e->host, arena_strdup(a, r.text[i]), e->port);
    } else if (strcmp(e->host, "localhost") == 0) { /* RFC 6761 6.3: needs no lookup */
        db_hosts_append(h, e->host, "127.0.0.1", e->port);
        db_hosts_append(h, e->host, "::1", e->port);
    }
}

/* As libpq pairs them: the nth host with the nth address and port; a single port serves all. */
static void db_hosts_read_list(struct arena *a, struct db_hosts *h, const PQconninfoOption *o)
{
    const char *host = db_hosts_option(o, "host"), *hostaddr = db_hosts_option(o, "hostaddr"),
               *port = db_hosts_option(o, "port");

    if (!host && !hostaddr)
        host = getenv("PGHOST"); /* libpq would take it, name and all */
    if (!port)
        port = getenv("PGPORT");
    int n = hostaddr ? db_hosts_count_elements(hostaddr) : db_hosts_count_elements(host);
    /* Without any host libpq's default applies: one entry of empty elements. */
    for (int i = 0; i < (n ? n : 1); i++) {
        struct db_host e = {db_hosts_element(a, host, i), db_hosts_element(a, hostaddr, i),
                            db_hosts_element(a, port, i), i};
        db_hosts_expand(a, h, &e);
    }
}

/* These three are rebuilt for each attempt; all other options are passed on as they are. */
static bool db_hosts_is_list_keyword(const char *k)
{
    return strcmp(k, "host") == 0 || strcmp(k, "hostaddr") == 0 || strcmp(k, "port") == 0;
}

/* The operator's own value always wins over a default of ours. */
static void db_hosts_read_params(struct arena *a, struct db_hosts *h,
                                 const PQconninfoOption *options)
{
    size_t n = ARRAY_LEN(defaults);

    for (const PQconninfoOption *o = options; o->keyword; o++)
        n++;
    const char **keywords = arena_array(a, n + 1, sizeof(char *)),
               **values = arena_array(a, n + 1, sizeof(char *));
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (o->val && o->val[0] && !db_hosts_is_list_keyword(o->keyword)) {
            keywords[h->params_n] = o->keyword;
            values[h->params_n++] = o->val;
        }
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (!db_hosts_option(options, defaults[i].keyword)) {
            keywords[h->params_n] = defaults[i].keyword;
            values[h->params_n++] = defaults[i].value ? defaults[i].value : db_hosts_application(a);
        }
    h->keywords = keywords;
    h->values = values;
}

/* NULL with *reason, whose text never holds a part of the URL. */
const struct db_hosts *db_hosts_read(struct arena *a, const char *url, const char **reason)
{
    /* Its message may quote a password, so it is not asked for. */
    PQconninfoOption *o = PQconninfoParse(url, NULL);

    if (!o) {
        *reason = "database.url is not a libpq connection string or URI";
        return NULL;
    }
    arena_defer(a, db_hosts_free_options, o);
    struct db_hosts *h = ARENA_NEW(a, struct db_hosts);
    h->list = arena_array(a, DB_HOSTS_MAX, sizeof(*h->list));
    db_hosts_read_list(a, h, o);
    db_hosts_read_params(a, h, o);
    const char *wanted = db_hosts_option(o, "target_session_attrs");
    /* With one writable server in the list, a process that finds it tells the others
     * (db_primary.c). */
    h->one_primary =
        h->n > 1 && wanted && (strcmp(wanted, "read-write") == 0 || strcmp(wanted, "primary") == 0);
    if (h->n > 0)
        return h;
    *reason = "no address of the database's host is known";
    return NULL;
}

/* By reversals, in place: the attempt's arena is small. */
static void db_hosts_reverse(struct db_host *list, int from, int to)
{
    for (to--; from < to; from++, to--) {
        const struct db_host h = list[from];
        list[from] = list[to];
        list[to] = h;
    }
}

void db_hosts_turn(const struct db_hosts *h, int first)
{
    db_hosts_reverse(h->list, 0, first);
    db_hosts_reverse(h->list, first, h->n);
    db_hosts_reverse(h->list, 0, h->n);
}

/* Across a reload lists differ, so hosts are known by name. */
int db_hosts_find(const struct db_hosts *h, uint32_t id)
{
    for (int i = 0; i < h->n; i++)
        if (db_host_id(&h->list[i]) == id)
            return i;
    return -1;
}

/* NULL when no element has a value: then libpq's own default applies. */
static const char *db_hosts_join(struct arena *a, const struct db_hosts *h, int first,
                                 const char *(*part)(const struct db_host *))
{
    struct sb b;
    bool any = false;

    sb_init(&b, a, 64);
    for (int i = first; i < h->n; i++) {
        const char *s = part(&h->list[i]);
        if (i > first)
            sb_putc(&b, ',');
        sb_puts(&b, s);
        any = any || s[0];
    }
    return any ? sb_str(&b).p : NULL;
}

/* Three parts of one entry, so that db_hosts_join() builds all lists and their positions agree. */
static const char *db_hosts_part_host(const struct db_host *e)
{
    return e->host;
}

static const char *db_hosts_part_hostaddr(const struct db_host *e)
{
    return e->hostaddr;
}

static const char *db_hosts_part_port(const struct db_host *e)
{
    return e->port;
}

/* The list from `first` on: libpq goes through the rest by itself when hosts refuse. */
PGconn *db_hosts_start(struct arena *a, const struct db_hosts *h, int first)
{
    static const struct {
        const char *keyword;
        const char *(*part)(const struct db_host *);
    } lists[] = {{"host", db_hosts_part_host},
                 {"hostaddr", db_hosts_part_hostaddr},
                 {"port", db_hosts_part_port}};
    size_t n = (size_t)h->params_n, size = n + ARRAY_LEN(lists) + 1;
    const char **keywords = arena_array(a, size, sizeof(char *)),
               **values = arena_array(a, size, sizeof(char *));

    memcpy(keywords, h->keywords, n * sizeof(char *));
    memcpy(values, h->values, n * sizeof(char *));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const char *v = db_hosts_join(a, h, first, lists[i].part);
        if (!v)
            continue;
        keywords[n] = lists[i].keyword;
        values[n++] = v;
    }
    /* 0: a dbname is a name and is not read as another connection string. */
    return PQconnectStartParams(keywords, values, 0);
}

bool db_url_valid(const char *url)
{
    return db_url_fault(url) == NULL;
}

/* Parameters with a fixed set of values (PostgreSQL manual, 34.1.2): libpq judges them only when it
 * connects, which a service would try for ever. */
static const struct {
    const char *name, *values; /* each between blanks */
} db_hosts_fixed[] = {
    {"sslmode", " disable allow prefer require verify-ca verify-full "},
    {"target_session_attrs", " any read-write read-only primary standby prefer-standby "},
    {"channel_binding", " disable prefer require "},
    {"gssencmode", " disable prefer require "},
    {"sslsni", " 0 1 "},
    {"ssl_min_protocol_version", " TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 "},
    {"ssl_max_protocol_version", " TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 "},
};
/* Whole numbers, which it reads when it connects as well. */
static const char *const db_hosts_numbers[] = {"connect_timeout",  "keepalives",
                                               "keepalives_idle",  "keepalives_interval",
                                               "keepalives_count", "tcp_user_timeout"};

/* Of libpq's complaint only the name in quotes: the rest may quote the text, password included. */
static const char *db_hosts_name_fault(char *out, size_t size, const char *complaint)
{
    static const char *const known[] = {"invalid URI query parameter: \"",
                                        "invalid connection option \""};
    for (size_t i = 0; complaint && i < ARRAY_LEN(known); i++) {
        const char *name = strstr(complaint, known[i]);
        if (!name)
            continue;
        name += strlen(known[i]);
        (void)snprintf(out, size, "has the parameter '%.*s', which libpq does not know",
                       (int)strcspn(name, "\""), name);
        return out;
    }
    return "must be a postgresql:// URI or libpq conninfo (host=... dbname=...)";
}

/* Of a parameter that has one of few values. The value itself is never shown: whoever mixed up two
 * parameters may have put a password there. */
static const char *db_hosts_value_fault(char *out, size_t size, const PQconninfoOption *o)
{
    for (size_t i = 0; i < ARRAY_LEN(db_hosts_fixed); i++) {
        char value[32];
        const char *given = db_hosts_option(o, db_hosts_fixed[i].name);
        if (!given)
            continue;
        (void)snprintf(value, sizeof(value), " %.28s ", given);
        /* libpq takes versions of TLS in any case, and a lower one of the rest alone. */
        if (!strchr(given, ' ') && (strstr(db_hosts_fixed[i].values, value) ||
                                    (strcasestr(db_hosts_fixed[i].values, value) &&
                                     strstr(db_hosts_fixed[i].name, "_version"))))
            continue;
        (void)snprintf(out, size, "has a value of '%s' that is none of:%s", db_hosts_fixed[i].name,
                       db_hosts_fixed[i].values);
        out[strlen(out) - 1] = '\0';
        return out;
    }
    for (size_t i = 0; i < ARRAY_LEN(db_hosts_numbers); i++) {
        const char *given = db_hosts_option(o, db_hosts_numbers[i]);
        int64_t n;
        if (!given || num_range(str_of(given), INT32_MIN, INT32_MAX, &n))
            continue;
        (void)snprintf(out, size, "has a value of '%s' that is no whole number",
                       db_hosts_numbers[i]);
        return out;
    }
    return NULL;
}

/* Lists that libpq could not pair, and ports that do not exist. */
static const char *db_hosts_list_fault(const PQconninfoOption *o)
{
    const char *host = db_hosts_option(o, "host"), *hostaddr = db_hosts_option(o, "hostaddr"),
               *port = db_hosts_option(o, "port");
    const int hosts = db_hosts_count_elements(hostaddr ? hostaddr : host);
    const int ports = db_hosts_count_elements(port);
    if (host && hostaddr && db_hosts_count_elements(host) != hosts)
        return "has another number of 'host' than of 'hostaddr'";
    if (ports > 1 && ports != hosts)
        return "has another number of 'port' than of hosts";
    struct str rest = str_of(port);
    for (int i = 0; i < ports; i++) {
        const struct str e = str_cut(&rest, ',');
        int64_t n;
        if (e.n > 0 && !num_range(e, 1, UINT16_MAX, &n))
            return "has a 'port' that is none of 1 to 65535";
    }
    return NULL;
}

/* For check-config: NULL, or what is wrong, without the password. The text is valid until the next
 * call. */
const char *db_url_fault(const char *url)
{
    static char text[160];
    char *complaint = NULL;
    PQconninfoOption *o = PQconninfoParse(url, &complaint);
    const char *fault = o ? NULL : db_hosts_name_fault(text, sizeof(text), complaint);

    if (o && db_hosts_option(o, "service")) /* its host would escape us */
        fault = "has the parameter 'service', which is not supported: name the host here";
    if (o && !fault)
        fault = db_hosts_list_fault(o);
    if (o && !fault)
        fault = db_hosts_value_fault(text, sizeof(text), o);
    PQfreemem(complaint);
    PQconninfoFree(o);
    return fault;
}

/* Called by the master before the resolver starts. */
bool db_register_hosts(const char *url)
{
    PQconninfoOption *o = PQconninfoParse(url, NULL);
    struct arena *a = arena_new(1024);

    bool good = true;
    ENSURE(a);
    if (o) {
        const char *host = db_hosts_option(o, "host"), *hostaddr = db_hosts_option(o, "hostaddr");
        if (!host && !hostaddr)
            host = getenv("PGHOST");
        for (int i = 0; i < db_hosts_count_elements(host); i++) {
            const char *e = db_hosts_element(a, host, i);
            if (db_hosts_has_name(e, db_hosts_element(a, hostaddr, i)))
                good &= addrs_register(e);
        }
    }
    PQconninfoFree(o);
    arena_free(a);
    return good;
}

/* For confine/forget.c, which looks for copies of it in memory. */
void db_password(const char *url, void (*fn)(void *ctx, const char *p, size_t n), void *ctx)
{
    PQconninfoOption *o = PQconninfoParse(url, NULL);
    const char *password = o ? db_hosts_option(o, "password") : NULL;

    if (password)
        fn(ctx, password, strlen(password));
    PQconninfoFree(o);
}

/* Files by their option, and the variable that stands in for it. */
static const struct {
    const char *keyword, *variable;
} files[] = {
    {"passfile", "PGPASSFILE"},       {"sslcert", "PGSSLCERT"}, {"sslkey", "PGSSLKEY"},
    {"sslrootcert", "PGSSLROOTCERT"}, {"sslcrl", "PGSSLCRL"},   {"sslcrldir", "PGSSLCRLDIR"},
};

/* What libpq will open: confine lets the role read these paths. */
void db_files(const char *url, void (*fn)(void *ctx, const char *path), void *ctx)
{
    PQconninfoOption *o = PQconninfoParse(url, NULL);

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        const char *path = o ? db_hosts_option(o, files[i].keyword) : NULL;
        if (!path)
            path = getenv(files[i].variable);
        if (path && *path)
            fn(ctx, path);
    }
    PQconninfoFree(o);
}

/* For confine: a role may connect to these ports and no others. */
void db_ports(const char *url, void (*fn)(void *ctx, uint16_t port), void *ctx)
{
    PQconninfoOption *o = PQconninfoParse(url, NULL);
    const char *list = o ? db_hosts_option(o, "port") : NULL;

    if (!list)
        list = getenv("PGPORT");
    struct str rest = str_of(list && *list ? list : DEFAULT_PORT);
    while (rest.p) {
        int64_t port;
        struct str e = str_trim(str_cut(&rest, ','));
        if (num_i64(e.n ? e : STR(DEFAULT_PORT), &port) && port > 0 && port <= UINT16_MAX)
            fn(ctx, (uint16_t)port);
    }
    PQconninfoFree(o);
}
