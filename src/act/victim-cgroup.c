/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A cgroup as a victim.
 *
 * Identity is the directory's inode number, never the path: a service that was restarted stands under the
 * same path in another cgroup, and must not pay for its predecessor. The directory is held open from the
 * check to the last signal; when the cgroup is removed meanwhile, every operation on it fails with ENODEV.
 *
 * No system call turns a cgroup into pidfds, so members are signalled like this: read a stretch of
 * cgroup.procs, open a pidfd for each pid, read cgroup.procs again, and signal through the pidfd those that
 * are still listed. A pidfd that can still be signalled has owned its pid all the time since it was opened,
 * so the second list is about this very process and no pid of a stranger is ever hit. This needs no path
 * comparison and so works in any cgroup namespace.
 *
 * Everything is bounded: depth, number of cgroups, passes. What lies beyond is left to the next Decision.
 */

#include "act/victim-cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "act/victim-process.h"
#include "base/fd.h"
#include "base/text.h"

/* systemd needs four levels for a user's service, Kubernetes six; kernel default limit is far beyond. */
#define SUBTREE_DEPTH_MAX 16
/* A pod with a cgroup per request was seen with some hundred. */
#define SUBTREE_CGROUPS_MAX 4096
#define PIDS_PER_BATCH      64
/* A member that forks between our list and our signal is caught by the next pass; killed ones fork no more. */
#define KILL_PASSES 4

/* ---- opening ---- */

/* True for names that may stand between slashes: "..", "." and "" would leave or blur the subtree. */
static bool name_is_safe(const char *s, size_t n) {
        return n > 0 && n <= NAME_MAX && !(n == 1 && s[0] == '.') && !(n == 2 && s[0] == '.' && s[1] == '.');
}

static bool path_is_safe(const char *path, size_t n) {
        for (size_t at = 0; at <= n;) {
                const char *slash = memchr(path + at, '/', n - at);
                size_t end = slash ? (size_t)(slash - path) : n;
                if (!name_is_safe(path + at, end - at))
                        return false;
                at = end + 1;
        }
        return true;
}

int victim_cgroup_open_below(int base_fd, const char *path, size_t n) {
        char copy[CGROUP_PATH_MAX];

        if (n >= sizeof(copy))
                return -ENAMETOOLONG;
        if (!path_is_safe(path, n))
                return -EINVAL;
        memcpy(copy, path, n);
        copy[n] = '\0';
        int fd = openat(base_fd, copy, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/**
 * victim_cgroup_open() - the cgroup that the Decision means, or none
 * @path: from the cgroup2 mount, with or without the leading slash; the root is refused
 * @id:   its inode number when it was sensed; 0 is refused
 *
 * Return: a descriptor; -ESRCH if it is gone; -ESTALE if another cgroup stands there now, or what stands
 *         there is not of the cgroup2 mount; -EINVAL for a path that no kernel would give.
 */
int victim_cgroup_open(const ActHost *host, const char *path, uint64_t id) {
        struct stat st, root;

        if (host->cgroup_fd < 0)
                return -EOPNOTSUPP;
        while (*path == '/')
                path++;
        if (id == 0)
                return -EINVAL;
        _cleanup_close_ int fd = victim_cgroup_open_below(host->cgroup_fd, path, strlen(path));
        if (fd < 0)
                return fd == -ENOENT || fd == -ENODEV ? -ESRCH : fd;
        if (fstat(fd, &st) < 0 || fstat(host->cgroup_fd, &root) < 0)
                return -errno;
        if (st.st_dev != root.st_dev || st.st_ino != id)
                return -ESTALE;
        return TAKE_FD(fd);
}

/* ---- walking the subtree ---- */

typedef int (*VisitDir)(void *userdata, int dir_fd);

typedef struct Walk {
        VisitDir visit;
        void *userdata;
        uint32_t n_cgroups;
} Walk;

/* getdents64() and not readdir(): opendir() allocates. */
static int walk_dir(Walk *w, int dir_fd, unsigned depth) {
        char buf[2048] __attribute__((aligned(8)));

        if (++w->n_cgroups > SUBTREE_CGROUPS_MAX || depth > SUBTREE_DEPTH_MAX)
                return -E2BIG;
        int r = w->visit(w->userdata, dir_fd);
        if (r < 0)
                return r;
        if (lseek(dir_fd, 0, SEEK_SET) < 0)
                return -errno;
        for (;;) {
                ssize_t n = getdents64(dir_fd, buf, sizeof(buf));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const struct dirent64 *)(buf + at);
                        at += d->d_reclen;
                        if (d->d_type != DT_DIR || !name_is_safe(d->d_name, strlen(d->d_name)))
                                continue;
                        _cleanup_close_ int fd = openat(dir_fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        if (fd < 0)
                                continue; /* gone meanwhile */
                        r = walk_dir(w, fd, depth + 1);
                        if (r < 0 && r != -ENODEV && r != -ENOENT)
                                return r;
                }
        }
}

/* A cursor over the pids of one cgroup.procs file. */
typedef struct PidReader {
        int fd;
        char buf[1024];
        size_t len, at;
        bool eof;
} PidReader;

/* Next pid > 0. 1: one; 0: end. A pid 0 is a process outside of our pid namespace: it has no name here. */
static int pid_reader_next(PidReader *p, int32_t *ret) {
        for (;;) {
                char *nl = memchr(p->buf + p->at, '\n', p->len - p->at);
                if (nl) {
                        uint64_t v;
                        int r = text_parse_u64_n(p->buf + p->at, (size_t)(nl - p->buf) - p->at, &v);
                        p->at = (size_t)(nl - p->buf) + 1;
                        if (r < 0 || v > INT32_MAX)
                                return -EBADMSG;
                        if (v == 0)
                                continue;
                        *ret = (int32_t)v;
                        return 1;
                }
                if (p->eof)
                        return 0;
                memmove(p->buf, p->buf + p->at, p->len - p->at);
                p->len -= p->at;
                p->at = 0;
                if (p->len == sizeof(p->buf))
                        return -EBADMSG;
                ssize_t n = read(p->fd, p->buf + p->len, sizeof(p->buf) - p->len);
                if (n < 0)
                        return -errno;
                p->eof = n == 0;
                p->len += (size_t)n;
        }
}

/* 1 and an open reader; 0 where the processes are listed further up (a threaded cgroup) or the cgroup is gone. */
static int pid_reader_open(PidReader *p, int dir_fd) {
        *p = (PidReader){ .fd = fd_open_at(dir_fd, "cgroup.procs") };
        if (p->fd == -ENOENT || p->fd == -ENODEV || p->fd == -EOPNOTSUPP)
                return 0;
        return p->fd < 0 ? p->fd : 1;
}

static int procs_end(int r) {
        return r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
}

/* ---- survey ---- */

typedef struct SurveyState {
        const ActHost *host;
        ActSurvey survey;
} SurveyState;

static int survey_visit(void *userdata, int dir_fd) {
        SurveyState *s = userdata;
        PidReader reader;
        int32_t pid;

        int r = pid_reader_open(&reader, dir_fd);
        if (r <= 0)
                return r;
        while ((r = pid_reader_next(&reader, &pid)) > 0) {
                s->survey.n_processes++;
                if (victim_process_is_protected(s->host->root_fd, pid))
                        s->survey.n_protected++;
        }
        reader.fd = fd_close(reader.fd);
        return procs_end(r);
}

/**
 * victim_cgroup_survey() - who stands in the subtree, and who of them must not be killed
 *
 * Return: 0; -ESRCH if the cgroup is gone; -E2BIG if the subtree has too many cgroups to look at all of
 *         them (then it must not be killed as one); other negative errno.
 */
int victim_cgroup_survey(const ActHost *host, int cgroup_fd, ActSurvey *ret) {
        SurveyState s = { .host = host };
        Walk w = { .visit = survey_visit, .userdata = &s };

        int r = walk_dir(&w, cgroup_fd, 0);
        if (r == -ENODEV || r == -ENOENT)
                return -ESRCH;
        if (r < 0)
                return r;
        *ret = s.survey;
        return 0;
}

/* ---- signalling one by one ---- */

typedef struct Batch {
        uint32_t n;
        int32_t pid[PIDS_PER_BATCH];
        int fd[PIDS_PER_BATCH];
        bool confirmed[PIDS_PER_BATCH];
} Batch;

typedef struct SignalState {
        const ActHost *host;
        int signo;
        bool keep, first_pass;
        uint32_t n_fresh; /* signalled in this pass and not seen in an earlier one */
        int32_t kept_pid[GROUP_MEMBERS_MAX];
        ActSignalled *ret;
} SignalState;

static bool already_kept(const SignalState *s, int32_t pid) {
        for (uint32_t i = 0; i < s->ret->n_pidfds; i++)
                if (s->kept_pid[i] == pid)
                        return true;
        return false;
}

static int batch_confirm(Batch *b, int dir_fd) {
        PidReader reader;
        int32_t pid;
        int r = pid_reader_open(&reader, dir_fd);
        if (r <= 0)
                return r;
        while ((r = pid_reader_next(&reader, &pid)) > 0)
                for (uint32_t i = 0; i < b->n; i++)
                        if (b->pid[i] == pid)
                                b->confirmed[i] = true;
        reader.fd = fd_close(reader.fd);
        return procs_end(r);
}

static void batch_signal(SignalState *s, Batch *b) {
        for (uint32_t i = 0; i < b->n; i++) {
                _cleanup_close_ int fd = TAKE_FD(b->fd[i]);
                if (!b->confirmed[i])
                        continue;
                if (victim_process_is_protected(s->host->root_fd, b->pid[i])) {
                        s->ret->n_refused += s->first_pass;
                        continue;
                }
                if (pidfd_send_signal(fd, s->signo, NULL, 0) < 0) {
                        if (errno != ESRCH)
                                s->ret->n_refused += s->first_pass;
                        continue;
                }
                if (already_kept(s, b->pid[i]))
                        continue;
                s->n_fresh++;
                s->ret->n_signalled++;
                if (s->keep && s->ret->n_pidfds < GROUP_MEMBERS_MAX) {
                        s->kept_pid[s->ret->n_pidfds] = b->pid[i];
                        s->ret->pidfds[s->ret->n_pidfds++] = TAKE_FD(fd);
                }
        }
        b->n = 0;
}

static int batch_flush(SignalState *s, Batch *b, int dir_fd) {
        if (b->n == 0)
                return 0;
        int r = batch_confirm(b, dir_fd);
        batch_signal(s, b);
        return r;
}

static int signal_visit(void *userdata, int dir_fd) {
        SignalState *s = userdata;
        PidReader reader;
        Batch batch = {};
        int32_t pid;

        int r = pid_reader_open(&reader, dir_fd);
        if (r <= 0)
                return r;
        while ((r = pid_reader_next(&reader, &pid)) > 0) {
                int fd = pidfd_open(pid, 0);
                if (fd < 0)
                        continue;
                batch.pid[batch.n] = pid;
                batch.confirmed[batch.n] = false;
                batch.fd[batch.n++] = fd;
                if (batch.n == PIDS_PER_BATCH && (r = batch_flush(s, &batch, dir_fd)) < 0)
                        break;
        }
        reader.fd = fd_close(reader.fd);
        int q = batch_flush(s, &batch, dir_fd);
        return r < 0 ? procs_end(r) : q;
}

/**
 * victim_cgroup_signal() - signal every member of the subtree that may be signalled
 * @signo: SIGKILL passes several times, to catch what was forked meanwhile; others once
 * @keep:  hand back pidfds of those signalled, up to GROUP_MEMBERS_MAX; the caller closes them
 * @ret:   always filled
 *
 * Return: 0 if at least one was signalled; -ESRCH if nobody was there; -EPERM if all refused.
 */
int victim_cgroup_signal(const ActHost *host, int cgroup_fd, int signo, bool keep, ActSignalled *ret) {
        SignalState s = { .host = host, .signo = signo, .keep = keep, .ret = ret };
        int r = 0;

        *ret = (ActSignalled){};
        for (unsigned pass = 0; pass < (signo == SIGKILL ? KILL_PASSES : 1); pass++) {
                Walk w = { .visit = signal_visit, .userdata = &s };
                uint32_t n_before = ret->n_signalled;
                s.n_fresh = 0;
                s.first_pass = pass == 0;
                r = walk_dir(&w, cgroup_fd, 0);
                if (r < 0 || s.n_fresh == 0)
                        break;
                /* Without kept pidfds a later pass cannot tell who is new: only the first one counts. */
                if (!keep && pass > 0)
                        ret->n_signalled = n_before;
        }
        if (ret->n_signalled > 0)
                return 0;
        if (ret->n_refused > 0)
                return -EPERM;
        return r < 0 && r != -ENODEV && r != -ENOENT ? r : -ESRCH;
}

/* ---- the whole at once, and its end ---- */

/**
 * victim_cgroup_kill() - SIGKILL to the whole subtree in one go, safe against forks and migration
 *
 * Ignores oom_score_adj -1000: survey first. Asynchronous: wait for populated 0.
 * Return: 0; -ENOENT on kernels without it; -EOPNOTSUPP for a threaded cgroup; other negative errno.
 * Source: Documentation/admin-guide/cgroup-v2.rst (Linux 5.14).
 */
int victim_cgroup_kill(int cgroup_fd) {
        return fd_write_text_at(cgroup_fd, "cgroup.kill", "1");
}

int victim_cgroup_events_open(int cgroup_fd) {
        int fd = fd_open_at(cgroup_fd, "cgroup.events");
        return fd == -ENOENT || fd == -ENODEV ? -ESRCH : fd;
}

/**
 * victim_cgroup_populated() - is any process left in the subtree
 * @events_fd: cgroup.events; reading it re-arms its POLLPRI
 *
 * Return: 1, 0; -ENODEV if the cgroup was removed; -EBADMSG; other negative errno.
 * Source: Documentation/admin-guide/cgroup-v2.rst (Linux 4.5).
 */
int victim_cgroup_populated(int events_fd) {
        char buf[256];
        int r = fd_pread_text(events_fd, buf, sizeof(buf));
        if (r < 0)
                return r;

        const char *p = buf, *line;
        size_t n;
        while ((line = text_next_line(&p, &n)))
                if (text_has_prefix(line, "populated ") && n == strlen("populated 0"))
                        return line[n - 1] == '1' ? 1 : line[n - 1] == '0' ? 0 : -EBADMSG;
        return -EBADMSG;
}
