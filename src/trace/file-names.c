/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/file-names.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define SUFFIX ".trace"
/* Microseconds since 1970 have 16 digits until the year 2286. */
#define DIGITS 16

int trace_file_name_format(const char *name, uint64_t usec, char *ret, size_t size) {
        int n = snprintf(ret, size, "%s-%0*" PRIu64 SUFFIX, name, DIGITS, usec);
        return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static bool parse(const char *file, const char *name, uint64_t *ret) {
        size_t n = strlen(name);

        if (strncmp(file, name, n) != 0 || file[n] != '-' || !text_has_suffix(file, SUFFIX))
                return false;
        const char *digits = file + n + 1;
        size_t n_digits = strlen(digits) - strlen(SUFFIX);
        return n_digits >= DIGITS && text_parse_u64_n(digits, n_digits, ret) == 0;
}

static int by_time(const void *a, const void *b) {
        uint64_t x = ((const TraceFileName *)a)->usec, y = ((const TraceFileName *)b)->usec;
        return x < y ? -1 : x > y;
}

static int add(TraceFileName **names, size_t *n, TraceFileName name) {
        if ((*n & (*n - 1)) == 0) { /* 0, 1, 2, 4 ... are full */
                TraceFileName *more = realloc(*names, (*n ? *n * 2 : 1) * sizeof(**names));
                if (!more)
                        return -ENOMEM;
                *names = more;
        }
        (*names)[(*n)++] = name;
        return 0;
}

int trace_file_names(int dir_fd, const char *name, TraceFileName **ret, size_t *ret_n) {
        _cleanup_free_ TraceFileName *names = NULL;
        size_t n = 0;
        struct stat st;
        int r = 0;

        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        DIR *d = fdopendir(fd);
        if (!d) {
                r = -errno;
                (void)fd_close(fd);
                return r;
        }
        for (struct dirent *e; r == 0 && (e = readdir(d));) {
                TraceFileName file = { 0 };
                if (!parse(e->d_name, name, &file.usec) || fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                    !S_ISREG(st.st_mode))
                        continue;
                file.bytes = (uint64_t)st.st_size;
                r = add(&names, &n, file);
        }
        (void)closedir(d);
        if (r < 0)
                return r;
        if (n > 0)
                qsort(names, n, sizeof(*names), by_time);
        *ret = TAKE_PTR(names);
        *ret_n = n;
        return 0;
}

int trace_file_names_cap(int dir_fd, const char *name, uint64_t bytes, uint64_t *ret_newest) {
        _cleanup_free_ TraceFileName *names = NULL;
        char file[TRACE_FILE_NAME_MAX];
        uint64_t sum = 0;
        size_t n;

        int r = trace_file_names(dir_fd, name, &names, &n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                sum = u64_add_sat(sum, names[i].bytes);
        for (size_t i = 0; i < n && sum > bytes; i++) {
                r = trace_file_name_format(name, names[i].usec, file, sizeof(file));
                if (r < 0)
                        return r;
                if (unlinkat(dir_fd, file, 0) < 0 && errno != ENOENT)
                        return -errno;
                sum -= names[i].bytes;
        }
        *ret_newest = n > 0 ? names[n - 1].usec : 0;
        return 0;
}
