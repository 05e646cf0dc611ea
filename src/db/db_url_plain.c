/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Whether database.url may send passwords and customers' data in the clear to another machine.
 * Called by check-config, which looks at the text alone and has no network. */
#include <string.h>

#include "base/str.h"
#include "db/db_url.h"
#include "db_priv.h"

/* An empty host is libpq's own socket; a path or an abstract name is a socket as well. */
static bool db_url_plain_is_local(struct str host)
{
    return host.n == 0 || host.p[0] == '/' || host.p[0] == '@' || str_eq(host, STR("localhost")) ||
           str_eq(host, STR("::1")) || str_starts(host, STR("127."));
}

/* libpq's documentation, 34.19: these three may go without TLS, and `prefer` is the default. */
static bool db_url_plain_is_weak(const char *sslmode)
{
    return !sslmode || strcmp(sslmode, "disable") == 0 || strcmp(sslmode, "allow") == 0 ||
           strcmp(sslmode, "prefer") == 0;
}

/* One remote host of several is enough: after a failover it is the one. */
bool db_url_plain(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *hosts = NULL, *sslmode = NULL;
    bool remote = false;

    for (const PQconninfoOption *o = options; o && o->keyword; o++) {
        if (!o->val || !*o->val)
            continue;
        /* Where both are given libpq connects to the address; it comes later in its list. */
        if (strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0)
            hosts = o->val;
        if (strcmp(o->keyword, "sslmode") == 0)
            sslmode = o->val;
    }
    struct str rest = str_of(hosts);
    while (hosts && rest.p && !remote)
        remote = !db_url_plain_is_local(str_cut(&rest, ','));
    remote = remote && db_url_plain_is_weak(sslmode);
    PQconninfoFree(options);
    return remote;
}
