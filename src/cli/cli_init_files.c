/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The files of a new installation: secrets that only their reader can read, and a configuration.
 * Called by cli_init.c. A file that is there is never touched, so that init can be repeated.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/rng.h"
#include "cli_init_files.h"

#define SECRET_BYTES 32    /* what otp.secret must have at least; twice that in hex */
#define ACCOUNT "bookingd" /* systemd/bookingd.sysusers.conf makes it */

/* Only what has no good default; the others are in bookingd.yaml(5). */
static const char init_configuration[] =
    "# Made by `bookingd init`. Every key that is not here has its default: bookingd.yaml(5) has\n"
    "# them all, and `bookingd check-config --print` shows what is in force.\n"
    "# After a change: bookingd check-config, then systemctl reload bookingd.\n"
    "\n"
    "server:\n"
    "  listen: 127.0.0.1:8080             # a proxy with TLS stands in front\n"
    "  public_url: http://127.0.0.1:8080  # how the outside reaches it: https://book.example.com\n"
    "  #trusted_proxies: [127.0.0.1]      # the proxy, so that clients' addresses count\n"
    "  #cors_origins: [\"https://book.example.com\"]  # whose pages may call the API\n"
    "\n"
    "database:\n"
    "  url: {file: database-url}          # the role that serves; it owns nothing\n"
    "  migrate_url: {file: migrate-url}   # the owner of the tables, for `bookingd migrate`\n"
    "\n"
    "# Who sends codes and notifications. Without one nobody can sign in.\n"
    "#providers:\n"
    "#  sms:\n"
    "#    type: taqnyat                    # unifonic, msegat, twilio; http for any other\n"
    "#    base_url: https://api.taqnyat.sa\n"
    "#    sender: BOOKINGS                 # as registered with the provider\n"
    "#    token: {file: sms-token}\n"
    "#  moyasar:\n"
    "#    type: moyasar\n"
    "#    base_url: https://api.moyasar.com\n"
    "#    secret_key: {file: moyasar-key}\n"
    "#    webhook_secret: {file: moyasar-webhook}\n"
    "\n"
    "otp:\n"
    "  #provider: sms\n"
    "  secret: {file: otp-secret}\n"
    "\n"
    "#notifications: {provider: sms}\n"
    "#payments: {provider: moyasar, return_origins: [\"https://book.example.com\"]}\n";

/* The service's account, when there is one and we may give files to it. */
static const struct passwd *init_files_account(void)
{
    // cppcheck-suppress getpwnamCalled ; single-threaded
    return geteuid() == 0 ? getpwnam(ACCOUNT) : NULL;
}

/* Written whole, or not there: half a secret would be kept by the next run. */
static bool init_files_write(int fd, const char *text, size_t n)
{
    size_t at = 0;
    while (at < n) {
        ssize_t w = write(fd, text + at, n - at);
        if (w < 0 && errno != EINTR)
            return false;
        at += w > 0 ? (size_t)w : 0;
    }
    /* The database gets the password next: after a power failure the file must still have it. */
    return fsync(fd) == 0;
}

/* Secrets belong to the service's account and are 0600; the configuration is root's, readable by
 * the account's group. */
static bool init_files_give(int fd, enum init_reader reader)
{
    const struct passwd *p = reader == INIT_FOR_ROOT ? NULL : init_files_account();
    if (!p)
        return true;
    return reader == INIT_FOR_SERVICE ? fchown(fd, p->pw_uid, p->pw_gid) == 0
                                      : fchown(fd, 0, p->pw_gid) == 0 && fchmod(fd, 0640) == 0;
}

enum init_file init_file_make(const char *path, enum init_reader reader, const char *text)
{
    /* O_EXCL decides in one step whether it is there. Narrow from the start: rights that are taken
     * away later leave a moment in which anybody can open the file. */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST)
        return INIT_FILE_THERE;
    bool good = fd >= 0 && init_files_write(fd, text, strlen(text)) && init_files_give(fd, reader);
    int error = errno;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (good)
        return INIT_FILE_MADE;
    if (fd >= 0)
        (void)unlink(path);
    cli_error("cannot write %s: %s", path, strerror(error));
    return INIT_FILE_FAILED;
}

/* In hex, so that it needs no escaping in a URL, and wiped where it is not needed any more. */
const char *init_secret(struct arena *a)
{
    unsigned char bytes[SECRET_BYTES];
    char *text = arena_alloc(a, 2 * sizeof(bytes) + 1);
    rng_bytes(bytes, sizeof(bytes));
    digest_hex(bytes, sizeof(bytes), text);
    digest_wipe(bytes, sizeof(bytes));
    return text;
}

/* Made by tmpfiles.d when systemd is there; by hand it may be missing. */
bool init_directory(const char *dir)
{
    const struct passwd *p = init_files_account();
    if (mkdir(dir, 0750) != 0)
        return errno == EEXIST;
    return !p || chown(dir, 0, p->pw_gid) == 0;
}

const char *init_configuration_text(void)
{
    return init_configuration;
}
