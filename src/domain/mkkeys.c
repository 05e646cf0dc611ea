/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Build-time tool: copies bookingd.yaml(5) from its input to its output, with the list of all keys
 * made anew from config.def and providers.def. `make doc` writes the file; tests/lint/keys.sh
 * compares it. What explains a key is written by hand, in the sections before the list.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cdefs.h"
#include "domain/config.h"
#include "domain/reminder.h"

/* Short of 80 bytes by what may follow a text on its last line. */
#define TEXT_WIDTH 60
/* The lines between which the list stands. */
static const char begin_mark[] = ".\\\" -- all keys: made by `make doc`, not by hand\n";
static const char end_mark[] = ".\\\" -- end of all keys\n";

/* All four kinds of rows in one list, as the file's reader sees no difference between them. */
static const struct documented_key {
    const char *path, *type, *fallback;
    int64_t min, max;
    const char *doc;
} documented_keys[] = {
#define KEY(path, type, field, fallback, min, max, doc) \
    {path, #type, fallback, (int64_t)(min), (int64_t)(max), doc},
#define KEY_LIST(path, type, field, fallback, min, max, doc) \
    {path, #type, fallback, (int64_t)(min), (int64_t)(max), doc},
#define PROVIDER_KEY(path, type, field, fallback, min, max, group, doc) \
    {"providers.NAME." path, #type, fallback, (int64_t)(min), (int64_t)(max), doc},
#define PROVIDER_KEY_LIST(path, type, field, fallback, min, max, group, doc) \
    {"providers.NAME." path, #type, fallback, (int64_t)(min), (int64_t)(max), doc},
#include "config.def"
};

/* In the largest unit that keeps it whole, as the file would have it. */
static void mkkeys_print_amount(int64_t n, const char *type)
{
    static const struct unit {
        const char *type, *name;
        int64_t of;
    } units[] = {{"duration", "d", 86400000}, {"duration", "h", 3600000}, {"duration", "m", 60000},
                 {"duration", "s", 1000},     {"duration", "ms", 1},      {"size", "MiB", 1048576},
                 {"size", "KiB", 1024}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(units[i].type, type) == 0 && n != 0 && n % units[i].of == 0) {
            (void)printf("%" PRId64 "%s", n / units[i].of, units[i].name);
            return;
        }
    }
    (void)printf("%" PRId64, n);
}

/* Broken where a line of manual text ends: mandoc's style asks for 80 bytes. */
static void mkkeys_print_text(const char *text)
{
    size_t column = 0;
    for (const char *p = text; *p != '\0'; p++) {
        const size_t word = strcspn(p + 1, " ");
        const bool ends = *p == ' ' && column + 1 + word > TEXT_WIDTH;
        (void)putchar(ends ? '\n' : *p);
        column = ends ? 0 : column + 1;
    }
}

/* Quoted, so that no word of a default is taken for a macro. */
static void mkkeys_print_key(const struct documented_key *k)
{
    /* Of other types min and max mean something else, such as a number of entries. */
    const bool ranged = strcmp(k->type, "int") == 0 || strcmp(k->type, "duration") == 0 ||
                        strcmp(k->type, "size") == 0;
    (void)printf(".It Cm %s\n", k->path);
    mkkeys_print_text(k->doc);
    if (k->fallback && k->fallback[0])
        (void)printf("; by default\n.Li \"%s\"", k->fallback);
    if (ranged && k->max > 0) {
        (void)printf(k->fallback && k->fallback[0] ? " ,\nfrom " : ", from ");
        mkkeys_print_amount(k->min, k->type);
        (void)printf(" to ");
        mkkeys_print_amount(k->max, k->type);
    }
    (void)printf("\n");
}

static void mkkeys_print_all(void)
{
    (void)printf(".Bl -tag -width Ds -compact\n");
    for (size_t i = 0; i < ARRAY_LEN(documented_keys); i++)
        mkkeys_print_key(&documented_keys[i]);
    (void)printf(".El\n");
}

int main(void)
{
    char line[4096];
    bool inside = false, found = false;
    while (fgets(line, sizeof(line), stdin)) {
        /* The old list between the marks is left out; everything else passes through as it is. */
        if (inside && strcmp(line, end_mark) == 0)
            inside = false;
        if (!inside)
            (void)fputs(line, stdout);
        if (strcmp(line, begin_mark) == 0) {
            inside = found = true;
            mkkeys_print_all();
        }
    }
    /* Without its marks the page would lose its end. */
    return found && !inside && fflush(stdout) == 0 ? 0 : 1;
}
