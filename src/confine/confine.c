/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a process may do, as a whole: called by the master for itself, then by each child for its
 * role. System calls are in confine_calls.c, files and ports in confine_files.c (bookingd(8),
 * server.confine).
 *
 * A build with a sanitizer or for coverage does nothing here: their runtimes need more than any
 * list would allow.
 */
#include "confine/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "confine_priv.h"
#include "sys/log.h"

#ifdef BD_UNCONFINED

bool confine_basics(void)
{
    return true; /* LeakSanitizer attaches to its own process */
}

bool confine_prepare(const struct config *cfg)
{
    (void)cfg;
    return true;
}

bool confine_role(enum role role, const struct config *cfg)
{
    (void)role;
    (void)cfg;
    return true;
}

#else

/* Set by the master before it forks; children inherit both. */
static bool calls;        /* filters are made */
static int files_version; /* of Landlock */

/* A service manager may have set the limit, and taken the right to set any. */
static bool no_cores(void)
{
    struct rlimit r;
    const struct rlimit none = {0, 0};
    return getrlimit(RLIMIT_CORE, &r) == 0 &&
           (r.rlim_max == 0 || setrlimit(RLIMIT_CORE, &none) == 0);
}

/* No privileges by setuid programs (which seccomp requires as well), no core dumps and no ptrace by
 * others of the same user: memory holds tokens and keys. */
bool confine_basics(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
           no_cores();
}

/* The master makes the filters of all roles once: libseccomp allocates much, and a child has less
 * to fear from it. */
bool confine_prepare(const struct config *cfg)
{
    const char *reason = "";
    files_version = confine_files_version();
    if (files_version == 0)
        reason = strerror(errno);
#ifdef HAVE_SECCOMP
    calls = confine_calls_prepare();
    if (!calls) {
        LOG(LOG_LEVEL_ERROR, "confine.failed", F_STR("part", "filters of system calls"),
            F_STR("call", confine_calls_failed), F_STR("reason", strerror(errno)));
        return false;
    }
#endif
    /* Filters are made all the same: a reload may switch them on. */
    if (!cfg->server.confine) {
        LOG(LOG_LEVEL_WARN, "confine.off", F_STR("hint", "server.confine is off"));
        return true;
    }
    LOG(calls && files_version > 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "confine.on",
        F_STR("system_calls", calls ? "yes" : "not built in"), F_INT("landlock", files_version),
        F_STR("reason", reason));
    if (calls && !confine_calls_deny()) {
        LOG(LOG_LEVEL_ERROR, "confine.failed", F_STR("part", "seccomp"),
            F_STR("reason", strerror(errno)));
        return false;
    }
    return true;
}

/* A unit with an empty CapabilityBoundingSet has none to give up, and its SystemCallFilter may
 * forbid capset() altogether. */
static bool confine_has_capabilities(struct __user_cap_header_struct *head)
{
    struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    if (syscall(SYS_capget, head, have) != 0)
        return true;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        if ((have[i].effective | have[i].permitted | have[i].inheritable) != 0)
            return true;
    }
    return false;
}

/* Of a master that runs as root: no child needs a capability, and what it might gain by one that it
 * keeps is not bounded by any list. Through the system call, since libcap would be one library more
 * for two lines. */
static bool confine_drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    /* Those that a program could gain; EINVAL: the kernel knows no more of them. Without
     * CAP_SETPCAP there is nothing to drop, and no new privileges are to be had anyway. */
    for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
        ;
    return !confine_has_capabilities(&head) || syscall(SYS_capset, &head, none) == 0;
}

bool confine_role(enum role role, const struct config *cfg)
{
    if (!confine_drop_capabilities()) {
        LOG(LOG_LEVEL_ERROR, "confine.failed", F_STR("part", "capabilities"),
            F_STR("reason", strerror(errno)));
        return false;
    }
    if (!cfg->server.confine)
        return true;
    /* Files first: that takes system calls which nobody may make afterwards. */
    const char *what = files_version > 0 && !confine_files_role(role, cfg, files_version)
                           ? "landlock"
                       : calls && !confine_calls_role(role) ? "seccomp"
                                                            : NULL;
    if (!what)
        return true;
    LOG(LOG_LEVEL_ERROR, "confine.failed", F_STR("part", what), F_STR("reason", strerror(errno)));
    return false;
}

#endif
