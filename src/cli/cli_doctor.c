/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * `bookingd doctor`: compares what the service needs with what is there, by reading alone, within
 * ten seconds. Per line: the promise, what was seen, and what to do when they differ. Nothing of it
 * runs in the service.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/uuid.h"
#include "cli_priv.h"
#include "db/db_fit.h"
#include "domain/sms_text.h"
#include "ext/ext_probe.h"
#include "ext/pay.h"
#include "ext/sms.h"
#include "svc/phone.h"
#include "svc/replication.h"
#include "svc/svc_sql.h"

/* All together below ten seconds, also when several providers are silent. */
#define DOCTOR_MS 9000
/* The database is asked first. Whatever it takes, each probe is cut short by the end of the
 * whole. */
#define PROBE_MS 2500
#define DATABASE_MS 3000
/* A certificate is renewed a month before its end as a rule. */
#define CERTIFICATE_DAYS_MIN 14
/* Holds and codes are timed by the database's clock; people read this machine's. */
#define CLOCK_MS_MAX 1000
/* Monitor, keeper, and a command beside them. */
#define OTHER_SESSIONS 3
/* One part holds 70 characters of Arabic, two hold 134 (UCS-2): room for a date, a time and a name.
 * A longer text is seldom meant. */
#define SMS_PARTS_MAX 2

/* Faults are counted and not returned: each check runs, whatever the others have found. */
struct doctor {
    struct cli_session s;
    struct deadline end;
    unsigned faults;
};

/* todo NULL: all is well. */
static void doctor_line(struct doctor *d, const char *promise, const char *seen, const char *todo)
{
    printf("%-5s %s: %s\n", todo ? "FAULT" : "ok", promise, seen);
    if (todo)
        printf("      %s\n", todo);
    d->faults += todo != NULL;
    (void)fflush(stdout); /* a slow provider must not hide what was found before */
}

/* ---- database ---- */

/* Settings of the server that the service relies on, each with what mends it. */
static void doctor_judge_database(struct doctor *d, struct db_rows rows)
{
    struct arena *a = d->s.arena;
    const struct config *cfg = d->s.cfg;
    /* max_connections counts those that are kept for superusers, which the service never gets. */
    const int64_t free_for_us =
        db_get_int(rows, 0, "connections") - db_get_int(rows, 0, "reserved");
    const int64_t wanted = cfg->server.workers + cfg->notifications.couriers + OTHER_SESSIONS;
    const int64_t apart_ms =
        wall_us_between((struct wall){db_get_int(rows, 0, "now_us")}, wall_now()) / 1000;
    /* Without synchronous_commit a crash loses the last bookings. Without the other two it can ruin
     * the whole cluster (PostgreSQL, "Write Ahead Log"). */
    const bool safe = db_get_bool(rows, 0, "fsync") && db_get_bool(rows, 0, "page_writes") &&
                      strcmp(db_get_str(rows, 0, "synchronous"), "off") != 0;
    /* A standby answers reads as a primary does: only this tells the two apart before the first
     * booking. */
    const bool writable =
        !db_get_bool(rows, 0, "in_recovery") && !db_get_bool(rows, 0, "read_only");
    doctor_line(d, "the database takes writes", writable ? "yes" : "it is read-only",
                writable ? NULL : "connect to the primary; look at default_transaction_read_only");
    doctor_line(d, "it has connections enough",
                arena_printf(a, "%" PRId64 " for all, %" PRId64 " wanted here, %" PRId64 " in use",
                             free_for_us, wanted, db_get_int(rows, 0, "used")),
                free_for_us >= wanted ? NULL
                                      : "raise max_connections, lower server.workers, or put "
                                        "PgBouncer between them");
    doctor_line(d, "what is committed survives a crash",
                safe ? "fsync, full_page_writes and synchronous_commit are on"
                     : "fsync, full_page_writes or synchronous_commit is off",
                safe ? NULL : "switch them on: money is kept here");
    doctor_line(d, "its clock is this machine's", arena_printf(a, "%" PRId64 " ms apart", apart_ms),
                apart_ms < CLOCK_MS_MAX && apart_ms > -CLOCK_MS_MAX ? NULL
                                                                    : "run NTP on both machines");
}

/* Only where somebody said that it must be so: many run with one server, and know it. */
static void doctor_check_replication(struct doctor *d)
{
    struct replication r;
    if (!d->s.cfg->database.require_synchronous)
        return;
    d->s.svc.deadline = deadline_cap(d->end, DATABASE_MS);
    const enum err e = replication_read(&d->s.svc, &r);
    if (e != ERR_OK)
        r = (struct replication){err_code(e), "see the log of the database"};
    doctor_line(d, "a standby confirms what is committed", r.fault ? r.fault : "yes", r.todo);
}

/* One connection as the service makes it, so that what it finds is what the service would find. */
static void doctor_check_database(struct doctor *d)
{
    struct svc *s = &d->s.svc;
    const struct deadline until = deadline_cap(d->end, DATABASE_MS);
    const struct mono begun = mono_now();
    /* As `serve` does, so that a schema of another version is found before the restart. */
    enum err e = cli_session_connect(s, until);
    if (e != ERR_OK) {
        const struct db_unfit *unfit = e == ERR_DB_SCHEMA ? db_unfit(s->db) : NULL;
        doctor_line(d, "the database answers and fits", unfit ? unfit->sentence : err_code(e),
                    unfit ? unfit->command : "see that PostgreSQL runs, and database.url");
        return;
    }
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int at = db_add(b, &stmt_doctor_database, NULL, 0);
    e = db_run(b, until);
    if (e != ERR_OK) {
        doctor_line(d, "the database answers and fits", err_code(e), "see its log");
        return;
    }
    struct db_rows rows = db_result(b, at);
    doctor_line(d, "the database answers and fits",
                arena_printf(s->arena, "PostgreSQL %s, in %.0f ms", db_get_str(rows, 0, "version"),
                             mono_ms_since(begun)),
                NULL);
    doctor_judge_database(d, rows);
    doctor_check_replication(d);
}

/* ---- providers ---- */

static const char *doctor_probe_seen(struct arena *a, const struct ext_probe *p)
{
    if (p->fault)
        return arena_printf(a, "%s%s%s", p->address, *p->address ? ": " : "", p->fault);
    /* A plain address has no certificate, so there is nothing to say about one. */
    if (!p->tls)
        return arena_printf(a, "%s, lookup %.0f ms, TCP %.0f ms", p->address, p->lookup_ms,
                            p->connect_ms);
    return arena_printf(a, "%s, lookup %.0f ms, TCP %.0f ms, TLS %.0f ms, certificate %d days",
                        p->address, p->lookup_ms, p->connect_ms, p->tls_ms, p->certificate_days);
}

/* The connection and the certificate alone: no message is sent. */
static void doctor_check_provider(struct doctor *d, const struct provider_config *p)
{
    struct arena *a = d->s.arena;
    struct ext_probe probe;
    const char *todo = NULL;
    if (!ext_probe(a, p->base_url, deadline_cap(d->end, PROBE_MS), &probe))
        probe.fault = "out of memory";
    if (probe.fault)
        todo = "see the firewall, DNS and base_url; ask the provider";
    else if (probe.tls && probe.certificate_days >= 0 &&
             probe.certificate_days < CERTIFICATE_DAYS_MIN)
        todo = "its certificate ends soon: tell the provider";
    doctor_line(d, arena_printf(a, "%s can be reached", p->name), doctor_probe_seen(a, &probe),
                todo);
}

/* A question that changes nothing: an invoice that nobody made. SMS providers have none that is
 * free of charge for all of them; --send is theirs. */
static void doctor_check_gateway(struct doctor *d, int provider)
{
    struct svc *s = &d->s.svc;
    struct pay_invoices found;
    const struct uuid nobody = uuid_new();
    const struct pay_call call = {.ext = s->ext,
                                  .arena = s->arena,
                                  .cfg = s->cfg,
                                  .provider = provider,
                                  .request_id = s->request_id,
                                  .deadline = deadline_cap(d->end, PROBE_MS)};
    struct ext_result r = pay_find(&call, nobody.s, &found);
    const bool good = r.err == ERR_OK || r.err == ERR_NOT_FOUND;
    doctor_line(d, arena_printf(s->arena, "%s takes our key", s->cfg->providers[provider].name),
                good ? "yes" : (r.detail ? r.detail : err_code(r.err)),
                good ? NULL : "see secret_key, and the gateway's console");
}

/* A test key in production takes no money, and nobody notices. */
static void doctor_check_keys(struct doctor *d, int provider)
{
    const struct provider_config *p = &d->s.cfg->providers[provider];
    if (!p->secret_key)
        return;
    doctor_check_gateway(d, provider);
    /* The gateway's keys say what they are: sk_test_... and sk_live_... (Moyasar,
     * "Authentication"). */
    const bool test = strstr(p->secret_key, "_test_") != NULL;
    doctor_line(d, arena_printf(d->s.arena, "%s takes real money", p->name),
                test ? "the key is a test key" : "the key is a live key",
                test ? "before the first customer put the live key into secret_key" : NULL);
}

/* ---- this machine ---- */

/* The service itself speaks plain HTTP: a proxy in front of it has the certificate. With an http
 * address, codes and tokens cross the network readable by anybody. */
static void doctor_check_address(struct doctor *d)
{
    const char *url = d->s.cfg->server.public_url;
    const bool https = strncmp(url, "https://", 8) == 0;
    doctor_line(d, "customers reach public_url over TLS", url,
                https ? NULL : "set server.public_url to the proxy's https address");
}

/* The group may read: the file is root's, and the service's account reads it by its group. */
static void doctor_check_file(struct doctor *d, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        doctor_line(d, "the configuration is there", strerror(errno), "see -c FILE");
        return;
    }
    const bool open = (st.st_mode & (S_IRWXO | S_IWGRP)) != 0;
    doctor_line(d, "only the service reads its secrets",
                arena_printf(d->s.arena, "%s has mode %04o", path, (unsigned)st.st_mode & 07777),
                open ? "chmod 0640, or keep secrets in files of their own" : NULL);
}

/* Those that the configuration names. A credential is systemd's to guard. */
static void doctor_check_secrets(struct doctor *d)
{
    const char *path = d->s.cfg->memory.exposed;
    doctor_line(d, "nobody else reads files of secrets",
                path ? path : "no file is open to everybody",
                path ? "chmod 0600, and give the file to the service's account" : NULL);
}

/* What confinement needs of this kernel. */
static void doctor_check_kernel(struct doctor *d)
{
    char text[512] = "";
    /* The list of active security modules. It is missing where securityfs is not mounted, as in
     * most containers: then nothing is known, which is no fault. */
    FILE *f = fopen("/sys/kernel/security/lsm", "re");
    const bool known = f && fgets(text, sizeof text, f);
    if (f)
        (void)fclose(f);
    text[strcspn(text, "\n")] = '\0';
    const bool there = !known || strstr(text, "landlock") != NULL;
    doctor_line(d, "the kernel confines processes",
                !known ? "not told here; event confine.limits of the log says it" : text,
                there ? NULL : "add landlock to the lsm= boot parameter (Linux 5.13 or newer)");
}

/* A notification's text counts without its names, so what is long here is longer in use. */
static void doctor_check_texts(struct doctor *d)
{
    const struct config *cfg = d->s.cfg;
    for (int l = 0; l < LOCALE_COUNT; l++) {
        size_t most = sms_text_size(cfg->otp.messages[l]).parts;
        for (int t = 0; t < NOTIFICATION_TEMPLATE_COUNT; t++) {
            const char *text = cfg->notifications.messages[t][l];
            const size_t parts = text ? sms_text_size(text).parts : 0;
            most = parts > most ? parts : most;
        }
        doctor_line(d, arena_printf(d->s.arena, "texts (%s) are short", locale_names[l]),
                    arena_printf(d->s.arena, "%zu SMS %s at most, before names are filled in", most,
                                 most == 1 ? "part" : "parts"),
                    most <= SMS_PARTS_MAX ? NULL : "each part is billed: shorten the messages");
    }
}

/* ---- --send ---- */

/* By the provider that sends codes, if there is one: whoever gets no code cannot book at all. */
static void doctor_send(struct doctor *d, const char *phone)
{
    struct svc *s = &d->s.svc;
    const char *to, *id;
    const int provider =
        s->cfg->otp.provider >= 0 ? s->cfg->otp.provider : s->cfg->notifications.provider;
    if (provider < 0) {
        doctor_line(d, "an SMS arrives", "no SMS provider is configured", "see otp.provider");
        return;
    }
    if (phone_normalise(s->cfg, s->arena, str_of(phone), PHONE_ANY_REGION, &to) != ERR_OK) {
        doctor_line(d, "an SMS arrives", "this is no mobile number", "give it as +966...");
        return;
    }
    const struct uuid name = uuid_new();
    struct ext_result r = sms_send(s->ext, s->arena,
                                   &(struct sms){.provider = provider,
                                                 .to = to,
                                                 .text = "bookingd: a test message.",
                                                 .id = name.s,
                                                 .request_id = s->request_id,
                                                 .op = PROVIDER_OP_SMS_NOTIFICATION},
                                   d->end, &id);
    doctor_line(d, "an SMS arrives",
                r.err == ERR_OK
                    ? arena_printf(s->arena, "%s took it%s%s", s->cfg->providers[provider].name,
                                   id ? " as " : "", id ? id : "")
                    : (r.detail ? r.detail : err_code(r.err)),
                r.err == ERR_OK ? NULL : "the provider's console tells more");
}

int cli_doctor(struct cli *c)
{
    const char *phone = NULL;
    const struct cli_option options[] = {{.name = "send", .value = &phone}, CLI_OPTIONS_END};
    struct doctor d = {.faults = 0};
    int code = cli_options(c, options, 0, 0);
    if (code == CLI_GO_ON)
        code = cli_session_open(&d.s, c, CLI_NO_DATABASE, DOCTOR_MS);
    if (code != CLI_GO_ON)
        return code;
    d.end = d.s.svc.deadline;
    /* From the near to the far: a fault of this machine explains those that are found after it. */
    doctor_line(&d, "the configuration is good", c->config_path, NULL);
    doctor_check_file(&d, c->config_path);
    doctor_check_secrets(&d);
    doctor_check_address(&d);
    doctor_check_kernel(&d);
    doctor_check_texts(&d);
    doctor_check_database(&d);
    for (size_t i = 0; i < d.s.cfg->providers_n; i++) {
        doctor_check_provider(&d, &d.s.cfg->providers[i]);
        doctor_check_keys(&d, (int)i);
    }
    if (phone)
        doctor_send(&d, phone);
    code = cli_done();
    cli_session_close(&d.s);
    return code != 0 ? code : d.faults > 0;
}
