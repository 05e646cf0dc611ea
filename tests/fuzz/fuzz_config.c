/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Configurations of any bytes: what is taken keeps the table's promises, what is refused says where
 * and why. */
#define _GNU_SOURCE 1
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/url.h"
#include "domain/config.h"
#include "domain/config_show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const struct config *c)
{
    ENSURE(c->server.listen_n >= 1 && c->otp.regions_n >= 1);
    ENSURE(c->server.workers >= 1 && c->server.workers <= 1024 && c->server.queue >= 1 &&
           c->server.queue <= 65536);
    ENSURE(c->database.url && *c->database.url);
    ENSURE(c->providers_n <= PROVIDERS_MAX);
    for (size_t i = 0; i < c->providers_n; i++) {
        const struct provider_config *p = &c->providers[i];
        char host[256];
        ENSURE(p->type >= 0 && p->type < PROVIDER_TYPE_COUNT && p->name && p->base_url);
        ENSURE(url_host(p->base_url, host, sizeof host) && *host);
        ENSURE(p->timeout_ms >= 50 && p->max_concurrent >= 1 &&
               p->max_concurrent <= c->server.workers);
        ENSURE(config_provider_find(c, p->name) == (int)i);
    }
    ENSURE(c->otp.provider < (int)c->providers_n && c->payments.provider < (int)c->providers_n);
    ENSURE(c->otp.provider < 0 || c->otp.secret_len >= 32);
    for (int l = 0; l < LOCALE_COUNT; l++)
        ENSURE(strstr(c->otp.messages[l], "{code}") != NULL);
}

static void check_refused(const struct config_report *r)
{
    static char text[262144];
    FILE *to = fmemopen(text, sizeof text, "w");
    ENSURE(to && r && r->n >= 1);
    for (size_t i = 0; i < r->n; i++)
        ENSURE(r->faults[i].line >= 1 && r->faults[i].column >= 1 && r->faults[i].key &&
               *r->faults[i].what);
    config_report_print(r, "x", to);
    fclose(to);
}

/* What `check-config --print` shows: whole lines, or why such a service would be of no use. */
static void check_shown(const char *path)
{
    static char text[262144];
    struct config_report *report;
    struct config *c = config_load_to_show(path, false, &report);
    if (!c) {
        check_refused(report);
        config_report_free(report);
        return;
    }
    FILE *to = fmemopen(text, sizeof text, "w");
    ENSURE(!report && to);
    config_show(c, to);
    const long n = ftell(to);
    ENSURE(fclose(to) == 0 && n > 0 && text[n - 1] == '\n');
    config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char path[32];
    struct config_report *report;
    if (fd < 0)
        fd = memfd_create("config", 0);
    ENSURE(fd >= 0 && ftruncate(fd, 0) == 0);
    ENSURE(pwrite(fd, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct config *c = config_load(path, &report);
    if (c) {
        ENSURE(report == NULL);
        check_taken(c);
        config_free(c);
        check_shown(path);
    } else {
        check_refused(report);
        config_report_free(report);
    }
    return 0;
}
