/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The file of a unix socket: taking it over from a dead process, its mode and its owner. Called by
 * net.c when the master binds, and by the master when a reload keeps a socket.
 *
 * To connect means to write to the file: without a mode the umask decides who may, and a proxy of
 * another user usually may not.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "net_priv.h"

#define UNCHANGED UINT32_MAX /* chown(2): -1 leaves a user or group as it is */

/* 0 for a path that does not fit: a name that was cut would be another socket. */
socklen_t net_unix_address(const char *path, struct sockaddr_un *out)
{
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(out->sun_path))
        return 0;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, path, n + 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
}

/* A path that a dead process left: a socket that refuses. Anything else is somebody's and stays. */
static bool net_unix_is_stale(const struct sockaddr_un *a, socklen_t len)
{
    struct stat st;
    if (lstat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused =
        connect(fd, (const struct sockaddr *)(const void *)a, len) < 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* bind() does not replace a socket file. It is removed only when nobody listens there. */
static bool net_unix_take_place(int fd, const struct sockaddr_un *a, socklen_t len)
{
    const struct sockaddr *sa = (const struct sockaddr *)(const void *)a;
    if (bind(fd, sa, len) == 0)
        return true;
    if (errno != EADDRINUSE)
        return false;
    if (!net_unix_is_stale(a, len) || unlink(a->sun_path) < 0) {
        errno = EADDRINUSE;
        return false;
    }
    return bind(fd, sa, len) == 0;
}

/* Numbers are ids, also where no account has them: containers often have none. */
static bool net_unix_user(const char *name, uid_t *out)
{
    int64_t id;
    if (num_range(str_of(name), 0, UNCHANGED - 1, &id)) {
        *out = (uid_t)id;
        return true;
    }
    // cppcheck-suppress getpwnamCalled ; single-threaded
    const struct passwd *p = getpwnam(name);
    if (p)
        *out = p->pw_uid;
    return p != NULL;
}

/* As for users. Groups are looked up by getgrnam(3), which has numbers of its own. */
static bool net_unix_group(const char *name, gid_t *out)
{
    int64_t id;
    if (num_range(str_of(name), 0, UNCHANGED - 1, &id)) {
        *out = (gid_t)id;
        return true;
    }
    // cppcheck-suppress getgrnamCalled ; single-threaded
    const struct group *g = getgrnam(name);
    if (g)
        *out = g->gr_gid;
    return g != NULL;
}

/* The owner first: chown(2) may clear bits of the mode. */
bool net_unix_own(const struct listen_addr *at, const char **reason)
{
    uid_t user = UNCHANGED;
    gid_t group = UNCHANGED;
    *reason = NULL;
    if (at->user && !net_unix_user(at->user, &user))
        *reason = "there is no such user";
    else if (at->group && !net_unix_group(at->group, &group))
        *reason = "there is no such group";
    else if ((at->user || at->group) && chown(at->path, user, group) != 0)
        *reason = "its owner cannot be changed: only root may, or a member of the group";
    else if (at->has_mode && chmod(at->path, at->mode) != 0)
        *reason = strerror(errno);
    return *reason == NULL;
}

/* Nobody can connect before the owner and the mode are right: bind(2) makes the file without any
 * permission when a mode will follow. */
bool net_unix_bind(int fd, const struct listen_addr *at, const char **reason)
{
    struct sockaddr_un a;
    const socklen_t len = net_unix_address(at->path, &a);
    const mode_t before = at->has_mode ? umask(0777) : 0;
    *reason = NULL;
    const bool good = net_unix_take_place(fd, &a, len);
    /* umask(2) and what follows may change it, and the caller reports why the bind failed. */
    const int error = errno;
    if (at->has_mode)
        (void)umask(before);
    if (good && !net_unix_own(at, reason)) {
        (void)unlink(at->path);
        return false;
    }
    errno = error;
    return good;
}
