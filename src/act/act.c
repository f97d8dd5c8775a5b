/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of kills: at most KILLS_MAX that the decision core waits for, and as many again that have
 * expired and are only watched.
 *
 * Invariants: a slot is free or owns its descriptors; everything is of fixed size and allocated by
 * act_new(); no call waits, and no clock is read: the time is the caller's. The epoll descriptor is a
 * wake-up and nothing more; act_poll() looks at every victim itself, so a lost wake-up costs one tick and
 * no kill.
 */

#include "act/act.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "act/kill.h"
#include "act/rehearse.h"
#include "act/worker.h"
#include "base/pages.h"

/* Expired victims are watched beside those in flight; of too many, the oldest is forgotten. */
#define SLOTS_MAX (2 * KILLS_MAX)

/* Kills at once of which every page is in memory from the start; a free slot is the first one, so it is these. */
#define REHEARSED_SLOTS 4

/* The exit of a victim is told together with what mrelease did, unless that takes longer than this. */
#define RELEASE_HOLD_USEC (50 * USEC_PER_MSEC)

/* At exit: longer than any mrelease that still makes progress on a small host is worth waiting for. */
#define WORKER_STOP_USEC (2 * USEC_PER_SEC)

/* Of one slot. */
typedef int SlotPidfds[GROUP_MEMBERS_MAX];

struct Act {
        ActHost host;
        KillTools tools; /* in earnest, or the caller's double */
        KillTools dry;   /* of a Decision that is marked dry_run, and of the rehearsal */
        int epoll_fd, event_fd;
        uint64_t next_serial;
        Kill kills[SLOTS_MAX];
        SlotPidfds *pidfds; /* SLOTS_MAX; apart, so that a slot that was never used costs no memory */
};

static bool slot_is_used(const Kill *kill) {
        return kill->kill_id != 0;
}

/* Expired, told, and watched in silence. */
static bool slot_is_silent(const Kill *kill) {
        return kill->outcome == KILL_EXPIRED && kill->is_expiry_reported;
}

static Kill *slot_find(Act *a, uint64_t kill_id) {
        for (size_t i = 0; i < SLOTS_MAX; i++)
                if (slot_is_used(&a->kills[i]) && a->kills[i].kill_id == kill_id)
                        return &a->kills[i];
        return NULL;
}

static uint32_t slots_in_flight(const Act *a) {
        uint32_t n = 0;
        for (size_t i = 0; i < SLOTS_MAX; i++)
                n += slot_is_used(&a->kills[i]) && !slot_is_silent(&a->kills[i]);
        return n;
}

/* A free slot, or that of the oldest silent one. NULL with KILLS_MAX in flight. */
static Kill *slot_acquire(Act *a, uint64_t kill_id) {
        Kill *best = NULL;

        if (slots_in_flight(a) >= KILLS_MAX)
                return NULL;
        for (size_t i = 0; i < SLOTS_MAX; i++) {
                Kill *kill = &a->kills[i];
                if (!slot_is_used(kill)) {
                        best = kill;
                        break;
                }
                if (slot_is_silent(kill) && (!best || kill->signalled_usec < best->signalled_usec))
                        best = kill;
        }
        /* There is one: at most KILLS_MAX - 1 slots of 2 * KILLS_MAX are neither free nor silent. */
        assert(best);
        if (slot_is_used(best))
                kill_done(best, a->epoll_fd);
        kill_init(best, kill_id, ++a->next_serial);
        return best;
}

/* ---- life ---- */

static int act_check_pidfd(Act *a) {
        int fd = a->tools.ops->pidfd_open(a->tools.userdata, getpid());
        if (fd < 0)
                return fd;
        (void)fd_close(fd);
        return 0;
}

static int act_open_events(Act *a) {
        struct epoll_event e = { .events = EPOLLIN };

        a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (a->epoll_fd < 0)
                return -errno;
        a->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (a->event_fd < 0)
                return -errno;
        e.data.fd = a->event_fd;
        return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->event_fd, &e) < 0 ? -errno : 0;
}

/**
 * act_new() - everything a kill will need
 * @root_fd:   for proc/; borrowed
 * @cgroup_fd: the cgroup2 mount, -EBADF without one; borrowed
 * @ops:       NULL for act_ops_real; act_ops_dry_run makes every kill a virtual one
 * @userdata:  of @ops; NULL for an ActHost made of the two descriptors
 *
 * Return: 0; -ENOSYS on a kernel without pidfd_open() (before 5.3); -ENOMEM, -EMFILE, -EAGAIN (threads).
 */
int act_new(int root_fd, int cgroup_fd, const ActOps *ops, void *userdata, Act **ret) {
        _cleanup_(act_freep) Act *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->host = (ActHost){ .root_fd = root_fd, .cgroup_fd = cgroup_fd };
        a->epoll_fd = a->event_fd = -EBADF;
        a->pidfds = pages_new(SLOTS_MAX * sizeof(*a->pidfds));
        if (!a->pidfds)
                return -ENOMEM;
        for (size_t i = 0; i < SLOTS_MAX; i++) {
                a->kills[i].pidfds = a->pidfds[i];
                kill_init(&a->kills[i], 0, 0);
        }

        int r = act_open_events(a);
        if (r < 0)
                return r;
        a->dry = (KillTools){ .ops = &act_ops_dry_run, .userdata = &a->host, .epoll_fd = a->epoll_fd };
        a->tools = (KillTools){
                .ops = ops ? ops : &act_ops_real,
                .userdata = userdata ? userdata : &a->host,
                .epoll_fd = a->epoll_fd,
        };
        r = act_check_pidfd(a);
        if (r < 0)
                return r;
        if (a->tools.ops != &act_ops_dry_run) {
                r = worker_new(a->event_fd, &a->tools.worker);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(a);
        return 0;
}

Act *act_free(Act *a) {
        if (!a)
                return NULL;
        for (size_t i = 0; i < SLOTS_MAX; i++)
                if (slot_is_used(&a->kills[i]))
                        kill_done(&a->kills[i], a->epoll_fd);
        if (worker_stop(a->tools.worker, WORKER_STOP_USEC) < 0)
                /* Stuck in mrelease: it will read our tools and write to our eventfd when it comes back. */
                return NULL;
        a->event_fd = fd_close(a->event_fd);
        a->epoll_fd = fd_close(a->epoll_fd);
        (void)pages_free(a->pidfds, SLOTS_MAX * sizeof(*a->pidfds));
        free(a);
        return NULL;
}

/**
 * act_rehearse() - walk the kill path once, on ourselves, without effect
 *
 * Faults in the tables, the stack and the code, and finds out now which right is missing.
 *
 * Return: 0; the first negative errno otherwise: -EACCES or -EROFS where cgroup.kill cannot be written, -EPERM
 *         where a system call filter leaves out process_mrelease() (one that kills instead does so here and now).
 */
int act_rehearse(Act *a) {
        rehearse_memory(a, sizeof(*a));
        rehearse_memory(a->pidfds, REHEARSED_SLOTS * sizeof(*a->pidfds));
        int r = rehearse_process(&a->dry);
        int q = rehearse_cgroup(&a->dry, &a->host);
        return r < 0 ? r : q;
}

/**
 * act_lock_memory() - keep our pages in memory
 *
 * On fault only: what is never touched never costs memory.
 *
 * Return: 0; -EPERM or -ENOMEM without CAP_IPC_LOCK or enough RLIMIT_MEMLOCK.
 * Source: mlockall(2); MCL_ONFAULT: Linux 4.4.
 */
int act_lock_memory(void) {
        return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}

/* ---- killing ---- */

typedef enum Attempt {
        ATTEMPT_SIGNALLED,
        ATTEMPT_GONE, /* the victim of an escalation has ended by itself */
        ATTEMPT_NEXT, /* not this one */
} Attempt;

static Attempt act_attempt(Act *a, Kill *kill, const KillTools *t, const KillDecision *k, uint32_t i, ActResult *ret) {
        bool is_watched = kill->n_pidfds > 0 || kill->events_fd >= 0;
        bool again = k->is_escalation && i == 0;

        int r = again && is_watched ? kill_escalate(kill, t, k, ret) : kill_try(kill, t, k, i, ret);
        ret->attempts[ret->n_attempts++] = (ActAttempt){ .candidate = i, .error = r };
        if (r == 0)
                return ATTEMPT_SIGNALLED;
        if (again && (r == -ESRCH || r == -ESTALE))
                /* What was asked for has happened: nobody else is to die for it. */
                return ATTEMPT_GONE;
        if (again) {
                /* Still there, but not ours to end: forget it, the candidates after it are next. */
                uint64_t id = kill->kill_id, serial = kill->serial;
                kill_done(kill, a->epoll_fd);
                kill_init(kill, id, serial);
                kill->is_virtual = ret->is_virtual;
        }
        return ATTEMPT_NEXT;
}

static void act_attempt_all(Act *a, Kill *kill, const KillTools *t, const KillDecision *k, uint64_t mono_usec, ActResult *ret) {
        Attempt attempt = ATTEMPT_NEXT;

        for (uint32_t i = 0; i < MIN(k->n_candidates, (uint32_t)CANDIDATES_MAX) && attempt == ATTEMPT_NEXT; i++)
                attempt = act_attempt(a, kill, t, k, i, ret);
        ret->outcome = kill->outcome = attempt == ATTEMPT_NEXT ? KILL_FAILED : KILL_PENDING;
        kill->is_expiry_reported = false;
        if (attempt == ATTEMPT_SIGNALLED || kill->signalled_usec == 0)
                kill->signalled_usec = mono_usec;
        kill->deadline_usec = u64_add_sat(mono_usec, k->wait_usec);
        /* What is known already is told without delay. */
        if (attempt != ATTEMPT_SIGNALLED || kill->is_virtual)
                (void)eventfd_write(a->event_fd, 1);
}

/**
 * act_kill() - carry out a kill
 * @k:         candidates are tried in order until one is signalled
 * @mono_usec: now; the deadline is this plus k->wait_usec
 * @ret:       every attempt with its errno; filled on success only
 *
 * An escalation goes to the very victim of the earlier step, through the descriptors held since then; if
 * that one is gone, nothing is signalled and act_poll() reports its exit.
 *
 * Return: 0; -EBUSY with KILLS_MAX kills in flight, -EEXIST if this kill_id is, -EINVAL for a step that is
 *         no kill or a kill_id of 0. On these nothing was done.
 */
int act_kill(Act *a, const KillDecision *k, uint64_t mono_usec, ActResult *ret) {
        if ((k->step != STEP_TERMINATE && k->step != STEP_KILL) || k->kill_id == 0)
                return -EINVAL;
        Kill *kill = slot_find(a, k->kill_id);
        if (kill && !k->is_escalation)
                return -EEXIST;
        if (!kill)
                kill = slot_acquire(a, k->kill_id);
        else if (slot_is_silent(kill) && slots_in_flight(a) >= KILLS_MAX)
                return -EBUSY;
        if (!kill)
                return -EBUSY;

        const KillTools *t = k->dry_run ? &a->dry : &a->tools;
        kill->is_virtual = t->ops == &act_ops_dry_run;
        ActResult result = { .kill_id = k->kill_id, .is_virtual = kill->is_virtual };
        act_attempt_all(a, kill, t, k, mono_usec, &result);
        *ret = result;
        return 0;
}

/* ---- waiting ---- */

int act_fd(const Act *a) {
        return a->epoll_fd;
}

static void collect_releases(Act *a) {
        WorkerResult r;
        while (a->tools.worker && worker_collect(a->tools.worker, &r))
                for (size_t i = 0; i < SLOTS_MAX; i++)
                        if (slot_is_used(&a->kills[i]) && a->kills[i].serial == r.tag)
                                kill_note_release(&a->kills[i], &r);
}

static void kill_update(Act *a, Kill *kill, uint64_t mono_usec) {
        if (kill->outcome == KILL_FAILED || kill->outcome == KILL_EXITED)
                return;
        const KillTools *t = kill->is_virtual ? &a->dry : &a->tools;
        if (kill->exited_usec == 0 && (kill->is_virtual || kill_is_over(kill, t)))
                kill->exited_usec = MAX(mono_usec, kill->signalled_usec);
        if (kill->exited_usec > 0) {
                bool release_open = kill->n_released < kill->n_releases;
                if (!release_open || mono_usec - kill->exited_usec >= RELEASE_HOLD_USEC)
                        kill->outcome = KILL_EXITED;
        } else if (kill->outcome == KILL_PENDING && mono_usec >= kill->deadline_usec)
                kill->outcome = KILL_EXPIRED;
}

static KillStatus kill_status(const Kill *kill) {
        return (KillStatus){
                .kill_id = kill->kill_id,
                .outcome = kill->outcome,
                .candidate = kill->candidate,
                .signalled_usec = kill->signalled_usec,
                .exited_usec = kill->outcome == KILL_EXITED ? kill->exited_usec : 0,
        };
}

/* What has been told may be forgotten, but for the silent watch. */
static void kill_reported(Act *a, Kill *kill) {
        if (kill->outcome == KILL_EXPIRED)
                kill->is_expiry_reported = true;
        else if (kill->outcome != KILL_PENDING)
                kill_done(kill, a->epoll_fd);
}

/* The next one to report after @after, by kill_id, so that the order does not depend on slots. */
static Kill *next_to_report(Act *a, uint64_t after) {
        Kill *best = NULL;
        for (size_t i = 0; i < SLOTS_MAX; i++) {
                Kill *kill = &a->kills[i];
                if (slot_is_used(kill) && kill->kill_id > after && !slot_is_silent(kill) &&
                    (!best || kill->kill_id < best->kill_id))
                        best = kill;
        }
        return best;
}

/**
 * act_poll() - how the kills stand
 * @mono_usec: now
 * @status:    for the next Snapshot, ascending by kill_id
 * @reports:   the same with details, or NULL
 *
 * Never waits. Call it when act_fd() is readable and at every tick while something is pending, since
 * nothing else notices a deadline.
 *
 * Return: number of entries. Where more have ended at once than fit, the others come with the next call.
 */
uint32_t act_poll(Act *a, uint64_t mono_usec, KillStatus status[static KILLS_MAX], ActReport *reports) {
        eventfd_t drained;
        uint32_t n = 0;
        uint64_t after = 0;

        (void)eventfd_read(a->event_fd, &drained);
        collect_releases(a);
        for (size_t i = 0; i < SLOTS_MAX; i++)
                if (slot_is_used(&a->kills[i]))
                        kill_update(a, &a->kills[i], mono_usec);

        while (n < KILLS_MAX) {
                Kill *kill = next_to_report(a, after);
                if (!kill)
                        break;
                after = kill->kill_id;
                status[n] = kill_status(kill);
                if (reports)
                        reports[n] = (ActReport){
                                .status = status[n],
                                .mrelease_done = kill->n_releases > 0 && kill->n_released == kill->n_releases,
                                .mrelease_error = kill->release_error,
                                .mrelease_usec = kill->release_usec,
                        };
                n++;
                kill_reported(a, kill);
        }
        return n;
}

const char *act_attempt_to_string(int error) {
        switch (error) {
        case 0:
                return "signalled";
        case -ESRCH:
                return "gone before the signal";
        case -ESTALE:
                return "not the same any more";
        case -EPERM:
        case -EACCES:
                return "not permitted";
        case -ECANCELED:
                return "protected by now";
        case -ENODATA:
                return "its members are not listed";
        default:
                return "failed";
        }
}
