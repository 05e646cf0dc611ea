/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The walk over a table of keys, and what is said about those that it does not have. Called by
 * domain/config.c for the whole file and for each provider.
 */
#include <stdlib.h>

#include "sys/config_read.h"

/* ---- unknown keys ---- */

/* Longer than every key; the row of the distance fits on the stack. */
#define NAME_MAX_COMPARED 40

/* Edits (insert, delete, replace) from one word to the other; both short. */
static unsigned config_keys_count_edits(const char *a, const char *b)
{
    unsigned row[NAME_MAX_COMPARED + 1];
    size_t n = strlen(b);
    if (n > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED)
        return NAME_MAX_COMPARED;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    /* Levenshtein's distance, with one row and the diagonal kept. */
    for (size_t i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
            unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[n];
}

/* A known key so like this one that it was probably meant; NULL. Two edits at most, one for short
 * words: a farther guess would be more confusing than none. */
static const char *config_keys_guess_meant(const struct config_scope *scope, const char *path)
{
    const char *best = NULL;
    const char *dot = strrchr(path, '.');
    unsigned best_edits = strlen(dot ? dot + 1 : path) < 5 ? 2 : 3; /* short words are all alike */
    for (size_t i = 0; i < scope->n; i++) {
        unsigned n = scope->keys[i].group & scope->known
                         ? config_keys_count_edits(path, scope->keys[i].path)
                         : best_edits;
        if (n > 0 && n < best_edits) {
            best = scope->keys[i].path;
            best_edits = n;
        }
    }
    return best;
}

/* A path is a key, or the beginning of one ("server"), or neither. */
enum known { UNKNOWN, IS_KEY, IS_SECTION };

static enum known config_keys_classify_path(const struct config_scope *scope, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < scope->n; i++) {
        const struct config_key *k = &scope->keys[i];
        if (!(k->group & scope->known) || !str_starts(str_of(k->path), (struct str){path, n}))
            continue;
        if (k->path[n] == '\0')
            return IS_KEY;
        if (k->path[n] == '.')
            return IS_SECTION;
    }
    return UNKNOWN;
}

/* `prefix` is what the scope's paths say before this mapping's members: "", "server.", "breaker."
 */
static void check_members(struct config_loader *l, const struct config_scope *scope,
                          const struct config_node *map, const char *prefix)
{
    for (const struct config_node *n = map->first; n; n = n->next) {
        const char *path = arena_printf(l->scratch, "%s%s", prefix, n->key);
        enum known what =
            strchr(n->key, '.')
                ? UNKNOWN
                : config_keys_classify_path(scope, path); /* dots are how we write nesting */
        if (what == UNKNOWN) {
            const char *other = config_keys_guess_meant(scope, path);
            config_fault_key(l, n, "unknown key%s%s%s", other ? " (did you mean " : "",
                             other ? other : "", other ? "?)" : "");
        } else if (what == IS_SECTION && n->kind == CONFIG_MAP) {
            check_members(l, scope, n, arena_printf(l->scratch, "%s.", path));
        } else if (what == IS_SECTION && !config_node_null(n) && n->kind != CONFIG_REFUSED) {
            config_fault(l, n, "must be a mapping");
        }
    }
}

/* ---- reading ---- */

/* A fallback takes the same way as a value of the file, so a bad default cannot exist unnoticed. */
static void read_fallback(struct config_loader *l, const struct config_scope *scope,
                          const struct config_key *k)
{
    struct config_node value = {
        .kind = CONFIG_SCALAR, .quoted = true, .text = arena_strdup(l->scratch, k->fallback)};
    struct config_node list = {.kind = CONFIG_LIST, .first = &value, .last = &value, .n = 1};
    struct config_entry e = {l, k, &value, scope->base};
    if (k->read == config_read_int)
        value.quoted = false; /* a number in quotes is refused */
    if (k->count_offset != CONFIG_NO_COUNT && k->read != config_read_listens)
        e.node = &list;
    k->read(&e);
}

static void config_keys_read_key(struct config_loader *l, const struct config_scope *scope,
                                 const struct config_key *k, const struct config_node *map)
{
    const struct config_node *n = config_node_at(map, k->path);
    if (l->on_key)
        l->on_key(l, scope, k, map, n);
    /* First the fallback, then the file's value over it: after a fault the field still has a usable
     * value, and later checks need no special case. */
    if (k->fallback)
        read_fallback(l, scope, k);
    if (!n) {
        if (map && (k->group & scope->required))
            config_fault_at(
                l, map->key_at,
                arena_printf(l->scratch, "%s.%s", config_node_path(l->scratch, map), k->path),
                "is missing");
        return;
    }
    if (n->kind == CONFIG_REFUSED)
        return;
    if (config_node_null(n)) {
        config_fault(l, n, "has no value");
        return;
    }
    k->read(&(struct config_entry){l, k, n, scope->base});
}

/* Unknown keys first: a misspelt key is also a missing one, and the first fault names the cause. */
void config_read_scope(struct config_loader *l, const struct config_scope *scope,
                       const struct config_node *map)
{
    if (map)
        check_members(l, scope, map, "");
    for (size_t i = 0; i < scope->n; i++)
        if (scope->keys[i].group & scope->known)
            config_keys_read_key(l, scope, &scope->keys[i], map);
}
