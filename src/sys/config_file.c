/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The file, the memory and the report of a configuration. Called by domain/config.c, which knows
 * the struct and its keys.
 */
#include "sys/config_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "sys/config_open.h"
#include "sys/config_yaml.h"

/* A configuration has some hundred lines; more than this is another file. */
#define CONFIG_FILE_MAX ((size_t)1024 * 1024)
/* A usual configuration and its tree fit into one or two chunks each. */
#define CONFIG_FILE_CHUNK ((size_t)16 * 1024)

struct config_file_report {
    struct config_report report; /* first */
    struct arena *arena;         /* the report's, itself included */
};

/* What one load works with. It lives on the heap, so that a jump out of memory finds it as it is.
 */
struct config_file_load {
    struct config_loader loader;
    const struct config_file_job *job;
    struct config_file_report *report; /* NULL: no faults, or memory ran out before */
    bool whole;                        /* it came to its end: memory did not run out */
};

static const struct config_fault config_file_oom_fault = {1, 1, "", "out of memory"};
/* Static: to report that memory ran out must not take memory. */
static struct config_report config_file_oom_report = {&config_file_oom_fault, 1};

static void config_file_close(void *p)
{
    close((int)(intptr_t)p);
}

/* Bytes to make room for: what a file has and a bit, or all that is allowed where that is not known
 * (a pipe). One byte more than the file has: a full buffer shows that it grew meanwhile. */
static size_t config_file_room(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size >= CONFIG_FILE_MAX)
        return CONFIG_FILE_MAX + 1;
    return (size_t)st.st_size + 1;
}

/* False after a fault. */
static bool config_file_read(struct config_loader *l, const char *path, struct str *out)
{
    const char *reason;
    int fd = config_open(path, &reason);
    if (fd < 0) {
        config_fault_at(l, CONFIG_FILE_START, "", "cannot read the file: %s", reason);
        return false;
    }
    arena_defer(l->scratch, config_file_close, (void *)(intptr_t)fd);
    size_t room = config_file_room(fd), n = 0;
    char *buf = arena_alloc(l->scratch, room);
    /* Until the end or until the buffer is full: read(2) on a pipe gives a piece at a time. */
    ssize_t got = 1;
    while (got > 0 && n < room) {
        got = read(fd, buf + n, room - n);
        n += got > 0 ? (size_t)got : 0;
    }
    *out = (struct str){buf, n};
    if (got < 0)
        config_fault_at(l, CONFIG_FILE_START, "", "cannot read the file: %s", strerror(errno));
    else if (n > CONFIG_FILE_MAX)
        config_fault_at(l, CONFIG_FILE_START, "", "the file is larger than 1 MiB");
    else if (n == room)
        config_fault_at(l, CONFIG_FILE_START, "", "the file grew while it was read");
    return l->faults_n == 0;
}

/* "/" stays "/": the file may stand in the root directory. */
static const char *config_file_directory(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

static void config_file_wipe_text(void *p)
{
    struct str *s = p;
    digest_wipe((void *)(uintptr_t)s->p, s->n);
}

/* False after a fault that leaves nothing to read. */
static bool config_file_parse(struct config_loader *l, const char *path,
                              const struct config_node **root)
{
    struct str *text = ARENA_NEW(l->scratch, struct str);
    /* Relative paths of secrets are relative to the file, not to where the master was started. */
    l->dir = config_file_directory(l->scratch, path);
    /* The text may hold secrets in plain. */
    arena_defer(l->scratch, config_file_wipe_text, text);
    if (!config_file_read(l, path, text))
        return false;
    *root = config_yaml(l, *text);
    return *root != NULL;
}

/* ---- faults to report ---- */

/* In the order of the file: tables are read key by key, which is not how people look for faults. */
static int config_file_compare_places(const void *a, const void *b)
{
    const struct config_fault *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* On the scratch arena, which is then kept for it: texts of faults may point into the tree. */
static struct config_file_report *config_file_make_report(struct config_loader *l)
{
    struct config_file_report *r = ARENA_NEW(l->scratch, struct config_file_report);
    qsort(l->faults, l->faults_n, sizeof *l->faults, config_file_compare_places);
    *r = (struct config_file_report){{l->faults, l->faults_n}, l->scratch};
    return r;
}

/* ---- loading ---- */

/* The target starts as zeros, which is "none" for every optional field. */
static void config_file_fill(struct config_file_load *load)
{
    struct config_loader *l = &load->loader;
    const struct config_node *root = NULL;
    l->target = memset(arena_alloc(l->arena, load->job->size), 0, load->job->size);
    l->target->arena = l->arena;
    if (!l->path || config_file_parse(l, l->path, &root))
        load->job->read(l, root);
    if (l->faults_n > 0)
        load->report = config_file_make_report(l);
    load->whole = true;
}

/* Everything that takes memory is below this; load->whole stays false when it runs out. Nothing but
 * this frame may be skipped by the jump: all that it needs is in `load`. */
static void config_file_run(struct config_file_load *load)
{
    jmp_buf oom;
    if (setjmp(oom) != 0)
        return;
    arena_on_oom(load->loader.arena, &oom);
    arena_on_oom(load->loader.scratch, &oom);
    config_file_fill(load);
}

static void config_file_wipe_secrets(const struct config_memory *m)
{
    for (const struct config_secret *s = m ? m->secrets : NULL; s; s = s->next)
        digest_wipe(s->p, s->n);
}

/* What is kept outlives the jump that its arena would make. */
static void config_file_end_arena(struct arena *a, bool keep)
{
    if (keep)
        arena_on_oom(a, NULL);
    else
        arena_free(a);
}

/* Two arenas: the configuration's, which lives as long as it is in use, and a scratch one for the
 * tree and the faults. Exactly one of them is returned to the caller, the other is freed here. */
void *config_file_load(const struct config_file_job *job, struct config_report **report)
{
    struct config_file_load *load = calloc(1, sizeof *load);
    *report = &config_file_oom_report;
    if (!load)
        return NULL;
    struct config_loader *l = &load->loader;
    load->job = job;
    l->path = job->path;
    l->offline = job->offline;
    l->on_key = job->on_key;
    l->arena = arena_new(CONFIG_FILE_CHUNK);
    l->scratch = arena_new(CONFIG_FILE_CHUNK);
    if (l->arena && l->scratch)
        config_file_run(load);

    bool good = load->whole && !load->report, faulty = load->whole && load->report;
    struct config_memory *target = good ? l->target : NULL;
    if (load->whole)
        *report = faulty ? &load->report->report : NULL;
    /* A configuration with a fault is dropped; its secrets must not stay in freed memory. */
    if (!good)
        config_file_wipe_secrets(l->target);
    config_file_end_arena(l->arena, good);
    config_file_end_arena(l->scratch, faulty);
    free(load);
    return target;
}

void config_memory_free(struct config_memory *m)
{
    if (!m)
        return;
    config_file_wipe_secrets(m);
    arena_free(m->arena);
}

/* Names come from the file: nothing of them may move the cursor of whoever reads this. */
static void config_file_print_clean(const char *text, FILE *to)
{
    for (const char *p = text; *p; p++)
        fputc((unsigned char)*p < 0x20 || *p == 0x7F ? '?' : *p, to);
}

void config_report_print(const struct config_report *report, const char *path, FILE *to)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct config_fault *f = &report->faults[i];
        config_file_print_clean(path ? path : "(defaults)", to);
        fprintf(to, ":%d:%d: ", f->line, f->column);
        if (*f->key) {
            config_file_print_clean(f->key, to);
            fputs(": ", to);
        }
        config_file_print_clean(f->what, to);
        fputc('\n', to);
    }
}

void config_report_free(struct config_report *report)
{
    if (report && report != &config_file_oom_report)
        arena_free(((struct config_file_report *)report)->arena);
}
