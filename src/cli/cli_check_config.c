/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd check-config`: faults of the file (domain/config_hopeless.c has those that `serve`
 * takes) and warnings about what is unsafe. Faults end with exit code 78, warnings do not: a test
 * system may have reasons. Nothing is connected to, so it also runs in a pipeline. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/template.h"
#include "cli_priv.h"
#include "db/db_url.h"
#include "domain/config_show.h"
#include "domain/sms_text.h"
#include "domain/templates.h"
#include "svc/phone.h"
#include "sys/config_read.h"

/* Chance of one in a thousand per code, with the usual attempts. */
#define CODE_GUESSES_MAX 1000

struct check {
    const struct config *cfg;
    const char *path;
};

/* For what may be meant, but is unsafe where it is not. */
static void check_config_warn(const struct check *c, const char *key, const char *what)
{
    cli_error("%s: warning: %s: %s", c->path ? c->path : "defaults", key, what);
}

static void check_config_judge_server(struct check *c)
{
    const struct config *cfg = c->cfg;
    const char *at = cfg->monitor.listen.kind == LISTEN_TCP ? cfg->monitor.listen.host : "127.";
    if (strncmp(at, "127.", 4) != 0 && strcmp(at, "::1") != 0)
        check_config_warn(c, "monitor.listen",
                          "metrics and status are not on loopback, and ask for no credentials");
}

/* What may be meant in a test system is a warning. */
static void check_config_judge_providers(struct check *c)
{
    for (size_t i = 0; i < c->cfg->providers_n; i++) {
        const struct provider_config *p = &c->cfg->providers[i];
        const char *host = strstr(p->base_url, "://") ? strstr(p->base_url, "://") + 3 : "";
        if (strncmp(p->base_url, "http://", 7) == 0 && !config_url_is_local(p->base_url))
            check_config_warn(c, p->name, "base_url is http: its credentials can be read");
        /* At a link-local address cloud machines offer their own credentials: a provider there
         * is a mistake or an attack. */
        if (strncmp(host, "169.254.", 8) == 0)
            check_config_warn(c, p->name, "base_url is a link-local address (cloud metadata)");
    }
}

/* Whoever has that number in real life would never get a code, and anybody could sign in as them.
 */
static void check_config_judge_test_number(const struct check *c, const char *phone)
{
    struct arena *a = arena_new(1024);
    const char *normal;
    if (!a)
        return;
    if (phone_normalise(c->cfg, a, str_of(phone), PHONE_SERVED, &normal) == ERR_OK)
        check_config_warn(c, "otp.test_numbers",
                          arena_printf(a, "%s is a mobile number that somebody may have", phone));
    arena_free(a);
}

/* All codes of a length, divided by the attempts at one code: the chance of a guess. */
static void check_config_judge_otp(struct check *c)
{
    int64_t codes = 1;
    for (int64_t i = 0; i < c->cfg->otp.code_length; i++)
        codes *= 10;
    if (codes / c->cfg->otp.max_attempts <= CODE_GUESSES_MAX)
        check_config_warn(c, "otp.code_length",
                          "too short for otp.max_attempts: codes are guessed");
    for (size_t i = 0; i < c->cfg->otp.test_numbers_n; i++)
        check_config_judge_test_number(c, c->cfg->otp.test_numbers[i].phone);
    if (c->cfg->otp.per_phone.count > 100)
        check_config_warn(c, "otp.per_phone", "more than 100 codes to one phone");
}

/* migrate_url is used by hand, from wherever the owner likes. */
static void check_config_judge_database(struct check *c)
{
    const char *url = c->cfg->database.url, *read_url = c->cfg->database.read_url;
    const char *what = "nothing but TLS protects it on the way: use sslmode=verify-full";
    if (db_url_plain(url))
        check_config_warn(c, "database.url", what);
    if (read_url && db_url_plain(read_url))
        check_config_warn(c, "database.read_url", what);
}

/* Secrets may be in the file itself. */
static void check_config_judge_file(struct check *c)
{
    struct stat st;
    if (c->path && c->cfg->memory.secrets && stat(c->path, &st) == 0 && (st.st_mode & S_IROTH))
        check_config_warn(c, "secrets", "everybody on this machine can read the file");
    if (!c->cfg->memory.exposed)
        return;
    char text[512];
    (void)snprintf(text, sizeof(text), "everybody on this machine can read %s",
                   c->cfg->memory.exposed);
    check_config_warn(c, "secrets", text);
}

/* ---- what the texts cost ---- */

/* Values of usual length, in Latin script; with Arabic names the figures are higher. */
static const struct template_var check_config_sample[] = {
    {"code", "123456"},
    {"service", "Haircut and beard"},
    {"venue", "Palm Street Branch"},
    {"resource", "Ahmed"},
    {"starts_at", "Wednesday, 14 January, 15:04"},
    {"ends_at", "Wednesday, 14 January, 15:34"},
    {"party_size", "2"},
    {"amount", "120.00"},
    {"currency", "SAR"},
    {"link", "https://checkout.moyasar.com/invoices/b7c7b1a1-3c3e-4f6e-8b56-2f1d9a3c4e5f"},
};

/* Whoever changes a text sees here when one character more would cost another message. */
static void check_config_print_size(struct arena *a, const char *name, int locale, const char *text)
{
    const struct template_values values = {.vars = check_config_sample,
                                           .n = ARRAY_LEN(check_config_sample)};
    struct sb filled;
    sb_init(&filled, a, 256);
    template_add(&filled, text ? text : "", &values);
    const struct sms_text_size size = sms_text_size(filled.n > 0 ? filled.p : "");
    cli_error("note: text %s (%s): %zu of %s, %zu %s", name, locale_names[locale], size.units,
              size.ucs2 ? "70 UCS-2 units" : "160 GSM-7 characters", size.parts,
              size.parts == 1 ? "part" : "parts");
}

/* Only texts that are sent: without a provider nobody pays for them. */
static void check_config_print_sizes(const struct config *cfg)
{
    struct arena *a = arena_new(4096);
    for (int locale = 0; a && locale < LOCALE_COUNT; locale++) {
        if (cfg->otp.provider >= 0)
            check_config_print_size(a, "otp", locale, cfg->otp.messages[locale]);
        for (int i = 0; cfg->notifications.provider >= 0 && i < NOTIFICATION_TEMPLATE_COUNT; i++)
            check_config_print_size(a, notification_template_names[i], locale,
                                    cfg->notifications.messages[i][locale]);
    }
    arena_free(a);
}

int cli_check_config(struct cli *c)
{
    bool without_secrets = false, print = false;
    const struct cli_option options[] = {{.name = "without-secrets", .flag = &without_secrets},
                                         {.name = "print", .flag = &print},
                                         CLI_OPTIONS_END};
    struct config_report *report;
    int code = cli_options(c, options, 0, 0);
    if (code != CLI_GO_ON)
        return code;
    struct config *cfg = config_load_to_show(c->config_path, without_secrets, &report);
    if (!cfg)
        cfg = cli_config_refused(c, report);
    if (!cfg)
        return EX_CONFIG;
    /* Settings are judged only when the file has no fault: what could not be read cannot be
     * judged. */
    struct check check = {.cfg = cfg, .path = c->config_path};
    check_config_judge_server(&check);
    check_config_judge_providers(&check);
    check_config_judge_otp(&check);
    check_config_judge_database(&check);
    check_config_judge_file(&check);
    /* Not for a check of the file alone, as in a pipeline: its warnings are enough. */
    if (!without_secrets && !print)
        check_config_print_sizes(cfg);
    if (print)
        config_show(cfg, stdout);
    config_free(cfg);
    if (!print) /* its output is YAML */
        puts("configuration ok");
    return cli_done();
}
