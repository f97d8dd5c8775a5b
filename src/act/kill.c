/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One kill, from the candidate to the last of its exits.
 *
 * Order, the same for every kind of victim: hold it (pidfd, directory fd), then look whether it is still
 * the one that was decided on and still killable, then ask whether we may, then mark its unit, then
 * signal, then watch, then help to free its memory. Nothing is logged, allocated or waited for in between.
 *
 * A victim that is not the same any more, or is protected by now, is never signalled: the caller goes on
 * to the next candidate. SIGKILL needs no more than this for stopped, frozen and traced processes; one in
 * D state dies when the kernel lets it, which the deadline deals with.
 */

#include "act/kill.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

/* mrelease answers EAGAIN while another one walks the same memory; that takes as long as that memory is big. */
#define RELEASE_TRIES      20
#define RELEASE_PAUSE_NSEC (10 * 1000 * 1000)

static int step_signal(Step step) {
        return step == STEP_KILL ? SIGKILL : SIGTERM;
}

void kill_init(Kill *kill, uint64_t kill_id, uint64_t serial) {
        *kill = (Kill){
                .kill_id = kill_id,
                .serial = serial,
                .outcome = KILL_FAILED,
                .cgroup_fd = -EBADF,
                .events_fd = -EBADF,
                .pidfds = kill->pidfds,
        };
}

/* Explicitly out of the epoll set: a duplicate on the worker would keep the entry alive beyond the close. */
static int unwatch(int epoll_fd, int fd) {
        if (fd >= 0)
                (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return fd_close(fd);
}

static void kill_drop_victim(Kill *kill, int epoll_fd) {
        for (uint32_t i = 0; i < kill->n_pidfds; i++)
                (void)unwatch(epoll_fd, kill->pidfds[i]);
        kill->n_pidfds = 0;
        kill->events_fd = unwatch(epoll_fd, kill->events_fd);
        kill->cgroup_fd = fd_close(kill->cgroup_fd);
}

void kill_done(Kill *kill, int epoll_fd) {
        kill_drop_victim(kill, epoll_fd);
        kill->kill_id = 0;
}

/*
 * The epoll set only wakes the loop; kill_is_over() asks the descriptors themselves. So a failure here
 * costs promptness, and no kill is given up for it.
 */
static void watch(const KillTools *t, int fd, uint32_t events) {
        struct epoll_event e = { .events = events, .data.fd = fd };
        (void)epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

/* ---- freeing the memory of the dying ---- */

/* On the worker. @userdata: the KillTools, which live as long as the worker. */
static int release_run(void *userdata, int pidfd) {
        const KillTools *t = userdata;
        const struct timespec pause = { .tv_nsec = RELEASE_PAUSE_NSEC };
        bool was_invalid = false;

        for (unsigned i = 0;; i++) {
                int r = t->ops->pidfd_mrelease(t->userdata, pidfd);
                if (r == -ESRCH) /* already past exit_mm(): the kernel is at it */
                        return 0;
                if (r == -EINVAL && !was_invalid)
                        /* A sharer of the memory that is not dying, or not yet: the kernel kills sharers
                         * only in its own OOM killer, but often we have just signalled them too. */
                        was_invalid = true;
                else if ((r != -EAGAIN && r != -EINTR) || i >= RELEASE_TRIES)
                        return r;
                (void)nanosleep(&pause, NULL);
        }
}

static void queue_release(Kill *kill, const KillTools *t, int pidfd) {
        if (!t->worker || kill->is_virtual)
                return;
        int fd = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return;
        WorkerJob job = { .run = release_run, .userdata = (void *)t, .fd = fd, .tag = kill->serial };
        if (worker_submit(t->worker, &job) < 0)
                (void)fd_close(fd);
        else
                kill->n_releases++;
}

void kill_note_release(Kill *kill, const WorkerResult *r) {
        kill->n_released++;
        kill->release_usec += r->run_usec;
        if (kill->release_error == 0)
                kill->release_error = r->error;
}

/* ---- processes ---- */

/*
 * A pidfd of the process that was decided on, which we may signal and which may be killed. -ESRCH gone,
 * -ESTALE another one has its pid, -ECANCELED protected, -EPERM not allowed.
 */
static int open_victim(const KillTools *t, int32_t pid, uint64_t start_ticks) {
        uint64_t now_ticks;
        int32_t adj;

        if (pid <= 1 || pid == getpid())
                return -ECANCELED;
        _cleanup_close_ int fd = t->ops->pidfd_open(t->userdata, pid);
        if (fd < 0)
                return fd;
        int r = t->ops->read_start_ticks(t->userdata, pid, &now_ticks);
        if (r < 0)
                return r;
        if (now_ticks != start_ticks)
                return -ESTALE;
        r = t->ops->read_oom_score_adj(t->userdata, pid, &adj);
        if (r < 0)
                return r;
        if (adj <= -1000)
                return -ECANCELED;
        r = t->ops->pidfd_signal(t->userdata, fd, 0);
        return r < 0 ? r : TAKE_FD(fd);
}

static void mark_unit(Kill *kill, const KillTools *t, const Candidate *c, int32_t pid, uint32_t n, ActResult *ret) {
        if (kill->is_marked)
                return;
        ret->mark = t->ops->cgroup_mark_oom(t->userdata, c->cgroup_path, c->cgroup_id, pid, n);
        kill->is_marked = ret->mark > 0;
}

/* Signals all pidfds of @kill, drops those that are gone or not ours to signal, watches the others. */
static int signal_pidfds(Kill *kill, const KillTools *t, int signo, bool is_watched, ActResult *ret) {
        uint32_t n = 0;
        int error = -ESRCH;

        /* All signals first: every microsecond between two members is one in which the later ones fork. */
        for (uint32_t i = 0; i < kill->n_pidfds; i++) {
                int r = t->ops->pidfd_signal(t->userdata, kill->pidfds[i], signo);
                if (r >= 0) {
                        kill->pidfds[n++] = kill->pidfds[i];
                        continue;
                }
                if (error == -ESRCH)
                        error = r;
                (void)unwatch(t->epoll_fd, kill->pidfds[i]);
        }
        kill->n_pidfds = n;
        ret->n_signalled = n;
        for (uint32_t i = 0; i < n; i++) {
                if (!is_watched)
                        watch(t, kill->pidfds[i], EPOLLIN);
                if (signo == SIGKILL)
                        queue_release(kill, t, kill->pidfds[i]);
        }
        return n > 0 ? 0 : error;
}

static int kill_process(Kill *kill, const KillTools *t, const KillDecision *k, const Candidate *c, ActResult *ret) {
        int fd = open_victim(t, c->pid, c->start_ticks);
        if (fd < 0)
                return fd;
        kill->pidfds[0] = fd;
        kill->n_pidfds = 1;
        mark_unit(kill, t, c, c->pid, 1, ret);
        return signal_pidfds(kill, t, step_signal(k->step), /* is_watched= */ false, ret);
}

/* Members only come with candidates[0]. Those that are gone or may not be signalled are left out. */
static int kill_group(Kill *kill, const KillTools *t, const KillDecision *k, uint32_t i, ActResult *ret) {
        const Candidate *c = &k->candidates[i];
        int32_t leader = 0;
        int error = -ESRCH;

        if (i != 0 || k->n_members == 0)
                return -ENODATA;
        for (uint32_t m = 0; m < MIN(k->n_members, (uint32_t)GROUP_MEMBERS_MAX); m++) {
                const GroupMember *member = &k->members[m];
                int fd = open_victim(t, member->pid, member->start_ticks);
                if (fd < 0) {
                        if (error == -ESRCH)
                                error = fd;
                        continue;
                }
                kill->pidfds[kill->n_pidfds++] = fd;
                if (member->pid == c->pgid)
                        leader = member->pid;
        }
        if (kill->n_pidfds == 0)
                return error;
        /* Only its leader can be the process that the service manager started and waits for. */
        if (leader > 0)
                mark_unit(kill, t, c, leader, kill->n_pidfds, ret);
        return signal_pidfds(kill, t, step_signal(k->step), /* is_watched= */ false, ret);
}

/* ---- cgroups ---- */

/* One by one: SIGTERM, or SIGKILL where cgroup.kill would hit someone it must not hit or does not exist. */
static int signal_members(Kill *kill, const KillTools *t, int signo, bool keep, ActResult *ret) {
        ActSignalled s;

        int r = t->ops->cgroup_signal(t->userdata, kill->cgroup_fd, signo, keep, &s);
        if (r < 0)
                return r;
        ret->n_signalled = s.n_signalled;
        for (uint32_t i = 0; i < s.n_pidfds; i++) {
                if (kill->n_pidfds == GROUP_MEMBERS_MAX) {
                        (void)fd_close(s.pidfds[i]);
                        continue;
                }
                kill->pidfds[kill->n_pidfds++] = s.pidfds[i];
                watch(t, s.pidfds[i], EPOLLIN);
                if (signo == SIGKILL)
                        queue_release(kill, t, s.pidfds[i]);
        }
        return 0;
}

/* Watches for the end of the whole cgroup. Reading arms the poll: before the signal, so that no change is missed. */
static int watch_populated(Kill *kill, const KillTools *t) {
        if (kill->events_fd >= 0)
                return 0;
        int fd = t->ops->cgroup_events_open(t->userdata, kill->cgroup_fd);
        if (fd < 0)
                return fd;
        kill->events_fd = fd;
        int r = t->ops->cgroup_populated(t->userdata, fd);
        if (r <= 0)
                return r == 0 ? -ESRCH : r;
        watch(t, fd, EPOLLPRI);
        return 0;
}

/* Signals the open cgroup. With protected members it never gets empty: then its signalled members are watched. */
static int signal_cgroup(Kill *kill, const KillTools *t, const KillDecision *k, const Candidate *c, ActResult *ret) {
        int signo = step_signal(k->step);
        ActSurvey survey;

        int r = t->ops->cgroup_survey(t->userdata, kill->cgroup_fd, &survey);
        if (r < 0)
                return r;
        if (survey.n_processes == 0)
                return -ESRCH;
        if (survey.n_protected >= survey.n_processes)
                return -ECANCELED;
        bool is_whole = survey.n_protected == 0;
        if (is_whole)
                r = watch_populated(kill, t);
        else
                kill->events_fd = unwatch(t->epoll_fd, kill->events_fd);
        if (r < 0)
                return r;
        mark_unit(kill, t, c, /* pid= */ 0, survey.n_processes - survey.n_protected, ret);

        if (signo != SIGKILL || !is_whole)
                return signal_members(kill, t, signo, /* keep= */ !is_whole, ret);

        /* Held before the kill, for mrelease after it: the biggest member is most of the memory. */
        _cleanup_close_ int biggest = open_victim(t, c->pid, c->start_ticks);
        r = t->ops->cgroup_kill(t->userdata, kill->cgroup_fd);
        if (r == -ENOENT || r == -EOPNOTSUPP) /* before 5.14, or threaded */
                r = signal_members(kill, t, signo, /* keep= */ false, ret);
        if (r >= 0 && biggest >= 0)
                queue_release(kill, t, biggest);
        return r;
}

static int kill_cgroup(Kill *kill, const KillTools *t, const KillDecision *k, const Candidate *c, ActResult *ret) {
        int fd = t->ops->cgroup_open(t->userdata, c->cgroup_path, c->cgroup_id);
        if (fd < 0)
                return fd;
        kill->cgroup_fd = fd;
        return signal_cgroup(kill, t, k, c, ret);
}

/* ---- the three entries ---- */

int kill_try(Kill *kill, const KillTools *t, const KillDecision *k, uint32_t i, ActResult *ret) {
        const Candidate *c = &k->candidates[i];
        int r = -EINVAL;

        switch (c->kind) {
        case CANDIDATE_PROCESS:
                r = kill_process(kill, t, k, c, ret);
                break;
        case CANDIDATE_CGROUP:
                r = kill_cgroup(kill, t, k, c, ret);
                break;
        case CANDIDATE_GROUP:
                r = kill_group(kill, t, k, i, ret);
                break;
        case _CANDIDATE_KIND_MAX:
                break;
        }
        if (r < 0) {
                kill_drop_victim(kill, t->epoll_fd);
                return r == -ENOENT || r == -ENODEV ? -ESRCH : r;
        }
        kill->candidate = i;
        return 0;
}

int kill_escalate(Kill *kill, const KillTools *t, const KillDecision *k, ActResult *ret) {
        if (kill_is_over(kill, t))
                return -ESRCH;
        int r;
        if (kill->cgroup_fd < 0)
                r = signal_pidfds(kill, t, step_signal(k->step), /* is_watched= */ true, ret);
        else {
                /* Looked at anew: it may have forked, and who is protected may have changed. */
                for (uint32_t i = 0; i < kill->n_pidfds; i++)
                        (void)unwatch(t->epoll_fd, kill->pidfds[i]);
                kill->n_pidfds = 0;
                r = signal_cgroup(kill, t, k, &k->candidates[0], ret);
        }
        if (r < 0)
                return r == -ENOENT || r == -ENODEV ? -ESRCH : r;
        kill->candidate = 0; /* of the escalation: the victim may have been another one's number before */
        return 0;
}

static void drop_gone_pidfds(Kill *kill, int epoll_fd) {
        struct pollfd p[GROUP_MEMBERS_MAX];
        uint32_t n = 0;

        for (uint32_t i = 0; i < kill->n_pidfds; i++)
                p[i] = (struct pollfd){ .fd = kill->pidfds[i], .events = POLLIN };
        if (kill->n_pidfds == 0 || poll(p, kill->n_pidfds, 0) <= 0)
                return;
        for (uint32_t i = 0; i < kill->n_pidfds; i++)
                if (p[i].revents != 0)
                        (void)unwatch(epoll_fd, kill->pidfds[i]);
                else
                        kill->pidfds[n++] = kill->pidfds[i];
        kill->n_pidfds = n;
}

bool kill_is_over(Kill *kill, const KillTools *t) {
        drop_gone_pidfds(kill, t->epoll_fd);
        if (kill->events_fd >= 0) {
                int r = t->ops->cgroup_populated(t->userdata, kill->events_fd);
                if (r == 0 || r == -ENODEV || r == -ENOENT)
                        kill->events_fd = unwatch(t->epoll_fd, kill->events_fd);
        }
        return kill->n_pidfds == 0 && kill->events_fd < 0;
}
