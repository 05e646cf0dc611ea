/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Opens files for config_file.c and config_secret.c, and nothing that could hold them up. */
#include "sys/config_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h: the file system that pipe(2) makes its pipes in; a FIFO is in a real one. */
#define PIPEFS 0x50495045

/* NULL: it may be read. A FIFO in a directory would hold the start up until somebody writes into
 * it; a pipe that was inherited (`-c <(...)` of a shell) has its writer already. */
static const char *config_open_refuse(int fd)
{
    struct stat st;
    struct statfs fs;
    if (fstat(fd, &st) != 0)
        return strerror(errno);
    if (S_ISREG(st.st_mode))
        return NULL;
    if (S_ISDIR(st.st_mode))
        return "it is a directory";
    if (S_ISFIFO(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS)
        return NULL;
    return S_ISFIFO(st.st_mode) ? "it is a FIFO" : "it is a device or a socket, not a file";
}

/* Without O_NONBLOCK the opening of a FIFO waits for a writer. A pipe is then read as usual. */
int config_open(const char *path, const char **reason)
{
    /* O_NOCTTY: a terminal that is opened by mistake must not become this process's own. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        *reason = strerror(errno);
        return -1;
    }
    *reason = config_open_refuse(fd);
    int flags = fcntl(fd, F_GETFL);
    if (!*reason && (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0))
        *reason = strerror(errno);
    if (!*reason)
        return fd;
    close(fd);
    return -1;
}
