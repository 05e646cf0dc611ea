/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Secrets: a string, or where to find one. From a file or credential one trailing newline is
 * dropped, since editors add it. A file that everybody may read is taken all the same, since
 * containers hand secrets over as they please; check-config and doctor tell of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/names.h"
#include "sys/config_open.h"
#include "sys/config_read.h"

/* Longer than any key or certificate, and short enough for the stack. */
#define SECRET_MAX ((size_t)16 * 1024)

/* Each secret is registered, so that config_forget_secrets() finds all of them. */
static const char *config_secret_keep_copy(struct config_loader *l, const char *p, size_t n)
{
    struct config_secret *s = ARENA_NEW(l->arena, struct config_secret);
    *s = (struct config_secret){arena_strndup(l->arena, p, n), n, l->target->secrets};
    l->target->secrets = s;
    return s->p;
}

/* Reads at most size bytes; -1 and *reason. By read() and not by stdio, whose buffer would keep a
 * copy of the secret. */
static ssize_t config_secret_read_file(const char *path, char *buf, size_t size,
                                       const char **reason)
{
    size_t n = 0;
    int fd = config_open(path, reason);
    if (fd < 0)
        return -1;
    ssize_t got = 1;
    while (got != 0 && n < size) {
        got = read(fd, buf + n, size - n);
        if (got < 0 && errno != EINTR)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    *reason = got < 0 ? strerror(errno) : NULL;
    close(fd);
    return got < 0 ? -1 : (ssize_t)n;
}

/* For whoever asks later; the first of several is enough to begin with. */
static void config_secret_judge_mode(struct config_loader *l, const char *path)
{
    struct stat st;
    if (!l->target->exposed && stat(path, &st) == 0 && (st.st_mode & S_IROTH))
        l->target->exposed = arena_strdup(l->arena, path);
}

/* Where the secret is not to be had: no fault to those who do without. */
#define NOT_TO_BE_HAD(l, ref, ...)                    \
    do {                                              \
        if (!(l)->offline)                            \
            REFERENCE_FAULT((l), (ref), __VA_ARGS__); \
    } while (0)

/* `ref` is the mapping {file: PATH}: faults point at the path and name the secret's key. */
#define REFERENCE_FAULT(l, ref, ...) \
    config_fault_at((l), (ref)->first->at, config_node_path(l->scratch, (ref)), __VA_ARGS__)

/* Before the line break that editors add. It would be sent as part of the secret, and refused. */
static bool config_secret_ends_in_blank(const char *buf, size_t len)
{
    len -= len > 0 && buf[len - 1] == '\n';
    return len > 0 && (buf[len - 1] == ' ' || buf[len - 1] == '\t');
}

/* The buffer on the stack is wiped before it goes; the registered copy is the only one left. */
static const char *from_file(struct config_loader *l, const struct config_node *ref,
                             const char *path)
{
    char buf[SECRET_MAX + 1];
    const char *out = NULL, *reason;
    ssize_t got = config_secret_read_file(path, buf, sizeof buf, &reason);
    l->denied = got < 0 && errno == EACCES && l->others;
    if (l->denied)
        return NULL;
    if (got < 0) {
        NOT_TO_BE_HAD(l, ref, "cannot read %s: %s", path, reason);
        return NULL;
    }
    config_secret_judge_mode(l, path);
    size_t len = (size_t)got;
    if (len > SECRET_MAX)
        REFERENCE_FAULT(l, ref, "%s is larger than 16 KiB", path);
    else if (memchr(buf, '\0', len))
        REFERENCE_FAULT(l, ref, "%s contains a NUL byte", path);
    else if (len >= 3 && memcmp(buf, "\xEF\xBB\xBF", 3) == 0)
        REFERENCE_FAULT(l, ref, "%s begins with a byte order mark", path);
    else if (config_secret_ends_in_blank(buf, len))
        REFERENCE_FAULT(l, ref, "%s ends with a space or a tab", path);
    else
        out = config_secret_keep_copy(l, buf, len > 0 && buf[len - 1] == '\n' ? len - 1 : len);
    digest_wipe(buf, sizeof buf);
    return out;
}

/* Taken as it is: nobody's editor adds a line break to a variable. */
static const char *from_env(struct config_loader *l, const struct config_node *ref,
                            const char *name)
{
    const char *value = getenv(name);
    if (value)
        return config_secret_keep_copy(l, value, strlen(value));
    NOT_TO_BE_HAD(l, ref, "the environment variable %s is not set", name);
    return NULL;
}

/* systemd's LoadCredential= puts each credential into a file of $CREDENTIALS_DIRECTORY. */
static const char *from_credential(struct config_loader *l, const struct config_node *ref,
                                   const char *name)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    /* systemd.exec(5): a credential's id is a file name. A slash would leave its directory. */
    if (strchr(name, '/') || name[0] == '.') {
        REFERENCE_FAULT(l, ref, "a credential's name is a file name");
        return NULL;
    }
    if (!dir || !*dir) {
        NOT_TO_BE_HAD(l, ref, "no credential '%s': CREDENTIALS_DIRECTORY is not set", name);
        return NULL;
    }
    return from_file(l, ref, arena_printf(l->scratch, "%s/%s", dir, name));
}

/* A mapping of one of three keys. The environment is readable by whoever has the user's rights, so
 * `file` and `credential` are better; `env` is what containers offer. */
static const char *from_reference(struct config_loader *l, const struct config_node *map)
{
    static const char *const kinds[] = {"file", "env", "credential", NULL};
    const struct config_node *n = map->first;
    if (map->n != 1) {
        config_fault(l, map,
                     "must be a string, or one of {file: PATH}, {env: NAME}, {credential: NAME}");
        return NULL;
    }
    const int kind = name_find(kinds, NAMES_UNTIL_NULL, str_of(n->key));
    if (kind < 0) {
        config_fault_key(
            l, n,
            "unknown key; a secret is a string, {file: PATH}, {env: NAME} or {credential: NAME}");
        return NULL;
    }
    if (n->kind == CONFIG_REFUSED)
        return NULL;
    if (n->kind != CONFIG_SCALAR || config_node_null(n) || !*n->text) {
        REFERENCE_FAULT(l, map, "%s must be a %s", kinds[kind], kind == 0 ? "path" : "name");
        return NULL;
    }
    if (kind == 1)
        return from_env(l, map, n->text);
    if (kind == 2)
        return from_credential(l, map, n->text);
    return from_file(
        l, map, n->text[0] == '/' ? n->text : arena_printf(l->scratch, "%s/%s", l->dir, n->text));
}

/* NULL after a fault, or where the secret may be missing (check-config --without-secrets). */
const char *config_secret(struct config_loader *l, const struct config_node *n)
{
    if (n->kind == CONFIG_REFUSED)
        return NULL;
    if (n->kind == CONFIG_MAP)
        return from_reference(l, n);
    if (n->kind != CONFIG_SCALAR || config_node_null(n)) {
        config_fault(l, n,
                     "must be a string, or one of {file: PATH}, {env: NAME}, {credential: NAME}");
        return NULL;
    }
    const char *out = config_secret_keep_copy(l, n->text, strlen(n->text));
    /* The tree's copy; the registered one stays. */
    digest_wipe(n->text, strlen(n->text));
    return out;
}

/* They go into header fields and forms: a line break in one is a mistake, or worse. The key of otp
 * is bytes. */
static bool config_secret_is_printable(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return false;
    return true;
}

/* A least length marks a key of random bytes (that of one-time passwords): any byte is allowed in
 * it, but it must be long enough. */
void config_read_secret(const struct config_entry *e)
{
    const char *text = config_secret(e->l, e->node);
    if (!text)
        return;
    size_t n = strlen(text);
    bool key = e->key->min > 0;
    if (n == 0)
        config_fault(e->l, e->node, "is empty");
    else if (n < (size_t)e->key->min)
        config_fault(e->l, e->node, "must have at least %lld bytes", (long long)e->key->min);
    else if (e->key->max && n > (size_t)e->key->max)
        config_fault(e->l, e->node, "must have at most %lld bytes", (long long)e->key->max);
    else if (!key && !config_secret_is_printable(text))
        config_fault(e->l, e->node, "must not contain line breaks or control characters");
    else if (!str_utf8_valid(str_of(text)) && !key)
        config_fault(e->l, e->node, "must be UTF-8");
    else
        config_entry_set(e, &text, sizeof text);
}
