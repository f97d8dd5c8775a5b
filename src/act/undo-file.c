/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The file of the undo journal. It lies on tmpfs: a write takes microseconds and is safe from everything but a
 * reboot, after which it means nothing; the boot id in the header says so where the directory was kept.
 *
 * Lines are appended with one write(2) each. A line that could not be written whole is cut again; where even that
 * fails, or where somebody has cut or removed the file, it is written anew before the next line: first beside,
 * then renamed over the old one, so that there is a whole one at any time.
 */

#include "act/undo-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"

#define FILE_NAME "undo"
#define FILE_BAD  "undo.bad"
#define FILE_NEW  "undo.new"

/* Written anew beyond this, or beyond twice of what was left the last time: all entries take 12 MiB at most. */
#define COMPACT_BYTES (UINT64_C(256) * 1024)
/* A file that is longer is not ours. */
#define FILE_BYTES_MAX (UINT64_C(64) * 1024 * 1024)

/* ---- writing ---- */

static int write_all(int fd, const char *text, size_t n) {
        ssize_t w = write(fd, text, n);
        return w < 0 ? -errno : (size_t)w == n ? 0 : -ENOSPC;
}

static int write_line(int fd, const UndoLine *l, uint64_t *size) {
        char buf[UNDO_LINE_MAX];

        int n = undo_line_format(l, buf, sizeof(buf));
        if (n < 0)
                return n;
        int r = write_all(fd, buf, (size_t)n);
        if (r >= 0)
                *size += (uint64_t)n;
        return r;
}

static int write_entry(int fd, uint64_t serial, const UndoEntry *e, uint64_t *size) {
        UndoLine l = { .verb = UNDO_VERB_BEGIN, .serial = serial, .entry = *e };

        if (e->before_new[0] == '\0')
                return write_line(fd, &l, size);
        (void)strcpy(l.entry.new_value, e->before_new);
        int r = write_line(fd, &l, size);
        if (r < 0)
                return r;
        l.verb = UNDO_VERB_UPDATE;
        (void)strcpy(l.entry.new_value, e->new_value);
        return write_line(fd, &l, size);
}

/* @next: NULL where nothing is open. */
static int write_anew(UndoFile *f, UndoFileNext next, void *userdata) {
        uint64_t size = (uint64_t)f->header_len, serial = 0;
        const UndoEntry *e;
        uint32_t at = 0;

        (void)unlinkat(f->dir_fd, FILE_NEW, 0);
        _cleanup_close_ int fd = openat(f->dir_fd, FILE_NEW,
                                        O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        int r = write_all(fd, f->header, (size_t)f->header_len);
        while (r >= 0 && next && (e = next(userdata, &at, &serial)))
                r = write_entry(fd, serial, e, &size);
        if (r >= 0 && renameat(f->dir_fd, FILE_NEW, f->dir_fd, FILE_NAME) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(f->dir_fd, FILE_NEW, 0);
                return r;
        }
        (void)fd_close(f->fd);
        f->fd = TAKE_FD(fd);
        f->size = size;
        f->compact_at = MAX(COMPACT_BYTES, 2 * size);
        f->is_behind = false;
        return 0;
}

static bool has_size(int fd, uint64_t size) {
        struct stat st;
        return fstat(fd, &st) == 0 && st.st_nlink > 0 && st.st_size == (off_t)size;
}

/**
 * undo_file_append() - one more line
 * @next, @userdata: what is open, in case all of it must be written anew: of a begin or an update before it, of an
 *                   end after it
 *
 * Return: 0; negative errno: the line is not there.
 */
int undo_file_append(UndoFile *f, const UndoLine *l, UndoFileNext next, void *userdata) {
        if (f->fd < 0)
                return 0;
        if (!has_size(f->fd, f->size))
                f->is_behind = true;
        if (f->is_behind || f->size >= f->compact_at) {
                int r = write_anew(f, next, userdata);
                if (r < 0 && (f->is_behind || f->size >= FILE_BYTES_MAX / 2))
                        return r;
                if (r >= 0 && l->verb == UNDO_VERB_END) /* it is not open any more, so it is not in there */
                        return 0;
        }
        uint64_t size = f->size;
        int r = write_line(f->fd, l, &size);
        if (r >= 0)
                f->size = size;
        else if (ftruncate(f->fd, (off_t)f->size) < 0)
                /* Half a line stands there, and the next one would be glued to it. */
                f->is_behind = true;
        return r;
}

int undo_file_empty(UndoFile *f) {
        if (f->fd < 0)
                return 0;
        /* Cutting needs no memory, and so works where nothing can be written any more. */
        if (ftruncate(f->fd, f->header_len) < 0 || !has_size(f->fd, (uint64_t)f->header_len) || f->is_behind)
                return write_anew(f, NULL, NULL);
        f->size = (uint64_t)f->header_len;
        f->compact_at = COMPACT_BYTES;
        return 0;
}

/* ---- loading ---- */

typedef struct Reader {
        int fd;
        uint64_t offset; /* of @buf in the file */
        size_t len, at;
        char buf[4 * UNDO_LINE_MAX];
} Reader;

/* 1: a line; 0: the end, *ret_n bytes of an unfinished line are left; -EBADMSG: a line that is too long. */
static int reader_next(Reader *r, const char **ret, size_t *ret_n) {
        for (;;) {
                char *line = r->buf + r->at, *end = memchr(line, '\n', r->len - r->at);
                if (end) {
                        *ret = line;
                        *ret_n = (size_t)(end - line);
                        r->at += *ret_n + 1;
                        return 1;
                }
                if (r->len - r->at >= UNDO_LINE_MAX)
                        return -EBADMSG;
                memmove(r->buf, line, r->len - r->at);
                r->offset += r->at;
                r->len -= r->at;
                r->at = 0;
                ssize_t n = pread(r->fd, r->buf + r->len, sizeof(r->buf) - r->len, (off_t)(r->offset + r->len));
                if (n < 0)
                        return -errno;
                if (n == 0) {
                        *ret_n = r->len;
                        return 0;
                }
                r->len += (size_t)n;
        }
}

/* 0: *ret_size is where the last whole line ends, 0 for a file that is void. -EBADMSG; other negative errno. */
static int read_lines(const UndoFile *f, UndoFileLine line, void *userdata, uint64_t *ret_size) {
        Reader reader = { .fd = f->fd };
        char boot_id[UNDO_BOOT_ID_MAX];
        const char *text;
        UndoLine l;
        size_t n;

        int r = reader_next(&reader, &text, &n);
        if (r > 0 && undo_header_parse(text, n, boot_id) < 0)
                return -EBADMSG;
        /* Nothing was begun before the header was whole; and with the kernel all that was changed has gone. */
        if (r == 0 || (r > 0 && (n + 1 != (size_t)f->header_len || memcmp(text, f->header, n) != 0))) {
                *ret_size = 0;
                return 0;
        }
        while (r > 0) {
                r = reader_next(&reader, &text, &n);
                if (r > 0 && (undo_line_parse(text, n, &l) < 0 || line(userdata, &l) < 0))
                        return -EBADMSG;
        }
        if (r < 0)
                return r;
        *ret_size = reader.offset + reader.at;
        return 0;
}

static int load(UndoFile *f, UndoFileLine line, void *userdata) {
        struct stat st;

        if (fstat(f->fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_BYTES_MAX)
                return -EBADMSG;
        int r = read_lines(f, line, userdata, &f->size);
        if (r < 0)
                return r;
        if (f->size < (uint64_t)st.st_size && ftruncate(f->fd, (off_t)f->size) < 0)
                return -errno;
        if (f->size == 0) {
                r = write_all(f->fd, f->header, (size_t)f->header_len);
                if (r < 0)
                        return r;
                f->size = (uint64_t)f->header_len;
        }
        f->compact_at = MAX(COMPACT_BYTES, 2 * f->size);
        return 0;
}

static int make_header(UndoFile *f) {
        char boot_id[UNDO_BOOT_ID_MAX];

        /* Of the kernel that runs, wherever our root is: an absolute path on purpose. */
        int n = fd_read_text_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
        if (n < 0)
                return n;
        boot_id[strcspn(boot_id, "\n")] = '\0';
        f->header_len = undo_header_format(boot_id, f->header, sizeof(f->header));
        return MIN(f->header_len, 0);
}

/**
 * undo_file_open() - the journal in @dir_fd, made if there is none
 * @dir_fd: borrowed; a descriptor of our own is kept
 * @line:   called for each line, in their order
 *
 * A torn last line is cut. A file of another boot is emptied.
 *
 * Return: 0; 1 if what was there is no journal of ours and was set aside as "undo.bad": then @line may have been
 *         called for some lines, which do not count; negative errno where no file can be had.
 */
int undo_file_open(UndoFile *f, int dir_fd, UndoFileLine line, void *userdata) {
        _cleanup_(undo_file_close) UndoFile new = UNDO_FILE_NULL;

        int r = make_header(&new);
        if (r < 0)
                return r;
        new.dir_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (new.dir_fd < 0)
                return -errno;
        /* O_NONBLOCK: must not wait for the other end of a FIFO. */
        new.fd = openat(new.dir_fd, FILE_NAME,
                        O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
        r = new.fd < 0 ? -errno : load(&new, line, userdata);
        bool is_bad = r == -EBADMSG || r == -ELOOP || r == -EISDIR || r == -ENXIO || r == -ENODEV;
        if (is_bad) {
                if (renameat(new.dir_fd, FILE_NAME, new.dir_fd, FILE_BAD) < 0)
                        return -errno;
                r = write_anew(&new, NULL, NULL);
        }
        if (r < 0)
                return r;
        *f = new;
        new = UNDO_FILE_NULL;
        return is_bad;
}

void undo_file_close(UndoFile *f) {
        f->fd = fd_close(f->fd);
        f->dir_fd = fd_close(f->dir_fd);
}
