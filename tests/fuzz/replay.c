/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Stands in for libFuzzer where there is none: gives a target every input of its corpus, whole and
 * cut off at up to CUTS_MAX places, so that `make check` repeats what the fuzzer once found. The
 * inputs of replay_NAME are the members of the archive tests/fuzz/corpus/fuzz_NAME.tar and the
 * files in tests/fuzz/regressions/fuzz_NAME, both below $srcdir; or the archives and directories
 * given.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 65536 /* longer inputs are cut off: no parser takes more */
#define CUTS_MAX 64    /* enough to end in each part of a request, few enough for make check */

/* An archive as POSIX ustar has it: blocks of 512 bytes, a header before the blocks of each file.
 */
#define TAR_BLOCK 512
#define TAR_SIZE_AT 124 /* octal digits */
#define TAR_TYPE_AT 156 /* '0' for a file */

/* In a block that ends where the input does, so that a sanitizer or valgrind sees a step beyond. */
static void replay_input(const uint8_t *data, size_t size)
{
    uint8_t *block = malloc(size > 0 ? size : 1);

    if (!block)
        abort();
    memcpy(block, data, size);
    LLVMFuzzerTestOneInput(block, size);
    free(block);
}

static void replay_with_cuts(const uint8_t *data, size_t size)
{
    for (size_t n = 0; n < size; n += size / CUTS_MAX + 1)
        replay_input(data, n);
    replay_input(data, size);
}

static int replay_file(const char *path)
{
    static uint8_t data[FILE_MAX];
    FILE *f = fopen(path, "rb");
    size_t size;

    if (!f) {
        perror(path);
        return -1;
    }
    size = fread(data, 1, sizeof(data), f);
    fclose(f);
    replay_with_cuts(data, size);
    return 0;
}

/* Number of files in the archive; -1 when it cannot be read to its end, a block of zeroes. */
static int replay_archive(const char *path)
{
    static uint8_t data[FILE_MAX];
    char head[TAR_BLOCK];
    FILE *f = fopen(path, "rb");
    int n = 0;

    if (!f) {
        perror(path);
        return -1;
    }
    while (fread(head, sizeof(head), 1, f) == 1) {
        size_t size = strtoul(head + TAR_SIZE_AT, NULL, 8);
        size_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;

        if (head[0] == '\0') {
            fclose(f);
            return n;
        }
        if (padded > sizeof(data) || fread(data, 1, padded, f) != padded)
            break;
        if (head[TAR_TYPE_AT] != '0')
            continue;
        replay_with_cuts(data, size);
        n++;
    }
    fprintf(stderr, "%s: no archive, or a broken one\n", path);
    fclose(f);
    return -1;
}

/* Number of files; -1 when one cannot be read. */
static int replay_directory(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    char file[4096];
    int n = 0;

    if (!d) {
        perror(path);
        return -1;
    }
    while (n >= 0 && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        n = replay_file(file) < 0 ? -1 : n + 1;
    }
    closedir(d);
    return n;
}

static int replay_path(const char *path)
{
    struct stat st;
    int n;

    if (stat(path, &st) < 0) {
        perror(path);
        return -1;
    }
    n = S_ISDIR(st.st_mode) ? replay_directory(path) : replay_archive(path);
    printf("%s: %d inputs\n", path, n);
    return n;
}

/* The named target's archive, and its directory where there is one. */
static bool replay_target(const char *top, const char *name)
{
    char path[4096];
    bool good;

    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/fuzz_%s.tar", top, name);
    good = replay_path(path) > 0;
    snprintf(path, sizeof(path), "%s/tests/fuzz/regressions/fuzz_%s", top, name);
    return (access(path, F_OK) < 0 || replay_path(path) > 0) && good;
}

int main(int argc, char **argv)
{
    const char *name = strstr(argv[0], "replay_");
    const char *srcdir = getenv("srcdir");
    bool good = true;

    if (argc == 1)
        good = replay_target(srcdir ? srcdir : ".", name ? name + strlen("replay_") : "");
    for (int i = 1; i < argc; i++)
        good = replay_path(argv[i]) > 0 && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
