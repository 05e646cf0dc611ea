/* process_* of the master out of /proc, as the Prometheus client libraries name them. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "proc/monitor.h"

#define FILE_MAX_LEN 4096
#define PATH_MAX_LEN 64

/* Reads a small file of /proc; false when it is not there or not ours to read. */
static bool slurp(pid_t pid, const char *name, char *buf, size_t size)
{
    char path[PATH_MAX_LEN];
    if (pid)
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    else
        (void)snprintf(path, sizeof(path), "/proc/%s", name);
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

/* Field number `n` of proc(5)'s stat; the second, the name, is in brackets and may hold anything. */
static bool stat_field(const char *text, int n, int64_t *out)
{
    const char *end = strrchr(text, ')');
    struct str rest = str_of(end && end[1] == ' ' ? end + 2 : NULL), field = {0};
    for (int i = 3; i <= n; i++)
        field = str_cut(&rest, ' ');
    return num_i64(field, out);
}

/* The word behind `key` at the start of a line. */
static bool line_value(const char *text, const char *key, int64_t *out)
{
    struct str rest = str_of(text), k = str_of(key);
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        if (!str_starts(line, k))
            continue;
        line = str_trim((struct str){line.p + k.n, line.n - k.n});
        return num_i64(str_cut(&line, ' '), out);
    }
    return false;
}

static bool count_fds(pid_t pid, int64_t *out)
{
    char path[PATH_MAX_LEN];
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false; /* the master is root and we are not */
    *out = 0;
    // cppcheck-suppress readdirCalled ; single-threaded, and readdir_r(3) is deprecated
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        *out += e->d_name[0] != '.';
    closedir(dir);
    return true;
}

static void family(struct metrics_page *page, const char *name, enum metric_kind kind, const char *help, double value)
{
    metrics_family(page, name, kind, help);
    metrics_sample(page, name, NULL, value);
}

static void from_stat(struct metrics_page *page, const char *stat)
{
    enum { UTIME = 14, STIME = 15, STARTTIME = 22, VSIZE = 23, RSS = 24 };
    const double hz = (double)sysconf(_SC_CLK_TCK);
    int64_t user, system, start, boot, bytes, pages;
    char text[FILE_MAX_LEN * 4];
    if (stat_field(stat, UTIME, &user) && stat_field(stat, STIME, &system))
        family(page, "process_cpu_seconds_total", METRIC_COUNTER, "Processor time of the master.",
               (double)(user + system) / hz);
    if (stat_field(stat, STARTTIME, &start) && slurp(0, "stat", text, sizeof(text)) &&
        line_value(text, "btime ", &boot))
        family(page, "process_start_time_seconds", METRIC_GAUGE, "When the master was started.",
               (double)boot + (double)start / hz);
    if (stat_field(stat, VSIZE, &bytes))
        family(page, "process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory of the master.", (double)bytes);
    if (stat_field(stat, RSS, &pages))
        family(page, "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory of the master.",
               (double)pages * (double)sysconf(_SC_PAGESIZE));
}

void monitor_process_metrics(struct metrics_page *page, pid_t pid)
{
    char text[FILE_MAX_LEN];
    int64_t n;
    if (slurp(pid, "stat", text, sizeof(text)))
        from_stat(page, text);
    if (count_fds(pid, &n))
        family(page, "process_open_fds", METRIC_GAUGE, "Open descriptors of the master.", (double)n);
    if (slurp(pid, "limits", text, sizeof(text)) && line_value(text, "Max open files", &n))
        family(page, "process_max_fds", METRIC_GAUGE, "Descriptors that the master may have.", (double)n);
}
