/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For src/sys/config*.c alone: the tree that YAML becomes, and what readers of keys work with. */
#ifndef BOOKINGD_SYS_CONFIG_PRIV_H
#define BOOKINGD_SYS_CONFIG_PRIV_H

#include "base/arena.h"
#include "base/str.h"
#include "sys/config.h"

/* ---- tree (config_yaml.c) ---- */

enum node_kind {
    NODE_SCALAR,
    NODE_LIST,
    NODE_MAP,
    NODE_REFUSED /* an alias, a wrong key ...: reported already */
};

struct node {
    enum node_kind kind;
    int line, column; /* of the value, from 1 */
    char *text;       /* scalar: NUL-terminated, UTF-8, no NUL inside */
    bool quoted;
    struct node *parent;
    const char *key; /* as a mapping's member */
    int key_line, key_column;
    size_t index; /* as a list's item */
    struct node *first, *last, *next;
    size_t n;
};

struct loader {
    struct arena *arena;   /* the configuration's */
    struct arena *scratch; /* tree and faults */
    struct config *cfg;
    const char *dir; /* of the file: secrets' relative paths start there */
    bool offline;    /* secrets that cannot be read are no faults */
    struct config_fault *faults;
    size_t faults_n, faults_max;
    struct secret *secrets; /* to be wiped */
};

struct secret {
    char *p;
    size_t n;
    struct secret *next;
};

/* The tree of a text; NULL after a fault that leaves none. An empty text is an empty mapping. */
struct node *config_yaml(struct loader *l, struct str text) MUST_CHECK;
/* Member of a mapping by name; NULL. */
const struct node *node_member(const struct node *map, struct str name);
/* Is it nothing: empty, ~ or null without quotes? */
bool node_null(const struct node *n);
/* "providers.sms.timeout", "otp.regions[1]"; "" for the root. */
const char *node_path(struct loader *l, const struct node *n);

/* ---- faults (config_fault.c) ---- */

void config_fault_at(struct loader *l, int line, int column, const char *key, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* At the value. */
void config_fault(struct loader *l, const struct node *n, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* At the member's key. */
void config_fault_key(struct loader *l, const struct node *n, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* ---- keys (config_keys.c) ---- */

enum config_type {
    T_INT,
    T_DURATION,
    T_SIZE,
    T_RATE,
    T_TEXT,
    T_SECRET,
    T_DATABASE,
    T_URL,
    T_LISTEN,
    T_LISTENS,
    T_CIDRS,
    T_ORIGINS,
    T_REGIONS,
    T_SWITCH,
    T_PREPARED,
    T_DELIVERY,
    T_LOG_FORMAT,
    T_LOG_LEVEL,
    T_NEVER,
    T_PROVIDERS,
    T_PROVIDER_TYPE,
    T_SMS_PROVIDER,
    T_PAYMENT_PROVIDER,
    T_OTP_MESSAGES,
    T_NOTICE_MESSAGES,
    T_METHOD,
    T_PATH,
    T_TEMPLATE,
    T_HEADERS,
    T_MEDIA_TYPE,
    T_STATUS,
    T_SUCCESS,
    T_JSON_PATH,
    T_COUNT
};

#define P_BIT(type) (1U << (type))
#define P_TAQNYAT P_BIT(PROVIDER_TAQNYAT)
#define P_UNIFONIC P_BIT(PROVIDER_UNIFONIC)
#define P_MSEGAT P_BIT(PROVIDER_MSEGAT)
#define P_TWILIO P_BIT(PROVIDER_TWILIO)
#define P_HTTP P_BIT(PROVIDER_HTTP)
#define P_MOYASAR P_BIT(PROVIDER_MOYASAR)
#define P_ALL (P_BIT(PROVIDER_TYPE_COUNT) - 1U)
#define P_SMS (P_ALL & ~P_MOYASAR)

struct config_key {
    const char *path;
    enum config_type type;
    size_t offset;        /* of the field */
    size_t count_offset;  /* of the count beside a list; NO_COUNT */
    const char *fallback; /* as the file would say it; NULL: the field stays zero, or is computed */
    int64_t min, max; /* number: value; text: bytes; list: items. 0 and 0: none; a lone min has no
                         upper bound */
    unsigned types, required; /* provider types */
    const char *doc;
};
#define NO_COUNT ((size_t)-1)

/* One key on its way into the struct. */
struct slot {
    struct loader *l;
    const struct config_key *key;
    const struct node *node;
    char *base; /* the struct that the key's offsets mean */
};
typedef void (*config_reader)(const struct slot *s);
extern const config_reader config_readers[T_COUNT];

/* A mapping and the keys that it may have. */
struct scope {
    const struct config_key *keys;
    size_t n;
    unsigned type; /* bit of the provider type; P_ALL at the top */
    bool unsure;   /* of the type: missing keys are not reported */
    char *base;
};
/* Reads all keys, defaults included, and reports unknown and missing ones. map NULL: defaults
 * alone. */
void config_read_scope(struct loader *l, const struct scope *scope, const struct node *map);

extern const struct config_key config_keys[], config_provider_keys[];
extern const size_t config_keys_n, config_provider_keys_n;

/* ---- for readers ---- */

void slot_set(const struct slot *s, const void *value, size_t size);
void slot_set_list(const struct slot *s, const void *items, size_t n);
/* The scalar's text; NULL after "must be WHAT". */
const char *slot_scalar(const struct slot *s, const char *what);
/* Is it a list of the key's size? Else a fault. */
bool slot_list(const struct slot *s, const char *what) MUST_CHECK;
/* Text from a scalar or from {file:}, {env:}, {credential:}; NULL after a fault. Kept, and wiped by
 * config_free(). */
const char *config_secret(struct loader *l, const struct node *n) MUST_CHECK;
/* Index of the text among values (NULL-terminated); -1 after a fault that lists them. */
int config_choice(struct loader *l, const struct node *n, const char *const *values) MUST_CHECK;

/*
 * Are the {words} in the text among the names (NULL-terminated)? Else a fault. strict: a '{' that
 * begins none is one, too; else it is just a brace, as JSON has them.
 */
bool config_placeholders(struct loader *l, const struct node *n, const char *text,
                         const char *const *names, bool strict) MUST_CHECK;

/* config_url.c: false and *why when it is none. *out on the arena: without trailing slashes, scheme
 * and host in lower case. */
bool config_url(struct arena *a, const char *text, const char **out, const char **why) MUST_CHECK;
bool config_origin(struct arena *a, const char *text, const char **out,
                   const char **why) MUST_CHECK;
/* config_net.c */
bool config_listen(struct arena *a, const char *text, struct listen_addr *out,
                   const char **why) MUST_CHECK;
bool config_cidr(const char *text, struct cidr *out) MUST_CHECK;
bool config_port(struct str s, bool zero, uint16_t *out) MUST_CHECK;

/* Readers by file. */
void config_read_listens(const struct slot *s); /* config_net.c */
void config_read_listen(const struct slot *s);
void config_read_cidrs(const struct slot *s);
void config_read_url(const struct slot *s); /* config_url.c */
void config_read_origins(const struct slot *s);
void config_read_database(const struct slot *s);
extern bool (*config_url_check)(const char *url);
void config_read_secret(const struct slot *s);    /* config_secret.c */
void config_read_providers(const struct slot *s); /* config_provider.c */
void config_read_provider_type(const struct slot *s);
void config_read_sms_provider(const struct slot *s);
void config_read_payment_provider(const struct slot *s);
void config_read_method(const struct slot *s); /* config_template.c */
void config_read_path(const struct slot *s);
void config_read_template(const struct slot *s);
void config_read_headers(const struct slot *s);
void config_read_media_type(const struct slot *s);
void config_read_status(const struct slot *s);
void config_read_success(const struct slot *s);
void config_read_json_path(const struct slot *s);
void config_read_otp_messages(const struct slot *s); /* config_message.c */
void config_read_notice_messages(const struct slot *s);
void config_default_messages(struct config *c);

#endif
