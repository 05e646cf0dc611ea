/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Stands in for libFuzzer where there is none: gives a target every file of its corpus, whole and
 * cut off at up to CUTS_MAX places, so that `make check` repeats what the fuzzer once found. The
 * corpus of replay_NAME is tests/fuzz/corpus/fuzz_NAME below $srcdir, or the directory given.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 65536
#define CUTS_MAX 64

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
    for (size_t n = 0; n < size; n += size / CUTS_MAX + 1)
        replay_input(data, n);
    replay_input(data, size);
    return 0;
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

int main(int argc, char **argv)
{
    const char *name = strstr(argv[0], "replay_");
    const char *srcdir = getenv("srcdir");
    char path[2048];
    int n;

    if (argc > 1)
        snprintf(path, sizeof(path), "%s", argv[1]);
    else
        snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/fuzz_%s", srcdir ? srcdir : ".",
                 name ? name + strlen("replay_") : "");
    n = replay_directory(path);
    printf("%s: %d files\n", path, n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
