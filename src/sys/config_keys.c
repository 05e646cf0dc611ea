/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The tables of config.def and the walk over them. */
#include <stdlib.h>

#include "config_priv.h"

const struct config_key config_keys[] = {
#define KEY(path_, type_, field_, fallback_, min_, max_, doc_) \
    {.path = (path_),                                          \
     .type = (type_),                                          \
     .offset = offsetof(struct config, field_),                \
     .count_offset = NO_COUNT,                                 \
     .fallback = (fallback_),                                  \
     .min = (min_),                                            \
     .max = (max_),                                            \
     .types = P_ALL,                                           \
     .doc = (doc_)},
#define KEY_LIST(path_, type_, field_, fallback_, min_, max_, doc_) \
    {.path = (path_),                                               \
     .type = (type_),                                               \
     .offset = offsetof(struct config, field_),                     \
     .count_offset = offsetof(struct config, field_##_n),           \
     .fallback = (fallback_),                                       \
     .min = (min_),                                                 \
     .max = (max_),                                                 \
     .types = P_ALL,                                                \
     .doc = (doc_)},
#include "config.def"
};
const size_t config_keys_n = ARRAY_LEN(config_keys);

/* Lists below a provider, told apart by their type: only they have a count. */
#define COUNT_OF(type_)                                                          \
    ((type_) == T_HEADERS   ? offsetof(struct provider_config, headers_n)        \
     : (type_) == T_STATUS  ? offsetof(struct provider_config, success_status_n) \
     : (type_) == T_SUCCESS ? offsetof(struct provider_config, success_n)        \
                            : NO_COUNT)

const struct config_key config_provider_keys[] = {
#define PROVIDER_KEY(path_, type_, field_, fallback_, min_, max_, types_, required_, doc_) \
    {.path = (path_),                                                                      \
     .type = (type_),                                                                      \
     .offset = offsetof(struct provider_config, field_),                                   \
     .count_offset = COUNT_OF(type_),                                                      \
     .fallback = (fallback_),                                                              \
     .min = (min_),                                                                        \
     .max = (max_),                                                                        \
     .types = (types_),                                                                    \
     .required = (required_),                                                              \
     .doc = (doc_)},
#include "config.def"
};
const size_t config_provider_keys_n = ARRAY_LEN(config_provider_keys);

/* ---- unknown keys ---- */

#define NAME_MAX_COMPARED 40

/* Edits (insert, delete, replace) from one word to the other; both short. */
static unsigned edits(const char *a, const char *b)
{
    unsigned row[NAME_MAX_COMPARED + 1];
    size_t n = strlen(b);
    if (n > NAME_MAX_COMPARED || strlen(a) > NAME_MAX_COMPARED)
        return NAME_MAX_COMPARED;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
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

/* A known key so like this one that it was probably meant; NULL. */
static const char *meant(const struct scope *scope, const char *path)
{
    const char *best = NULL;
    const char *dot = strrchr(path, '.');
    unsigned best_edits = strlen(dot ? dot + 1 : path) < 5 ? 2 : 3; /* short words are all alike */
    for (size_t i = 0; i < scope->n; i++) {
        unsigned n =
            scope->keys[i].types & scope->type ? edits(path, scope->keys[i].path) : best_edits;
        if (n > 0 && n < best_edits) {
            best = scope->keys[i].path;
            best_edits = n;
        }
    }
    return best;
}

enum known { UNKNOWN, IS_KEY, IS_SECTION };

static enum known known(const struct scope *scope, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < scope->n; i++) {
        const struct config_key *k = &scope->keys[i];
        if (!(k->types & scope->type) || !str_starts(str_of(k->path), (struct str){path, n}))
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
static void check_members(struct loader *l, const struct scope *scope, const struct node *map,
                          const char *prefix)
{
    for (const struct node *n = map->first; n; n = n->next) {
        const char *path = arena_printf(l->scratch, "%s%s", prefix, n->key);
        enum known what =
            strchr(n->key, '.') ? UNKNOWN : known(scope, path); /* dots are how we write nesting */
        if (what == UNKNOWN) {
            const char *other = meant(scope, path);
            config_fault_key(l, n, "unknown key%s%s%s", other ? " (did you mean " : "",
                             other ? other : "", other ? "?)" : "");
        } else if (what == IS_SECTION && n->kind == NODE_MAP) {
            check_members(l, scope, n, arena_printf(l->scratch, "%s.", path));
        } else if (what == IS_SECTION && !node_null(n) && n->kind != NODE_REFUSED) {
            config_fault(l, n, "must be a mapping");
        }
    }
}

/* ---- reading ---- */

/* The node at a dotted path below map; NULL. */
static const struct node *node_at(const struct node *map, const char *path)
{
    struct str rest = str_of(path);
    const struct node *n = map;
    while (n && rest.n)
        n = node_member(n, str_cut(&rest, '.'));
    return n;
}

static void read_fallback(struct loader *l, const struct scope *scope, const struct config_key *k)
{
    struct node value = {
        .kind = NODE_SCALAR, .quoted = true, .text = arena_strdup(l->scratch, k->fallback)};
    struct node list = {.kind = NODE_LIST, .first = &value, .last = &value, .n = 1};
    bool listed = k->type == T_REGIONS;
    if (k->type == T_INT)
        value.quoted = false;
    config_readers[k->type](&(struct slot){l, k, listed ? &list : &value, scope->base});
}

static void read_key(struct loader *l, const struct scope *scope, const struct config_key *k,
                     const struct node *map)
{
    const struct node *n = node_at(map, k->path);
    if (k->fallback)
        read_fallback(l, scope, k);
    if (!n) {
        if (map && !scope->unsure && (k->required & scope->type))
            config_fault_at(l, map->key_line, map->key_column,
                            arena_printf(l->scratch, "%s.%s", node_path(l, map), k->path),
                            "is missing");
        return;
    }
    if (n->kind == NODE_REFUSED)
        return;
    if (node_null(n)) {
        config_fault(l, n, "has no value");
        return;
    }
    config_readers[k->type](&(struct slot){l, k, n, scope->base});
}

void config_read_scope(struct loader *l, const struct scope *scope, const struct node *map)
{
    if (map)
        check_members(l, scope, map, "");
    for (size_t i = 0; i < scope->n; i++)
        if (scope->keys[i].types & scope->type)
            read_key(l, scope, &scope->keys[i], map);
}
