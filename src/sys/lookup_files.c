/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Which files name look-ups read, and whether one was replaced. Called by the resolver, and by
 * confine for the list.
 */
#include "sys/lookup_files.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

/* What glibc's getaddrinfo(3) reads: nsswitch.conf(5), host.conf(5), gai.conf(5), hosts(5),
 * resolv.conf(5). musl reads fewer. */
const char *const lookup_files[LOOKUP_FILES] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
};

/* stat(2) follows links: a link that leads elsewhere from now on is another file as well. Landlock
 * lets anybody look at a file that it lets nobody read. */
void lookup_files_see(struct lookup_files_seen *seen)
{
    memset(seen, 0, sizeof(*seen));
    for (size_t i = 0; i < LOOKUP_FILES; i++) {
        struct stat st;
        if (stat(lookup_files[i], &st) != 0)
            continue;
        seen->file[i].device = st.st_dev;
        seen->file[i].inode = st.st_ino;
    }
}

const char *lookup_files_replaced(const struct lookup_files_seen *seen)
{
    struct lookup_files_seen now;
    lookup_files_see(&now);
    for (size_t i = 0; i < LOOKUP_FILES; i++)
        if (now.file[i].inode != seen->file[i].inode || now.file[i].device != seen->file[i].device)
            return lookup_files[i];
    return NULL;
}
