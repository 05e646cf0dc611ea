/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "sys/config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "config_priv.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define ARENA_CHUNK ((size_t)16 * 1024)

struct holder {        /* what config_free() needs to know */
    struct config cfg; /* first */
    struct arena *arena;
    struct secret *secrets;
};

struct report_holder {
    struct config_report report; /* first */
    struct arena *arena;
};

static const struct config_fault out_of_memory_fault = {1, 1, "", "out of memory"};
static struct config_report out_of_memory_report = {&out_of_memory_fault, 1};

/* ---- the file ---- */

static void close_fd(void *p)
{
    close((int)(intptr_t)p);
}

/* Bytes to make room for: what a file has and a bit, or all that is allowed where that is not known
 * (a pipe). */
static size_t room_for(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size >= FILE_MAX)
        return FILE_MAX + 1;
    return (size_t)st.st_size + 1;
}

/* False after a fault. */
static bool read_file(struct loader *l, const char *path, struct str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        config_fault_at(l, 1, 1, "", "cannot read the file: %s", strerror(errno));
        return false;
    }
    arena_defer(l->scratch, close_fd, (void *)(intptr_t)fd);
    size_t room = room_for(fd), n = 0;
    char *buf = arena_alloc(l->scratch, room);
    ssize_t got = 1;
    while (got > 0 && n < room) {
        got = read(fd, buf + n, room - n);
        n += got > 0 ? (size_t)got : 0;
    }
    *out = (struct str){buf, n};
    if (got < 0)
        config_fault_at(l, 1, 1, "", "cannot read the file: %s", strerror(errno));
    else if (n > FILE_MAX)
        config_fault_at(l, 1, 1, "", "the file is larger than 1 MiB");
    else if (n == room)
        config_fault_at(l, 1, 1, "", "the file grew while it was read");
    return l->faults_n == 0;
}

static const char *directory_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

/* ---- what depends on more than one key ---- */

static void finish(struct loader *l, const struct node *root)
{
    struct config *c = l->cfg;
    const struct node *otp = node_member(root, STR("otp"));
    const struct node *provider = node_member(otp, STR("provider"));
    if (!c->server.queue)
        c->server.queue = 2 * c->server.workers;
    c->otp.secret_len = c->otp.secret ? strlen(c->otp.secret) : 0;
    if (provider && !node_member(otp, STR("secret")))
        config_fault_at(l, provider->key_line, provider->key_column, "otp.secret",
                        "is missing: otp.provider needs it to hash codes");
}

static void read_tree(struct loader *l, const struct node *root)
{
    struct scope scope = {config_keys, config_keys_n, P_ALL, false, (char *)l->cfg};
    l->cfg->otp.provider = l->cfg->payments.provider = l->cfg->notifications.provider = -1;
    config_default_messages(l->cfg);
    if (root && root->kind != NODE_MAP && !node_null(root)) {
        config_fault(l, root, "must be a mapping of sections");
        return;
    }
    config_read_scope(l, &scope, root && root->kind == NODE_MAP ? root : NULL);
    finish(l, root);
}

static void wipe_text(void *p)
{
    struct str *s = p;
    digest_wipe((void *)(uintptr_t)s->p, s->n);
}

static void load(struct loader *l, const char *path)
{
    struct str *text = ARENA_NEW(l->scratch, struct str);
    struct node *root = NULL;
    if (path) {
        l->cfg->file = arena_strdup(l->arena, path);
        l->dir = directory_of(l->scratch, path);
        arena_defer(l->scratch, wipe_text, text);
        if (!read_file(l, path, text))
            return;
        root = config_yaml(l, *text);
        if (!root)
            return;
    }
    read_tree(l, root);
}

/* ---- faults to report ---- */

static int by_place(const void *a, const void *b)
{
    const struct config_fault *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static struct config_report *report_of(struct loader *l)
{
    struct report_holder *h = ARENA_NEW(l->scratch, struct report_holder);
    qsort(l->faults, l->faults_n, sizeof *l->faults, by_place);
    *h = (struct report_holder){{l->faults, l->faults_n}, l->scratch};
    return &h->report;
}

/* ---- the face ---- */

/* Both arenas live on the heap, so that a jump out of memory finds them. */
static struct config *load_any(const char *path, bool offline, struct config_report **report)
{
    jmp_buf oom;
    struct loader *l = calloc(1, sizeof *l);
    struct holder *volatile h = NULL;
    *report = &out_of_memory_report;
    if (!l)
        return NULL;
    l->offline = offline;
    l->arena = arena_new(ARENA_CHUNK);
    l->scratch = arena_new(ARENA_CHUNK);
    if (l->arena && l->scratch && setjmp(oom) == 0) {
        arena_on_oom(l->arena, &oom);
        arena_on_oom(l->scratch, &oom);
        h = ARENA_NEW(l->arena, struct holder);
        h->arena = l->arena;
        l->cfg = &h->cfg;
        load(l, path);
        h->secrets = l->secrets;
        *report = l->faults_n ? report_of(l) : NULL;
    }
    struct config *out = NULL;
    if (*report != NULL && h)
        config_free(&h->cfg);
    else if (h)
        out = &h->cfg;
    else
        arena_free(l->arena);
    if (*report == NULL || *report == &out_of_memory_report)
        arena_free(l->scratch);
    if (out)
        arena_on_oom(l->arena, NULL);
    else if (*report != &out_of_memory_report)
        arena_on_oom(l->scratch, NULL);
    free(l);
    return out;
}

struct config *config_load(const char *path, struct config_report **report)
{
    return load_any(path, false, report);
}

struct config *config_load_offline(const char *path, struct config_report **report)
{
    return load_any(path, true, report);
}

/* Names come from the file: nothing of them may move the cursor of whoever reads this. */
static void print_clean(const char *text, FILE *to)
{
    for (const char *p = text; *p; p++)
        fputc((unsigned char)*p < 0x20 || *p == 0x7F ? '?' : *p, to);
}

void config_report_print(const struct config_report *report, const char *path, FILE *to)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct config_fault *f = &report->faults[i];
        print_clean(path ? path : "(defaults)", to);
        fprintf(to, ":%d:%d: ", f->line, f->column);
        if (*f->key) {
            print_clean(f->key, to);
            fputs(": ", to);
        }
        print_clean(f->what, to);
        fputc('\n', to);
    }
}

void config_report_free(struct config_report *report)
{
    if (report && report != &out_of_memory_report)
        arena_free(((struct report_holder *)report)->arena);
}

static unsigned kind_of(const struct config *c, const struct secret *s)
{
    if (s->p == c->database.url)
        return CONFIG_KEEP_DATABASE;
    return s->p == c->otp.secret ? CONFIG_KEEP_OTP : CONFIG_KEEP_PROVIDERS;
}

void config_each_secret(const struct config *c, unsigned kinds,
                        void (*fn)(void *ctx, const char *p, size_t n), void *ctx)
{
    for (const struct secret *s = ((const struct holder *)c)->secrets; s; s = s->next) {
        if (kinds & kind_of(c, s))
            fn(ctx, s->p, s->n);
    }
}

void config_forget_secrets(struct config *c, unsigned keep)
{
    for (const struct secret *s = ((const struct holder *)c)->secrets; s; s = s->next) {
        if (!(keep & kind_of(c, s)))
            digest_wipe(s->p, s->n);
    }
    if (!(keep & CONFIG_KEEP_OTP)) {
        c->otp.secret = NULL;
        c->otp.secret_len = 0;
    }
}

void config_free(struct config *c)
{
    if (!c)
        return;
    struct holder *h = (struct holder *)c;
    for (struct secret *s = h->secrets; s; s = s->next)
        digest_wipe(s->p, s->n);
    arena_free(h->arena);
}

int config_provider_find(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->providers_n; i++)
        if (str_eq(str_of(c->providers[i].name), str_of(name)))
            return (int)i;
    return -1;
}
