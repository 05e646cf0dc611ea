/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The list of what is wrong with input. Filled by schema.c and by handlers; the api layer puts it
 * into the problem document. */
#include "sys/fault.h"

#include <stdarg.h>
#include <string.h>

#include "base/str.h"

/* A name in a pointer comes from the client: long enough for each name of the API, and short enough
 * that FAULTS_MAX of them are no burden. */
#define NAME_SHOWN_MAX 64

/* Appended at the tail, so that faults come in the order in which they are found. */
void faults_init(struct faults *f, struct arena *a)
{
    *f = (struct faults){.arena = a};
    f->tail = &f->first;
}

/* Beyond FAULTS_MAX nothing is kept: who sends more has other problems, and the answer stays
 * small. */
void fault_add(struct faults *f, const char *pointer, const char *fmt, ...)
{
    if (f->n >= FAULTS_MAX)
        return;
    struct fault *fault = ARENA_NEW(f->arena, struct fault);
    va_list ap;
    va_start(ap, fmt);
    fault->detail = arena_vprintf(f->arena, fmt, ap);
    va_end(ap);
    fault->pointer = arena_strdup(f->arena, pointer);
    *f->tail = fault;
    f->tail = &fault->next;
    f->n++;
}

/* A JSON pointer (RFC 6901): "/services/0/name". */
const char *fault_pointer(struct arena *a, const char *base, const char *name)
{
    struct sb b;
    sb_init(&b, a, strlen(base) + strlen(name) + 2);
    sb_puts(&b, base);
    sb_putc(&b, '/');
    size_t n = strlen(name);
    if (n > NAME_SHOWN_MAX) {
        n = NAME_SHOWN_MAX;
        while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) /* not inside a character */
            n--;
    }
    for (size_t i = 0; i < n; i++) { /* RFC 6901 3 */
        if (name[i] == '~')
            sb_puts(&b, "~0");
        else if (name[i] == '/')
            sb_puts(&b, "~1");
        else
            sb_putc(&b, name[i]);
    }
    return sb_str(&b).p;
}

const char *fault_pointer_index(struct arena *a, const char *base, size_t index)
{
    return arena_printf(a, "%s/%zu", base, index);
}
