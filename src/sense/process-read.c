/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything is read below one directory fd of the process: once that is open, a pid that is reused
 * meanwhile gives ESRCH and never another process's numbers.
 *
 * Not read, ever: maps, smaps, environ, mem. They pin or walk the address space under mmap_lock. exe and
 * cmdline only at first sight and after an exec, and only where a rule looks at them: cmdline may have
 * to be swapped in.
 */
#include "sense/process-read.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "sense/process.h"
#include "sense/process-facts.h"
#include "sense/read.h"

/* Flags that stay with a process; the others are of the sample they were read in. */
#define LASTING_FLAGS \
        (uint32_t)(PROCESS_KTHREAD | PROCESS_INIT | PROCESS_SELF | PROCESS_HAS_TTY | PROCESS_IDENTITY | PROCESS_FORKED)
/* Threads looked at to find one with memory: the leader being dead, the next few usually are not. */
#define THREADS_MAX 64
/* Its cgroup may change, its tracer, and small amounts of swap, and nothing shows: for so long, at most twice that. */
#define KNOWN_SEC 60u
/* Rules of these kinds cannot be asked about a process whose cgroup is not known. */
#define RULES_OF_CGROUP (UINT32_C(1) << RULE_CGROUP | UINT32_C(1) << RULE_UNIT)

/* "PID/file" without printf(): this runs for every process. @buf has room. */
static void pid_path(char *buf, int32_t pid, const char *file) {
        char digits[12];
        size_t n = 0;

        for (uint32_t v = (uint32_t)pid; v > 0; v /= 10)
                digits[n++] = (char)('0' + v % 10);
        while (n > 0)
                *buf++ = digits[--n];
        (void)strcpy(buf, file);
}

static void complain(const ProcessReader *r, int32_t pid, const char *file, int error) {
        char dir[32];
        (void)snprintf(dir, sizeof(dir), "proc/%d", pid);
        complaint_raise_file(r->complaints, COMPLAINT_PROCESS_FILE, dir, file, error);
}

static void score_take(const ProcessReader *r, ProcessSample *p, const char *text) {
        int64_t v;

        /* 0 to about 2000 today */
        if (process_number_parse(text, 0, 1000000, &v) < 0) {
                complain(r, p->pid, "oom_score", -EBADMSG);
                return;
        }
        p->oom_score = (uint32_t)v;
        p->flags |= PROCESS_SCORE;
}

static void sample_begin(ProcessSample *p) {
        p->flags &= LASTING_FLAGS;
        p->oom_score = 0;
        p->rss_anon = p->rss_file = p->rss_shmem = p->swap = p->pgtables = 0;
}

/* The score file of @p, kept or opened and then kept. Returns the length of the text or negative errno. */
static int score_read(const ProcessReader *r, const ProcessSample *p, ProcessExtra *x, char *text, size_t size) {
        char path[32];

        if (x->score_fd >= 0) {
                int n = read_once(x->score_fd, text, size);
                if (n < 0)
                        process_score_fd_drop(r->table, x);
                return n;
        }
        pid_path(path, p->pid, "/oom_score");
        int fd = fd_open_at(r->proc_fd, path);
        if (fd < 0)
                return fd;
        int n = read_once(fd, text, size);
        if (n < 0)
                (void)fd_close(fd);
        else
                process_score_fd_keep(r->table, x, fd);
        return n;
}

/**
 * process_read_score() - the one tiny read per known process
 * @p: its score is set or absent; what was read in earlier samples only is cleared
 * @x: keeps the descriptor, while there is room for it
 *
 * Return: 0, also where it may not be read; READ_E_GONE, also where another process has the pid by now and
 *         the descriptor was that of the old one.
 */
int process_read_score(const ProcessReader *r, ProcessSample *p, ProcessExtra *x) {
        char text[32];

        sample_begin(p);
        int n = score_read(r, p, x, text, sizeof(text));
        if (read_is_gone(n))
                return READ_E_GONE;
        if (n >= 0)
                score_take(r, p, text);
        return 0;
}

static uint32_t mono_sec(const ProcessReader *r) {
        return (uint32_t)(r->mono_usec / USEC_PER_SEC);
}

/* Is the pid still the process that @p is about, under the same name (an exec asks the rules anew)? */
bool process_is_same(const ProcessReader *r, const ProcessSample *p) {
        char path[32];
        ProcessStat stat;

        pid_path(path, p->pid, "/stat");
        return read_once_at(r->proc_fd, path, r->scratch, r->scratch_size) >= 0 &&
               process_stat_parse(r->scratch, &stat) == 0 && stat.start_ticks == p->start_ticks &&
               strcmp(stat.comm, p->comm) == 0;
}

/* Returns false, after a complaint where that is due, if @file has nothing to offer. */
static bool file_read(const ProcessReader *r, int dir_fd, int32_t pid, const char *file) {
        int n = read_once_at(dir_fd, file, r->scratch, r->scratch_size);
        if (n >= 0)
                return true;
        /* EACCES, EPERM: hidepid or a security module; stated as a degraded mode, not per process */
        if (!read_is_gone(n) && n != -EACCES && n != -EPERM)
                complain(r, pid, file, n);
        return false;
}

static bool status_read(const ProcessReader *r, int dir_fd, int32_t pid, const char *file, ProcessStatus *ret) {
        if (!file_read(r, dir_fd, pid, file))
                return false;
        if (process_status_parse(r->scratch, ret) == 0)
                return true;
        complain(r, pid, file, -EBADMSG);
        return false;
}

/* A leader that has exited while its threads live has no sizes of its own: any thread's are the process's. */
static bool thread_status_find(const ProcessReader *r, int dir_fd, int32_t pid, ProcessStatus *ret) {
        char buf[2048] __attribute__((aligned(16)));
        unsigned looked = 0;

        _cleanup_close_ int fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return false;
        for (ssize_t n; (n = getdents64(fd, buf, sizeof(buf))) > 0;) {
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const struct dirent64 *)(buf + at);
                        char file[32];
                        ProcessStatus st;
                        uint64_t tid;
                        at += d->d_reclen;
                        if (text_parse_u64(d->d_name, &tid) < 0 || tid > INT32_MAX)
                                continue;
                        if (looked++ == THREADS_MAX)
                                return false;
                        pid_path(file, (int32_t)tid, "/status");
                        if (status_read(r, fd, pid, file, &st) && st.has_sizes) {
                                *ret = st;
                                return true;
                        }
                }
        }
        return false;
}

/* Returns false where the uid is not known. */
static bool status_take(const ProcessReader *r, int dir_fd, const ProcessStat *stat, ProcessSample *p,
                        ProcessExtra *x) {
        ProcessStatus st;
        bool is_single = stat->n_threads <= 1;

        if (!status_read(r, dir_fd, p->pid, "status", &st))
                return false;
        p->uid = st.euid;
        bool has_uid = st.has_euid;
        bool is_dying = st.is_sigkill_pending;
        if (!st.has_sizes && !is_single) {
                ProcessStatus thread;
                if (thread_status_find(r, dir_fd, p->pid, &thread)) {
                        st = thread;
                        is_dying |= thread.is_sigkill_pending;
                        x->stat_hash = 0; /* the stat of a dead leader does not tell of these sizes */
                }
        }
        /* a leader that exits alone does not take its threads with it */
        if (is_dying || st.state == 'X' || st.state == 'x' || ((stat->pf_flags & PROCESS_PF_EXITING) && is_single))
                p->flags |= PROCESS_DYING;
        if (st.tracer_pid != 0 || st.state == 't')
                p->flags |= PROCESS_TRACED;
        if (st.state == 'D')
                p->flags |= PROCESS_DSTATE;
        if (!st.has_sizes) {
                p->flags |= PROCESS_NO_MM;
                return has_uid;
        }
        p->rss_anon = u64_mul_div(st.rss_anon_kb, 1024, r->page_size);
        p->rss_file = u64_mul_div(st.rss_file_kb, 1024, r->page_size);
        p->rss_shmem = u64_mul_div(st.rss_shmem_kb, 1024, r->page_size);
        p->swap = u64_mul_div(st.swap_kb, 1024, r->page_size);
        p->pgtables = u64_mul_div(st.pgtables_kb, 1024, r->page_size);
        x->vm_size_kb = st.vm_size_kb;
        p->flags |= PROCESS_SIZES;
        return has_uid;
}

/*
 * Takes the process's cgroup. @name, of CGROUP_PATH_MAX, gets its path for the rules even where there is no room to
 * keep it: whoever makes many cgroups must not take the rules away from others.
 *
 * Returns false where it could not be read.
 */
static bool cgroup_take(const ProcessReader *r, int dir_fd, ProcessSample *p, ProcessExtra *x, char *name) {
        const char *path;
        size_t len;

        x->cgroup = NULL;
        p->cgroup_path = "";
        name[0] = '\0';
        p->cgroup_id = 0;
        int k = read_once_at(dir_fd, "cgroup", r->scratch, r->scratch_size);
        if (k >= 0)
                k = process_cgroup_parse(r->scratch, &path, &len);
        if (k < 0) {
                /* as in file_read(); ENOENT also is that of a host without cgroup2 */
                if (read_is_gone(k) || k == -EACCES || k == -EPERM)
                        return true;
                complain(r, p->pid, "cgroup", k);
                return false;
        }
        path = cgroup_tree_relative(r->tree, path, &len);
        if (len >= CGROUP_PATH_MAX)
                return true;
        memcpy(name, path, len);
        name[len] = '\0';
        x->cgroup = path_store_intern(&r->tree->paths, path, len);
        if (!x->cgroup) {
                complaint_raise(r->complaints, COMPLAINT_PATH_STORE,
                                "too many cgroup paths since the last discovery: the cgroup of some processes is not "
                                "known");
                return true;
        }
        p->cgroup_path = x->cgroup->path;
        p->cgroup_id = cgroup_tree_id_now(r->tree, p->cgroup_path);
        return true;
}

/* Returns false where something that they look at could not be read: they are to be asked later. */
static bool rules_ask(const ProcessReader *r, int dir_fd, ProcessSample *p, const char *cgroup) {
        const SenseMatchers *m = r->matchers;
        char *exe = r->scratch, *cmdline = r->scratch + CMDLINE_MAX;

        exe[0] = cmdline[0] = '\0';
        if (m->match_process && (m->rule_fields >> RULE_EXE) & 1 && process_exe_read(dir_fd, exe, CMDLINE_MAX) < 0)
                return false;
        if (m->match_process && (m->rule_fields >> RULE_CMDLINE) & 1 && process_cmdline_read(dir_fd, cmdline, CMDLINE_MAX) < 0)
                return false;
        p->rule_adjust = 0;
        p->rule = p->kernel_rule = -1;
        p->tier = TIER_NORMAL;
        p->kernel_wanted = 0;
        if (!m->match_process)
                return true;
        ProcessFacts facts = { .name = p->comm, .exe = exe, .cmdline = cmdline, .cgroup = cgroup, .uid = p->uid };
        m->match_process(m->userdata, &facts, p);
        return true;
}

/* What the pid alone says. */
static void identity_mark(const ProcessReader *r, ProcessSample *p) {
        if (p->pid == 1)
                p->flags |= PROCESS_INIT;
        if (p->pid == r->self_pid)
                p->flags |= PROCESS_SELF;
}

static void stat_take(const ProcessStat *stat, ProcessSample *p) {
        p->ppid = stat->ppid;
        p->pgid = stat->pgid;
        p->sid = stat->sid;
        p->flags &= ~(uint32_t)(PROCESS_KTHREAD | PROCESS_HAS_TTY | PROCESS_FORKED);
        if (stat->pf_flags & PROCESS_PF_KTHREAD) /* a helper of the kernel is one until it executes its program */
                p->flags |= PROCESS_KTHREAD;
        else
                p->flags |= (stat->tty != 0 ? (uint32_t)PROCESS_HAS_TTY : 0) |
                            (stat->pf_flags & PROCESS_PF_FORKNOEXEC ? (uint32_t)PROCESS_FORKED : 0);
}

/* Scores and identity of a process that is not a kernel thread; its stat has been taken. */
static void user_process_read(const ProcessReader *r, int dir_fd, const ProcessStat *stat, ProcessSample *p,
                              ProcessExtra *x) {
        bool is_renamed = strcmp(p->comm, stat->comm) != 0;
        const PathEntry *cgroup_before = x->cgroup;
        uint32_t uid_before = p->uid;
        char cgroup[CGROUP_PATH_MAX];
        bool is_complete = true;
        int64_t v;

        memcpy(p->comm, stat->comm, sizeof(p->comm));
        identity_mark(r, p);
        if (file_read(r, dir_fd, p->pid, "oom_score"))
                score_take(r, p, r->scratch);
        if (!file_read(r, dir_fd, p->pid, "oom_score_adj"))
                is_complete = false;
        else if (process_number_parse(r->scratch, -1000, 1000, &v) < 0) {
                complain(r, p->pid, "oom_score_adj", -EBADMSG);
                is_complete = false;
        } else
                p->oom_score_adj = (int32_t)v;
        is_complete &= status_take(r, dir_fd, stat, p, x);
        /* A rule that was not asked may be the one that says "never": until it is, the process is no victim. */
        if (!cgroup_take(r, dir_fd, p, x, cgroup) && (r->matchers->rule_fields & RULES_OF_CGROUP)) {
                x->is_matched = false;
                return;
        }
        if (!x->is_matched || is_renamed || x->cgroup != cgroup_before || p->uid != uid_before)
                x->is_matched = rules_ask(r, dir_fd, p, cgroup);
        if (is_complete && x->is_matched)
                p->flags |= PROCESS_IDENTITY;
}

/**
 * process_read_whole() - identity, scores, sizes, cgroup and rules of one process
 * @p: of the pid wanted; if another process has that pid by now, its row starts anew
 * @x: its extra
 *
 * Return: 0, with the flags saying what could be read; READ_E_GONE if it vanished.
 */
int process_read_whole(const ProcessReader *r, ProcessSample *p, ProcessExtra *x) {
        ProcessStat stat;
        char dir[16];

        pid_path(dir, p->pid, "");
        sample_begin(p);
        p->flags &= ~(uint32_t)PROCESS_IDENTITY;
        identity_mark(r, p);
        _cleanup_close_ int fd = openat(r->proc_fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int n = fd < 0 ? -errno : read_once_at(fd, "stat", r->scratch, r->scratch_size);
        if (read_is_gone(n))
                return READ_E_GONE;
        int k = n < 0 ? n : process_stat_parse(r->scratch, &stat);
        if (k < 0) {
                if (k != -EACCES && k != -EPERM)
                        complain(r, p->pid, "stat", k);
                return 0;
        }
        if (x->is_known && stat.start_ticks != p->start_ticks) {
                process_score_fd_drop(r->table, x);
                process_row_reset(p, x, p->pid);
        }
        x->is_known = true;
        x->whole_sec = mono_sec(r);
        x->stat_hash = text_hash(TEXT_HASH_INIT, r->scratch, (size_t)n);
        p->start_ticks = stat.start_ticks;
        stat_take(&stat, p);
        if (p->flags & PROCESS_KTHREAD) {
                memcpy(p->comm, stat.comm, sizeof(p->comm));
                p->flags |= PROCESS_NO_MM;
                return 0;
        }
        user_process_read(r, fd, &stat, p, x);
        /* died half-way through: what was read of it is no use */
        if (!(p->flags & PROCESS_IDENTITY) && faccessat(fd, "stat", F_OK, 0) < 0 && read_is_gone(-errno))
                return READ_E_GONE;
        return 0;
}

/* The stat has changed, but who it is has not: what its cgroup file and oom_score_adj said is kept. */
static int sizes_read(const ProcessReader *r, const ProcessStat *stat, ProcessSample *p, ProcessExtra *x) {
        char text[32];
        uint32_t uid = p->uid;

        pid_path(text, p->pid, "");
        _cleanup_close_ int fd = openat(r->proc_fd, text, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -EAGAIN;
        sample_begin(p);
        stat_take(stat, p);
        bool has_uid = status_take(r, fd, stat, p, x);
        bool is_same_uid = p->uid == uid;
        p->uid = uid;
        if (!has_uid || !is_same_uid)
                return -EAGAIN;
        /* the descriptor is that of the process which was read before: while it can be read, nobody else has the pid */
        if (read_once(x->score_fd, text, sizeof(text)) < 0)
                return -EAGAIN;
        score_take(r, p, text);
        return p->flags & PROCESS_SCORE ? 0 : -EAGAIN;
}

/**
 * process_read_known() - bring up to date a row that was read in full not long ago
 *
 * Sizes grow by faults, which its stat counts. Reclaim takes from its resident size, which is there as well, and oom_score
 * counts what went to swap. So a stat and a score that are the same to the byte mean the same sizes; but for what a
 * process gives back of its swap in less than a tick, and for the kernel's own rounding of resident sizes.
 *
 * Return: 0, its identity checked now; -EAGAIN: it must be read in full.
 */
int process_read_known(const ProcessReader *r, ProcessSample *p, ProcessExtra *x) {
        const uint32_t needed = PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY;
        char path[32], score[32];
        ProcessStat stat;
        int64_t v;

        if (!x->is_known || !x->is_matched || (p->flags & needed) != needed || x->score_fd < 0 ||
            (!x->cgroup && r->tree->fd >= 0))
                return -EAGAIN;
        /* not all of them in the same sample */
        if (mono_sec(r) - x->whole_sec >= KNOWN_SEC + (uint32_t)p->pid % KNOWN_SEC)
                return -EAGAIN;
        pid_path(path, p->pid, "/stat");
        int n = read_once_at(r->proc_fd, path, r->scratch, r->scratch_size);
        if (n < 0)
                return -EAGAIN;
        p->flags &= ~(uint32_t)PROCESS_VFORK;
        uint64_t hash = text_hash(TEXT_HASH_INIT, r->scratch, (size_t)n);
        if (hash == x->stat_hash) {
                bool is_same = read_once(x->score_fd, score, sizeof(score)) >= 0 &&
                               process_number_parse(score, 0, UINT32_MAX, &v) == 0 && (uint64_t)v == p->oom_score;
                return is_same ? 0 : -EAGAIN;
        }
        if (process_stat_parse(r->scratch, &stat) < 0 || stat.start_ticks != p->start_ticks ||
            strcmp(stat.comm, p->comm) != 0 || (stat.pf_flags & PROCESS_PF_KTHREAD))
                return -EAGAIN;
        x->stat_hash = hash;
        return sizes_read(r, &stat, p, x);
}
