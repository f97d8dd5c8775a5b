/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over the files given, or over those in the folders given: the corpora as plain
 * tests, with any compiler. An input that once crashed a target is added to its corpus and stays.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int dir_fd, const char *name) {
        struct stat st;

        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        /* no more than the file has: a sanitizer sees a read behind it */
        _cleanup_free_ uint8_t *data = malloc((size_t)st.st_size + (st.st_size == 0));
        if (!data)
                return -ENOMEM;
        ssize_t n = read(fd, data, (size_t)st.st_size);
        if (n != st.st_size)
                return n < 0 ? -errno : -EIO;
        return LLVMFuzzerTestOneInput(data, (size_t)n) == 0 ? 1 : -EINVAL;
}

/* Returns how many inputs were run, or negative errno. */
static int replay(const char *path) {
        DIR *d = opendir(path);
        int n = 0;

        if (!d)
                return errno == ENOTDIR ? replay_file(AT_FDCWD, path) : -errno;
        for (struct dirent *e; n >= 0 && (e = readdir(d));) {
                if (e->d_name[0] == '.')
                        continue;
                int r = replay_file(dirfd(d), e->d_name);
                n = r < 0 ? r : n + r;
        }
        (void)closedir(d);
        return n;
}

int main(int argc, char **argv) {
        int total = 0;

        for (int i = 1; i < argc; i++) {
                int r = replay(argv[i]);
                if (r < 0) {
                        fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
                        return 1;
                }
                total += r;
        }
        printf("%d inputs\n", total);
        return total > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
