/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Looks around in the tree of a configuration file; for the readers of keys and for faults. */
#include "sys/config_node.h"

/* Linear: mappings are small, and a configuration is read once. */
const struct config_node *config_node_member(const struct config_node *map, struct str name)
{
    if (map && map->kind == CONFIG_MAP)
        for (const struct config_node *n = map->first; n; n = n->next)
            if (str_eq(str_of(n->key), name))
                return n;
    return NULL;
}

/* YAML 1.2 core schema 10.3.2. A quoted "null" is a text. */
bool config_node_null(const struct config_node *n)
{
    struct str s = str_of(n->text);
    return n->kind == CONFIG_SCALAR && !n->quoted &&
           (s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null")) || str_eq(s, STR("Null")) ||
            str_eq(s, STR("NULL")));
}

/* For checks across keys, which look at "a.b.c" whether or not the file has a section "a". */
const struct config_node *config_node_at(const struct config_node *map, const char *path)
{
    struct str rest = str_of(path);
    const struct config_node *n = map;
    while (n && rest.n)
        n = config_node_member(n, str_cut(&rest, '.'));
    return n;
}

/* "providers.sms.headers[0]", as people write it; the root has no name. */
const char *config_node_path(struct arena *a, const struct config_node *n)
{
    if (!n->parent)
        return "";
    const char *above = config_node_path(a, n->parent);
    if (n->parent->kind == CONFIG_LIST)
        return arena_printf(a, "%s[%zu]", above, n->index);
    return arena_printf(a, "%s%s%s", above, *above ? "." : "", n->key ? n->key : "?");
}
