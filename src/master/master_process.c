/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The master's own process_* figures out of /proc/self, for the monitor's page. The master reads
 * them itself, since nobody else may: it is not dumpable.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/num.h"
#include "master_priv.h"

/* proc(5)'s stat is one line of about 300 characters. Once per second is finer than any scrape. */
#define FILE_MAX_LEN 4096
#define EVERY_MS 1000

/* Reads a small file; false when it is not there or not ours to read. */
static bool master_process_read_file(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t n = 0;
    for (ssize_t r = 1; r > 0 && n + 1 < size;) {
        r = read(fd, buf + n, size - 1 - n);
        n += r > 0 ? (size_t)r : 0;
    }
    close(fd);
    buf[n] = '\0';
    return n > 0;
}

/* Field number `n` of proc(5)'s stat; the second, the name, is in brackets and may hold anything.
 */
static bool stat_field(const char *text, int n, int64_t *out)
{
    const char *end = strrchr(text, ')');
    struct str rest = str_of(end && end[1] == ' ' ? end + 2 : NULL), field = {0};
    for (int i = 3; i <= n; i++)
        field = str_cut(&rest, ' ');
    return num_i64(field, out);
}

/* Those of /proc/self/fd, without the one that is reading it. */
static int64_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t n = -1;
    if (!dir)
        return 0;
    // cppcheck-suppress readdirCalled ; single-threaded, and readdir_r(3) is deprecated
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Processor time and limits are asked of the kernel itself; /proc is for what it says nowhere else.
 */
static bool read_figures(struct process_view *v)
{
    /* Numbers of proc_pid_stat(5). */
    enum { VSIZE = 23, RSS = 24 };
    char text[FILE_MAX_LEN];
    struct rusage usage;
    struct rlimit files;
    int64_t pages = 0;
    if (getrusage(RUSAGE_SELF, &usage) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0 ||
        !master_process_read_file("/proc/self/stat", text, sizeof(text)) ||
        !stat_field(text, VSIZE, &v->virtual_bytes) || !stat_field(text, RSS, &pages))
        return false;
    v->cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    v->resident_bytes = pages * sysconf(_SC_PAGESIZE);
    v->open_fds = count_fds();
    v->max_fds = files.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)files.rlim_cur;
    return true;
}

/* Called every turn; does its work when a second has passed. */
void master_publish_process(struct master *m)
{
    struct process_view v = {.started_s = m->started_wall_s};
    if (!deadline_passed(m->process_due))
        return;
    m->process_due = deadline_in_ms(EVERY_MS);
    if (read_figures(&v))
        master_state_set_process(&v);
}
