/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Signals as data: they are blocked and read from a descriptor, so no code ever runs inside a
 * handler. Called by every process at its start, and by the master after fork(). */
#include "sys/sig.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* PIPE: whoever read from us is gone. XFSZ: a file (the log) has reached its size limit. The call
 * that met it returns an error, which is handled there. */
static bool sig_ignore_faults_of_files(void)
{
    return signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGXFSZ, SIG_IGN) != SIG_ERR;
}

/* Blocked before the descriptor is made: a signal in between waits, and is then read from it. */
int sig_open(const int *signals)
{
    sigset_t set;
    sigemptyset(&set);
    for (; *signals; signals++)
        sigaddset(&set, *signals);
    if (!sig_ignore_faults_of_files() || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* 0 when none is waiting: the descriptor does not block. */
int sig_next(int fd, int *pid)
{
    struct signalfd_siginfo info;
    ssize_t n;
    do
        n = read(fd, &info, sizeof(info));
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(info))
        return 0;
    if (pid)
        *pid = (int)info.ssi_pid;
    return (int)info.ssi_signo;
}

/* A child inherits handlers and the mask; its own sig_open() decides anew what it blocks. */
void sig_reset_child(void)
{
    struct sigaction dfl;
    memset(&dfl, 0, sizeof(dfl));
    dfl.sa_handler = SIG_DFL;
    for (int s = 1; s < NSIG; s++)
        /* KILL, STOP and libc's own refuse: nothing to reset there. */
        (void)sigaction(s, &dfl, NULL);
    (void)sig_ignore_faults_of_files();
    /* A signal that came meanwhile is delivered here, with its default effect. */
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Real-time signals have no name; the buffer is valid until the next call. */
const char *sig_name(int signo)
{
    static char numbered[16];
    const char *name = signo > 0 ? sigabbrev_np(signo) : NULL;
    if (name)
        return name;
    (void)snprintf(numbered, sizeof(numbered), "SIG%d", signo);
    return numbered;
}
