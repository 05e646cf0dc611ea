/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads keys by a table: each row names the key, the field and the reader of its value. A value
 * type is a reader; those here know nothing of what a key is for.
 */
#ifndef BOOKINGD_SYS_CONFIG_READ_H
#define BOOKINGD_SYS_CONFIG_READ_H

#include <stdint.h>

#include "sys/config_fault.h"
#include "sys/config_values.h"

struct config_entry;
typedef void (*config_reader)(const struct config_entry *e);

struct config_key {
    const char *path;
    config_reader read;
    size_t offset;        /* of the field */
    size_t count_offset;  /* of the count beside a list; CONFIG_NO_COUNT */
    const char *fallback; /* as the file would say it; NULL: the field stays zero, or is computed */
    int64_t min, max; /* number: value; text: bytes; list: items. 0 and 0: none; a lone min has no
                         upper bound */
    unsigned group;   /* one bit: which scopes know the key */
    const char *doc;  /* for the manual, with its marks (doc/HACKING.md) */
};
#define CONFIG_NO_COUNT ((size_t)-1)

/* One key on its way into the struct. */
struct config_entry {
    struct config_loader *l;
    const struct config_key *key;
    const struct config_node *node;
    char *base; /* the struct that the key's offsets mean */
};

/* A mapping and the keys that it may have. */
struct config_scope {
    const struct config_key *keys;
    size_t n;
    unsigned known;    /* groups of keys that it may have */
    unsigned required; /* groups of keys that it must have */
    char *base;
};
/* Reads all keys, defaults included, and reports unknown and missing ones. map NULL: defaults
 * alone. */
void config_read_scope(struct config_loader *l, const struct config_scope *scope,
                       const struct config_node *map);

/* ---- for readers ---- */

/* Store a value, or a pointer and a count, in the field that the entry's row names. `size`: bytes
 * of that field. What a pointer leads to must live in e->l->arena. */
void config_entry_set(const struct config_entry *e, const void *value, size_t size);
void config_entry_set_list(const struct config_entry *e, const void *items, size_t n);
/* The scalar's text; NULL after "must be WHAT". */
const char *config_entry_scalar(const struct config_entry *e, const char *what);
/* Is it a list of the key's size? Else a fault. */
bool config_entry_is_list(const struct config_entry *e, const char *what) MUST_CHECK;
/* The value is one of the texts (NULL-terminated), whose index becomes the field's int. */
void config_entry_set_choice(const struct config_entry *e, const char *const *values);
/* Text from a scalar or from {file:}, {env:}, {credential:}; NULL after a fault. Kept, and wiped by
 * config_memory_free(). */
const char *config_secret(struct config_loader *l, const struct config_node *n) MUST_CHECK;
/* A number as the file would write it, in the largest unit that divides it: "16KiB", "2m". `type`
 * is the reader of its key. */
const char *config_in_units(struct arena *a, int64_t v, config_reader type);
/* Index of the text among values (NULL-terminated); -1 after a fault that lists them. */
int config_choice(struct config_loader *l, const struct config_node *n,
                  const char *const *values) MUST_CHECK;
/*
 * Are the {words} in the text among the names (NULL-terminated)? Else a fault. strict: a '{' that
 * begins none is one, too; else it is just a brace, as JSON has them.
 */
bool config_placeholders(struct config_loader *l, const struct config_node *n, const char *text,
                         const char *const *names, bool strict) MUST_CHECK;
/* False and *reason when it is no such URL. *out on the arena: without trailing slashes, scheme and
 * host in lower case. */
bool config_url(struct arena *a, const char *text, const char **out,
                const char **reason) MUST_CHECK;
bool config_origin(struct arena *a, const char *text, const char **out,
                   const char **reason) MUST_CHECK;
/* Does the URL (NULL: no) lead to this machine, as far as its text says? */
bool config_url_is_local(const char *url);
bool config_listen(struct arena *a, const char *text, struct listen_addr *out,
                   const char **reason) MUST_CHECK;
/* Whether both name one place, however they write it. */
bool config_listen_same(const struct listen_addr *a, const struct listen_addr *b);
bool config_cidr(const char *text, struct cidr *out) MUST_CHECK;
bool config_port(struct str s, bool zero, uint16_t *out) MUST_CHECK;

/* ---- readers; the field's type in brackets ---- */

void config_read_int(const struct config_entry *e);        /* within min and max [int64_t] */
void config_read_duration(const struct config_entry *e);   /* "5s" [int64_t, milliseconds] */
void config_read_size(const struct config_entry *e);       /* "64KiB" [int64_t, bytes] */
void config_read_rate(const struct config_entry *e);       /* "5/1h" [struct rate_limit] */
void config_read_text(const struct config_entry *e);       /* at most max bytes [const char *] */
void config_read_switch(const struct config_entry *e);     /* on, off [bool] */
void config_read_secret(const struct config_entry *e);     /* [const char *] */
void config_read_url(const struct config_entry *e);        /* [const char *] */
void config_read_origins(const struct config_entry *e);    /* list [const char *] */
void config_read_listen(const struct config_entry *e);     /* [struct listen_addr] */
void config_read_listens(const struct config_entry *e);    /* one or a list [struct listen_addr] */
void config_read_cidrs(const struct config_entry *e);      /* list [struct cidr] */
void config_read_log_format(const struct config_entry *e); /* [int, enum log_format] */
void config_read_log_level(const struct config_entry *e);  /* [int, enum log_level] */

#endif
