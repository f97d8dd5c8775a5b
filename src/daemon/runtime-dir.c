/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/runtime-dir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/text.h"

#define DEFAULT_PATH "/run/headroom"

static int find_path(char *path, size_t size) {
        const char *env = getenv("RUNTIME_DIRECTORY");
        TextBuf b = { .data = path, .size = size };

        text_append(&b, "");
        if (env && env[0] == '/')
                text_append_n(&b, env, strcspn(env, ":"));
        else
                text_append(&b, DEFAULT_PATH);
        return b.truncated ? -ENAMETOOLONG : 0;
}

int runtime_dir_acquire(RuntimeDir *d) {
        char lock[RUNTIME_PATH_MAX + 8];
        RuntimeDir new = RUNTIME_DIR_NULL;
        TextBuf b = TEXT_BUF(lock);

        int r = find_path(new.path, sizeof(new.path));
        if (r < 0)
                return r;
        if (mkdir(new.path, 0755) < 0 && errno != EEXIST)
                return -errno;
        text_append(&b, new.path);
        text_append(&b, "/.lock");
        _cleanup_close_ int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        new.lock_fd = TAKE_FD(fd);
        *d = new;
        return 0;
}

void runtime_dir_release(RuntimeDir *d) {
        d->lock_fd = fd_close(d->lock_fd);
}
