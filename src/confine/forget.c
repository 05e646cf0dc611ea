/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Removes from a child's memory the secrets that its role does not need. Called once per child,
 * right after the fork and before it reads anything from outside (doc/ARCHITECTURE.md, Life of a
 * secret).
 */
#include "confine/forget.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/digest.h"
#include "config.h"
#include "db/db_url.h"

#ifdef BD_UNCONFINED

void forget_secrets(struct config *cfg, unsigned keep)
{
    config_forget_secrets(cfg, keep); /* the sanitizer's own memory is not to be searched */
}

#else

/* Copies are known by their first bytes, so that a buffer which was left behind while it grew is
 * found too. */
#define PREFIX 16
/* A secret below this is only wiped where it stands alone: as part of a longer word, or of a
 * number, it is something else. */
#define WORD 8
/* Three bytes can be any number in memory. A secret so short is wiped with the URL around it. */
#define SHORTEST 4
/* A configuration has 32 providers at most, with two secrets each; the bytes are their usual sum
 * many times over. */
#define NEEDLES_MAX 64
#define NEEDLE_BYTES ((size_t)64 * 1024)

struct needles { /* left out of the search, but not what the kernel's map shows as one area with it
                  */
    size_t n, used;
    struct {
        size_t at, n;
    } list[NEEDLES_MAX];
    size_t stay_n; /* secrets that this role needs */
    struct {
        char *home;
        size_t at, n;
    } stay[NEEDLES_MAX];
    bool full; /* there is no room for one that stays: nothing is searched */
    char bytes[NEEDLE_BYTES];
};

static void forget_add_needle(void *ctx, const char *p, size_t n)
{
    struct needles *k = ctx;
    if (n < SHORTEST || k->n == NEEDLES_MAX || n > sizeof(k->bytes) - k->used)
        return;
    memcpy(k->bytes + k->used, p, n);
    k->list[k->n].at = k->used;
    k->list[k->n++].n = n;
    k->used += n;
}

/* A secret that stays may hold one that goes, or begin like it: two roles are at one host, and some
 * have one password. So it is copied before the search, and put back after it. */
static void forget_copy_kept(void *ctx, const char *p, size_t n)
{
    struct needles *k = ctx;
    if (k->stay_n == NEEDLES_MAX || n > sizeof(k->bytes) - k->used) {
        k->full = true;
        return;
    }
    memcpy(k->bytes + k->used, p, n);
    k->stay[k->stay_n].home = (char *)(uintptr_t)p;
    k->stay[k->stay_n].at = k->used;
    k->stay[k->stay_n++].n = n;
    k->used += n;
}

static void forget_put_back(const struct needles *k)
{
    for (size_t i = 0; i < k->stay_n; i++)
        memcpy(k->stay[i].home, k->bytes + k->stay[i].at, k->stay[i].n);
}

/* Whether a match of a short secret has no letter or digit beside it. */
static bool forget_stands_alone(const char *area, size_t n, const char *at, size_t len)
{
    const char *end = at + len;
    return (at == area || !isalnum((unsigned char)at[-1])) &&
           (end == area + n || !isalnum((unsigned char)*end));
}

/* Only as far as the copy agrees: what follows it belongs to somebody else. */
static void forget_wipe_in(char *area, size_t n, const char *needle, size_t len)
{
    const size_t prefix = len < PREFIX ? len : PREFIX;
    char *p = area;
    for (char *at; (at = memmem(p, n - (size_t)(p - area), needle, prefix)) != NULL;) {
        size_t same = prefix;
        const size_t room = n - (size_t)(at - area);
        while (same < len && same < room && at[same] == needle[same])
            same++;
        if (len >= WORD || forget_stands_alone(area, n, at, len))
            digest_wipe(at, same);
        p = at + same;
    }
}

/*
 * The C library copies through vector registers, which a fork takes along and which are saved on
 * the stack some time later: the parser's last copies are pushed out of them by copies of zeros, of
 * every size that it treats differently.
 */
static void clear_registers(void)
{
    static char zeros[4096];
    void *(*volatile move)(void *, const void *, size_t) = memmove;
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    for (size_t n = 16; n <= sizeof(zeros) / 2; n *= 2) {
        (void)move(zeros + 1, zeros, n);
        (void)copy(zeros + sizeof(zeros) / 2, zeros, n);
    }
}

/* Of the memory map's line: a private area that can be written? */
static bool forget_parse_writable(const char *line, uintptr_t *from, uintptr_t *to)
{
    char *end;
    *from = (uintptr_t)strtoumax(line, &end, 16);
    if (*end != '-')
        return false;
    *to = (uintptr_t)strtoumax(end + 1, &end, 16);
    return strncmp(end, " rw-p", 5) == 0 || strncmp(end, " rwxp", 5) == 0;
}

static void search_area(const struct needles *k, uintptr_t from, uintptr_t to)
{
    for (size_t i = 0; i < k->n; i++)
        forget_wipe_in((char *)from, to - from, k->bytes + k->list[i].at, k->list[i].n);
}

/* The needles' own area is left out, as a needle would find itself and be gone for the next one. */
static void forget_search_memory(const struct needles *k)
{
    const uintptr_t mine = (uintptr_t)k, after = (uintptr_t)(k + 1);
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        uintptr_t from, to;
        if (!forget_parse_writable(line, &from, &to))
            continue;
        if (mine < from || mine >= to) {
            search_area(k, from, to);
        } else {
            search_area(k, from, mine);
            search_area(k, after, to);
        }
    }
    if (maps)
        (void)fclose(maps);
}

/* The password that a URL ends up with, and the URL: it may be escaped there, or too short to be
 * looked for alone. */
static void forget_add_url(struct needles *k, const char *url)
{
    db_password(url, forget_add_needle, k);
    forget_add_needle(k, url, strlen(url));
}

static void forget_collect(const struct config *cfg, unsigned keep, struct needles *k)
{
    char *password = getenv("PGPASSWORD"); /* which libpq takes when the URL has none */
    config_each_secret(cfg, keep, forget_copy_kept, k);
    if (password && (keep & CONFIG_KEEP_DATABASE))
        forget_copy_kept(k, password, strlen(password));
    config_each_secret(cfg, ~keep, forget_add_needle, k);
    if (!(keep & CONFIG_KEEP_OWNER) && cfg->database.migrate_url)
        db_password(cfg->database.migrate_url, forget_add_needle, k);
    if (keep & CONFIG_KEEP_DATABASE)
        return;
    forget_add_url(k, cfg->database.url);
    if (cfg->database.read_url)
        forget_add_url(k, cfg->database.read_url);
    if (password) {
        forget_add_needle(k, password, strlen(password));
        digest_wipe(password, strlen(password)); /* also one that is too short to search for */
    }
}

void forget_secrets(struct config *cfg, unsigned keep)
{
    // cppcheck-suppress invalidFunctionArg ; mmap(2) asks for -1 with MAP_ANONYMOUS
    /* mmap() and not malloc(): its area is then known exactly, and can be left out. */
    struct needles *k =
        mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (k != MAP_FAILED) {
        forget_collect(cfg, keep, k);
        clear_registers();
        if (k->n > 0 && !k->full)
            forget_search_memory(k);
        forget_put_back(k);
        digest_wipe(k, sizeof(*k));
        munmap(k, sizeof(*k));
    }
    config_forget_secrets(cfg, keep);
}

#endif
