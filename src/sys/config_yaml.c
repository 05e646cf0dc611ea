/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * YAML to a tree with positions. Called by config_file.c. A subset of YAML on purpose: one
 * document, mappings with plain keys, lists and scalars. Anchors, aliases, tags and duplicate keys
 * are refused, and depth, nodes and scalars are bounded, so that a small file cannot become a big
 * tree. Faults that leave the structure clear do not end the reading: check-config reports as many
 * as it can at once.
 */
#include <stdlib.h>
#include <yaml.h>

#include "base/digest.h"
#include "sys/config_yaml.h"

/* The sample file is 4 levels deep and has some 150 nodes; the limits are far above both. */
#define DEPTH_MAX 12
#define NODES_MAX 5000
/* Texts of messages are a few hundred bytes; 64 KiB also holds a certificate chain. */
#define SCALAR_MAX ((size_t)64 * 1024)
#define KEY_MAX 128

/* One reading of one file. Nodes are allocated on the loader's scratch arena, which is wiped. */
struct yaml {
    struct config_loader *l;
    yaml_parser_t parser;
    struct str text;
    unsigned nodes;
    bool stopped; /* after a fault that leaves nothing to read */
};

/* The reader (bytes to characters) knows its place in bytes only. */
static struct config_mark config_yaml_mark_byte(struct str text, size_t offset)
{
    struct config_mark m = {1, 1};
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            m.line++;
            m.column = 1;
        } else if (((unsigned char)text.p[i] & 0xC0) != 0x80) {
            m.column++;
        }
    }
    return m;
}

/* libyaml counts lines and columns from 0, people and editors from 1. */
static struct config_mark config_yaml_mark(yaml_mark_t m)
{
    return (struct config_mark){(int)m.line + 1, (int)m.column + 1};
}

static void syntax_fault(struct yaml *y)
{
    const yaml_parser_t *p = &y->parser;
    struct config_mark at = config_yaml_mark(p->problem_mark);
    y->stopped = true;
    /* Not a fault of the file: nobody should look for one in it. */
    if (p->error == YAML_MEMORY_ERROR)
        arena_oom(y->l->scratch);
    if (p->error == YAML_READER_ERROR)
        at = config_yaml_mark_byte(y->text, p->problem_offset);
    config_fault_at(y->l, at, "", "not valid YAML: %s", p->problem ? p->problem : "unreadable");
}

/* After a fault there is no next event: the parser's state is not defined then. */
static bool next_event(struct yaml *y, yaml_event_t *e)
{
    if (y->stopped)
        return false;
    if (yaml_parser_parse(&y->parser, e))
        return true;
    syntax_fault(y);
    return false;
}

/* Scalars may be secrets: libyaml's copy is overwritten before it goes. */
static void drop_event(yaml_event_t *e)
{
    if (e->type == YAML_SCALAR_EVENT && e->data.scalar.value)
        digest_wipe(e->data.scalar.value, e->data.scalar.length);
    yaml_event_delete(e);
}

/* The first limit that is passed is told; those that follow from it are not. */
static void config_yaml_stop_at(struct yaml *y, const struct config_node *at, const char *what)
{
    if (!y->stopped)
        config_fault(y->l, at, "%s", what);
    y->stopped = true;
}

/* A node that begins at the event; `seed` says where it hangs, so that faults below it have a path.
 */
static struct config_node *node_new(struct yaml *y, const yaml_event_t *e,
                                    const struct config_node *seed)
{
    struct config_node *n = ARENA_NEW(y->l->scratch, struct config_node);
    *n = *seed;
    n->at = config_yaml_mark(e->start_mark);
    return n;
}

/* Anchor and tag of whatever node the event begins. */
static void refuse_decoration(struct yaml *y, const yaml_event_t *e, struct config_node *n)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor)
        config_fault(y->l, n, "anchors and aliases are not supported");
    if (tag)
        config_fault(y->l, n, "tags are not supported");
}

/* Whether it was quoted is kept: `"5"` is a text, `5` a number. */
static void fill_scalar(struct yaml *y, const yaml_event_t *e, struct config_node *n)
{
    size_t len = e->data.scalar.length;
    const char *text = (const char *)e->data.scalar.value;
    n->kind = CONFIG_REFUSED;
    /* The reading goes on after each of these, since the parser knows where the scalar ends. */
    if (len > SCALAR_MAX) {
        config_fault(y->l, n, "is longer than 64 KiB");
    } else if (memchr(text, '\0', len)) {
        config_fault(y->l, n, "must not contain a NUL character");
    } else {
        n->kind = CONFIG_SCALAR;
        n->text = arena_strndup(y->l->scratch, text, len);
        n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
}

/* The last child is kept, so that a list of n entries costs n steps and not n². */
static void config_yaml_append_node(struct config_node *parent, struct config_node *n)
{
    parent->n++;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
}

static struct config_node *config_yaml_build_node(struct yaml *y, yaml_event_t *e,
                                                  const struct config_node *seed, unsigned depth);

/* Reads items until the list's end. Each knows its index, which becomes part of a fault's path, as
 * in "providers[2].url". */
static void fill_list(struct yaml *y, struct config_node *list, unsigned depth)
{
    yaml_event_t e;
    while (next_event(y, &e)) {
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            return;
        }
        struct config_node *item = config_yaml_build_node(
            y, &e, &(struct config_node){.parent = list, .index = list->n}, depth);
        if (item)
            config_yaml_append_node(list, item);
    }
}

/* Reads a key into *seed; its key stays NULL after a fault. Consumes the event. */
static void config_yaml_read_key(struct yaml *y, yaml_event_t *e, struct config_node *seed,
                                 unsigned depth)
{
    seed->key_at = config_yaml_mark(e->start_mark);
    if (e->type == YAML_SCALAR_EVENT && e->data.scalar.length > 0 &&
        e->data.scalar.length <= KEY_MAX &&
        !memchr(e->data.scalar.value, '\0', e->data.scalar.length)) {
        seed->key =
            arena_strndup(y->l->scratch, (const char *)e->data.scalar.value, e->data.scalar.length);
        refuse_decoration(y, e, node_new(y, e, seed));
        drop_event(e);
        return;
    }
    /* A mapping or list as key is read to its end, and dropped. */
    if (config_yaml_build_node(y, e, seed, depth))
        config_fault_key(y->l, seed, "a key must be a word of at most %d bytes", KEY_MAX);
}

/* Reads pairs until the mapping's end. A key that is there twice is refused: YAML readers differ on
 * which of the two counts. The second value is still read to its end, so that faults inside it are
 * reported and the parser stays in step. */
static void fill_map(struct yaml *y, struct config_node *map, unsigned depth)
{
    yaml_event_t e;
    while (next_event(y, &e)) {
        if (e.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&e);
            return;
        }
        struct config_node seed = {.parent = map};
        config_yaml_read_key(y, &e, &seed, depth);
        if (!next_event(y, &e))
            return;
        const struct config_node *first =
            seed.key ? config_node_member(map, str_of(seed.key)) : NULL;
        struct config_node *value = config_yaml_build_node(y, &e, &seed, depth);
        if (value && first)
            config_fault_key(y->l, value, "is given twice, first in line %d", first->key_at.line);
        else if (value && seed.key)
            config_yaml_append_node(map, value);
    }
}

/* The node that the event begins, to its end; consumes the event. NULL once the parser has stopped.
 */
static struct config_node *config_yaml_build_node(struct yaml *y, yaml_event_t *e,
                                                  const struct config_node *seed, unsigned depth)
{
    struct config_node *n = node_new(y, e, seed);
    yaml_event_type_t type = e->type;
    refuse_decoration(y, e, n);
    if (type == YAML_SCALAR_EVENT)
        fill_scalar(y, e, n);
    drop_event(e);
    if (++y->nodes > NODES_MAX)
        config_yaml_stop_at(y, n, "the file has too many entries");
    else if (depth > DEPTH_MAX)
        config_yaml_stop_at(y, n, "is nested too deeply");
    if (y->stopped)
        return NULL;
    if (type == YAML_SEQUENCE_START_EVENT) {
        n->kind = CONFIG_LIST;
        fill_list(y, n, depth + 1);
    } else if (type == YAML_MAPPING_START_EVENT) {
        n->kind = CONFIG_MAP;
        fill_map(y, n, depth + 1);
    } else if (type != YAML_SCALAR_EVENT) {
        n->kind = CONFIG_REFUSED;
        config_fault(y->l, n, "anchors and aliases are not supported");
    }
    return y->stopped ? NULL : n;
}

/* An empty file is an empty mapping: all defaults. */
static struct config_node *build_document(struct yaml *y)
{
    struct config_node *root = NULL;
    yaml_event_t e;
    while (next_event(y, &e)) {
        yaml_event_type_t type = e.type;
        const struct config_mark at = config_yaml_mark(e.start_mark);
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_END_EVENT ||
            type == YAML_STREAM_END_EVENT || (type == YAML_DOCUMENT_START_EVENT && !root))
            yaml_event_delete(&e);
        else if (type == YAML_DOCUMENT_START_EVENT) {
            yaml_event_delete(&e);
            config_fault_at(y->l, at, "", "more than one document");
            y->stopped = true;
        } else
            root = config_yaml_build_node(y, &e, &(struct config_node){.at = at}, 1);
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    if (!root && !y->stopped) {
        root = ARENA_NEW(y->l->scratch, struct config_node);
        *root = (struct config_node){.kind = CONFIG_MAP, .at = CONFIG_FILE_START};
    }
    return y->stopped ? NULL : root;
}

/* The parser's own buffers held the file, secrets included. */
static void wipe_buffers(yaml_parser_t *p)
{
    if (p->raw_buffer.start)
        digest_wipe(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
    if (p->buffer.start)
        digest_wipe(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
}

/* Also runs when memory runs out in the middle: the arena calls what was deferred. */
static void parser_done(void *p)
{
    wipe_buffers(p);
    yaml_parser_delete(p);
}

/* NULL after a fault that left no tree; it was reported then. */
struct config_node *config_yaml(struct config_loader *l, struct str text)
{
    struct yaml *y = ARENA_NEW(l->scratch, struct yaml);
    /* A byte order mark would shift the first line's columns. */
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        text = (struct str){text.p + 3, text.n - 3};
    y->l = l;
    y->text = text;
    if (!yaml_parser_initialize(&y->parser))
        arena_oom(l->scratch);
    arena_defer(l->scratch, parser_done, &y->parser);
    /* Without this libyaml would guess UTF-16 from the first bytes. */
    yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&y->parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    return build_document(y);
}
