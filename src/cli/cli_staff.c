/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * `bookingd staff-key`: makes, lists and revokes the keys of staff. The first key can only be made
 * here: the API needs one already.
 */
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "cli_priv.h"
#include "svc/staff.h"

#define STAFF_MS 15000 /* a connection and two short transactions, with room for a failover */

static const struct cli_option staff_no_options[] = {CLI_OPTIONS_END};

/* Names are never reused, since audit rows name the key. */
static int staff_print_error(enum err e, const char *name, const char *venue)
{
    if (e == ERR_VALIDATION)
        cli_error(
            "a name must have 1 to 64 characters, at least one visible and no control characters");
    else if (e == ERR_STAFF_KEY_EXISTS)
        cli_error("the name '%s' is or was in use; names are never reused", name);
    else if (e == ERR_NOT_FOUND)
        cli_error("there is no venue %s", venue);
    else
        return cli_failed(e);
    return 1;
}

/* Whom a key or a link is for. The venue is checked by the database. */
static int staff_read_options(struct cli *c, const char *default_role, struct staff_key_order *o)
{
    const char *name = NULL, *role = default_role, *venue = NULL;
    const struct cli_option options[] = {{.name = "name", .value = &name},
                                         {.name = "role", .value = &role},
                                         {.name = "venue", .value = &venue},
                                         CLI_OPTIONS_END};
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    if (!name)
        return cli_usage(c->command, "--name is missing");
    const int found = name_find(staff_role_names, STAFF_ROLE_COUNT, str_of(role));
    if (found < 0)
        return cli_usage(c->command, "unknown role '%s': must be admin, agent or viewer", role);
    *o = (struct staff_key_order){.actor = ACTOR_COMMAND_LINE,
                                  .name = name,
                                  .role = (enum staff_role)found,
                                  .venue_id = venue};
    return CLI_GO_ON;
}

/* admin is the default role, since the first key that anybody makes must be able to set up the
 * rest. */
int cli_staff_create(struct cli *c)
{
    struct staff_key_order order;
    struct staff_key_made made;
    struct cli_session s;
    int code = staff_read_options(c, "admin", &order);
    if (code != CLI_GO_ON)
        return code;
    code = cli_session_open(&s, c, CLI_DATABASE, STAFF_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = staff_key_add(&s.svc, &order, &made);
    if (e == ERR_OK)
        /* Alone on one line of stdout: `KEY=$(bookingd staff-key create ...)`. Only its hash is
         * stored. */
        puts(made.text);
    code = e == ERR_OK ? cli_done() : staff_print_error(e, order.name, order.venue_id);
    cli_session_close(&s);
    return code;
}

/* Revoked keys are listed too: the audit log names them. */
int cli_staff_list(struct cli *c)
{
    const struct staff_key *keys;
    struct cli_session s;
    size_t n;
    int code = cli_options(c, staff_no_options, 0, 0);
    if (code == CLI_GO_ON)
        code = cli_session_open(&s, c, CLI_DATABASE, STAFF_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = staff_key_list(&s.svc, &keys, &n);
    if (e == ERR_OK)
        printf("%-24s %-7s %-36s %-20s %s\n", "NAME", "ROLE", "VENUE", "CREATED", "REVOKED");
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        char created[WALL_RFC3339_MAX], revoked[WALL_RFC3339_MAX];
        struct wall made = wall_whole_seconds(keys[i].created_at);
        struct wall ended = wall_whole_seconds(keys[i].revoked_at);
        printf("%-24s %-7s %-36s %-20s %s\n", keys[i].name, keys[i].role,
               keys[i].venue_id ? keys[i].venue_id : "all", wall_format(made, created),
               keys[i].revoked ? wall_format(ended, revoked) : "-");
    }
    code = e == ERR_OK ? cli_done() : cli_failed(e);
    cli_session_close(&s);
    return code;
}

/* Revoking takes effect at once: each request looks the key up. */
int cli_staff_revoke(struct cli *c)
{
    struct cli_session s;
    int code = cli_options(c, staff_no_options, 1, 1);
    if (code == CLI_GO_ON)
        code = cli_session_open(&s, c, CLI_DATABASE, STAFF_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = staff_key_revoke(&s.svc, c->argv[0]);
    if (e == ERR_OK)
        code = 0;
    /* A name that was never used, or whose key is revoked already: a script sees that it changed
     * nothing. */
    else if (e == ERR_NOT_FOUND) {
        cli_error("there is no active key named '%s'", c->argv[0]);
        code = 1;
    } else
        code = cli_failed(e);
    cli_session_close(&s);
    return code;
}

/* The code stands behind the #, which browsers never send to a server. */
int cli_desk_link(struct cli *c)
{
    struct staff_key_order order;
    struct cli_session s;
    const char *code_text;
    int code = staff_read_options(c, "agent", &order);
    if (code != CLI_GO_ON)
        return code;
    code = cli_session_open(&s, c, CLI_DATABASE, STAFF_MS);
    if (code != CLI_GO_ON)
        return code;
    enum err e = staff_link_make(&s.svc, &order, &code_text);
    if (e == ERR_OK)
        /* The public address, since the link is sent to somebody whose browser is elsewhere. */
        printf("%s/desk#link=%s\n", s.cfg->server.public_url, code_text);
    /* A warning and no refusal: the link is good once the page is switched on and the service
     * reloaded. */
    if (e == ERR_OK && !s.cfg->desk_enabled)
        cli_error("desk.enabled is off: the page answers 404 until it is on");
    code = e == ERR_OK ? cli_done() : staff_print_error(e, order.name, order.venue_id);
    cli_session_close(&s);
    return code;
}
