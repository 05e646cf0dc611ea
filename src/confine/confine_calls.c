/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * System calls: one filter per role, made with libseccomp by the master, laid on by the child.
 * Called by confine.c, and by the master to name the call that ended a child.
 *
 * An allow list: what a library or a kernel brings tomorrow is off until somebody looks at it. The
 * list was made by running all tests with the filter in log mode, and reading what was missing.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "confine/confine_calls.h"

/* What the handler says and confine_calls_violation() reads. */
static const char violation_words[] = "forbidden system call ";

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "base/cdefs.h"
#include "base/ensure.h"
#include "confine_priv.h"

/* One letter each, so that a row of the table fits on a line. */
#define D (1u << ROLE_DISPATCHER)
#define W (1u << ROLE_WORKER)
#define C (1u << ROLE_COURIER)
#define M (1u << ROLE_MONITOR)
#define K (1u << ROLE_KEEPER)
#define R (1u << ROLE_RESOLVER)
#define ALL (D | W | C | M | K | R)
#define OUT (W | C | M | K | R) /* those with connections of their own */

/* The lists are in confine_calls.def; each row names the roles that make the call. */
static const struct call {
    const char *name;
    unsigned roles;
} calls[] = {
#define CALL(name, roles) {#name, roles},
#include "confine_calls.def"
};

#define INT UINT32_MAX /* the kernel looks at the lower half of such an argument */

/* Calls that depend on an argument: allowed when (argument & mask) == value. */
static const struct argument_rule {
    const char *name;
    unsigned roles;
    unsigned arg;
    uint64_t mask, value;
} argument_rules[] = {
    /* only to read */
    {"open", OUT, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    {"openat", OUT, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    /* memory is written or executed, never both; to execute means to load a library (name services)
     */
    {"mmap", ALL, 2, PROT_WRITE | PROT_EXEC, 0},
    {"mmap", ALL, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {"mmap", OUT, 2, PROT_WRITE | PROT_EXEC, PROT_EXEC},
    {"mprotect", ALL, 2, PROT_WRITE | PROT_EXEC, 0},
    {"mprotect", ALL, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {"mprotect", OUT, 2, PROT_WRITE | PROT_EXEC, PROT_EXEC},
    {"socket", OUT, 0, INT, AF_UNIX},
    {"socket", OUT, 0, INT, AF_INET},
    {"socket", OUT, 0, INT, AF_INET6},
    {"ioctl", ALL, 1, INT, FIONREAD},
    {"ioctl", ALL, 1, INT, FIONBIO},
    {"ioctl", ALL, 1, INT, TCGETS},
    /* not who gets a signal when there is something to read, nor which */
    {"fcntl", ALL, 1, INT, F_GETFD},
    {"fcntl", ALL, 1, INT, F_SETFD},
    {"fcntl", ALL, 1, INT, F_GETFL},
    {"fcntl", ALL, 1, INT, F_SETFL},
    {"fcntl", ALL, 1, INT, F_DUPFD_CLOEXEC},
    {"prlimit64", ALL, 2, UINT64_MAX, 0}, /* only to read */
};

/* These fail instead of ending the process: libraries try them and do without. */
static const struct refusal {
    const char *name;
    unsigned roles;
    int arg; /* -1: in any case */
    uint64_t value;
    int error;
} refusals[] = {
    {"socket", OUT, 0, AF_NETLINK, EAFNOSUPPORT}, /* getaddrinfo(3) would look at the interfaces */
    {"keyctl", OUT, -1, 0, EPERM},                /* Kerberos, for a database that asks for it */
    {"open", D, -1, 0, EACCES},                   /* the C library: time zones */
    {"openat", D, -1, 0, EACCES},
    {"access", D, -1, 0, EACCES},
};

/* What neither the master nor any role needs. Refused with an error and not by a signal: the master
 * calls libraries that may try. */
static const char *const nobodys[] = {
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "setns",
    "unshare",
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "mknod",
    "mknodat",
    "personality",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "open_by_handle_at",
    "pidfd_getfd",
    "quotactl",
    "syslog",
    "vhangup",
};

/* Kept for the life of the master: each fork of a role uses them again. */
static struct sock_fprog filters[ROLE_COUNT];

/* A call may be missing on an architecture (open on arm64): then nothing can make it either. */
static bool confine_calls_add_rule(scmp_filter_ctx f, uint32_t action, const char *name,
                                   const struct scmp_arg_cmp *cmp)
{
    /* By name and not by number: numbers differ between architectures. */
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR || nr < 0)
        return true; /* not on this architecture */
    int rc = seccomp_rule_add_array(f, action, nr, cmp ? 1 : 0, cmp);
    errno = -rc;
    return rc == 0;
}

/* Whatever no rule allows raises SIGSYS, so the order of the rules does not matter. */
static bool add_rules(scmp_filter_ctx f, unsigned role)
{
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (calls[i].roles & role)
            good = good && confine_calls_add_rule(f, SCMP_ACT_ALLOW, calls[i].name, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(argument_rules); i++) {
        const struct argument_rule *r = &argument_rules[i];
        const struct scmp_arg_cmp cmp = {
            .arg = r->arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = r->mask, .datum_b = r->value};
        if (r->roles & role)
            good = good && confine_calls_add_rule(f, SCMP_ACT_ALLOW, r->name, &cmp);
    }
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *r = &refusals[i];
        const struct scmp_arg_cmp cmp = {.arg = r->arg < 0 ? 0 : (unsigned)r->arg,
                                         .op = SCMP_CMP_MASKED_EQ,
                                         .datum_a = INT,
                                         .datum_b = r->value};
        if (r->roles & role)
            good = good && confine_calls_add_rule(f, SCMP_ACT_ERRNO((uint32_t)r->error), r->name,
                                                  r->arg < 0 ? NULL : &cmp);
    }
    /* The handler of SIGSYS is there to stay. */
    const struct scmp_arg_cmp lower_signals = {.arg = 0, .op = SCMP_CMP_LT, .datum_a = SIGSYS};
    return good && confine_calls_add_rule(f, SCMP_ACT_ALLOW, "rt_sigaction", &lower_signals);
}

const char *confine_calls_failed = "";

/* The finished program as bytes; libseccomp writes it to a descriptor. Exported instead of loaded:
 * the master must not lay the filter of a role on itself. False with errno. */
static bool export_program(scmp_filter_ctx f, struct sock_fprog *out)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) {
        /* A container's profile may refuse it; whoever wrote that needs the name. */
        confine_calls_failed = "memfd_create";
        return false;
    }
    /* By a descriptor, since libseccomp of Debian 12 exports a program in no other way. */
    int rc = seccomp_export_bpf(f, fd);
    off_t size = rc == 0 ? lseek(fd, 0, SEEK_END) : 0;
    void *p = size > 0 ? malloc((size_t)size) : NULL;
    bool good = p && pread(fd, p, (size_t)size, 0) == size;
    close(fd);
    if (!good) {
        free(p);
        errno = rc < 0 ? -rc : EIO;
        return false;
    }
    *out = (struct sock_fprog){.len = (unsigned short)((size_t)size / sizeof(struct sock_filter)),
                               .filter = p};
    return true;
}

/* Made by the master, before it drops rights: a child only lays the finished program on. */
static bool prepare_one(enum role role)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
    if (!f)
        return false;
    /* A service manager's filter may forbid the system call by which libseccomp learns whether the
     * kernel has these two. It then falls back to a list in place of a tree, and ends the thread in
     * place of the process, which has only one. Both are as good. */
    (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    (void)seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    bool good = add_rules(f, 1u << role) && export_program(f, &filters[role]);
    seccomp_release(f);
    return good;
}

/* Each role's filter once; a second call, as for a reload, finds them made. */
bool confine_calls_prepare(void)
{
    for (enum role r = ROLE_DISPATCHER; r < ROLE_COUNT; r++) {
        if (!filters[r].filter && !prepare_one(r))
            return false;
    }
    return true;
}

/* The master keeps all other calls: it forks, binds, reads files and signals its children. */
bool confine_calls_deny(void)
{
    struct sock_fprog p = {.len = 0};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    bool good = f != NULL;
    for (size_t i = 0; i < ARRAY_LEN(nobodys); i++)
        good = good && confine_calls_add_rule(f, SCMP_ACT_ERRNO(EPERM), nobodys[i], NULL);
    good =
        good && export_program(f, &p) && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0) == 0;
    free(p.filter);
    if (f)
        seccomp_release(f);
    return good;
}

/* ---- in the child ---- */

/* The handler of SIGSYS. As little as possible: it notes the call's number, for the master to name,
 * and then lets the signal have its own effect. Async-signal-safe: no printf, no allocation, no
 * lock. */
static void on_violation(int signo, siginfo_t *info, void *context)
{
    char text[sizeof(violation_words) + 12];
    unsigned n = (unsigned)info->si_syscall;
    size_t at = sizeof(text) - 1;
    (void)signo;
    (void)context;
    text[at] = '\0';
    do
        text[--at] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    at -= sizeof(violation_words) - 1;
    memcpy(text + at, violation_words, sizeof(violation_words) - 1);
    scoreboard_panic(text + at);
    /* Forbidden to all, while SIGSYS is blocked by its own handler: the kernel ends the process. */
    (void)syscall(SYS_reboot, 0, 0, 0, 0);
    _exit(1);
}

/* abort(3) signals its own process; nobody else's is signalled. A filter beside the role's, since
 * it knows the pid. */
static bool only_own_signals(void)
{
    const uint32_t pid = (uint32_t)getpid();
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 2),
        /* the lower half of the first argument: the kernel looks at no more of it */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) +
                                               (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, pid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    const struct sock_fprog p = {.len = ARRAY_LEN(program), .filter = program};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, 0, 0) == 0;
}

/* The handler is installed first: the filter then forbids to replace it. */
bool confine_calls_role(enum role role)
{
    /* All signals are blocked in the handler: nothing else may run while the process says why it
     * ends. */
    struct sigaction sa;
    ENSURE(filters[role].filter != NULL);
    memset(&sa, 0, sizeof(sa));
    sa.sa_sigaction = on_violation;
    sa.sa_flags = SA_SIGINFO;
    sigfillset(&sa.sa_mask);
    return sigaction(SIGSYS, &sa, NULL) == 0 && only_own_signals() &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filters[role], 0, 0) == 0;
}

#endif

/* By number where no library knows the name. */
static void confine_calls_name(int nr, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%d", nr);
#ifdef HAVE_SECCOMP
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
    if (name)
        (void)snprintf(buf, size, "%s", name);
    free(name);
#endif
}

/* "unknown" when the last words are of another kind, as those of a failed assertion. */
const char *confine_calls_violation(const char *last_words, char *buf, size_t size)
{
    struct str words = str_of(last_words);
    const size_t n = sizeof(violation_words) - 1;
    int64_t nr;
    (void)snprintf(buf, size, "unknown");
    if (str_starts(words, STR(violation_words)) &&
        num_i64((struct str){words.p + n, words.n - n}, &nr) && nr >= 0 && nr <= INT32_MAX)
        confine_calls_name((int)nr, buf, size);
    return buf;
}
