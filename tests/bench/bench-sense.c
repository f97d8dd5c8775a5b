/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What sensing costs: the cheap sample with monitored cgroups, and the scan of real processes.
 *
 *   bench-sense [PROCESSES [CGROUPS]]     10000 and 20
 *
 * Cgroups are made as headroom-bench-N under the cgroup2 mount, where that is allowed, and removed at the end. Where
 * the memory controller is not on cgroup2 they have a memory.pressure only, so the sample is also measured with
 * CGROUPS folders that hold all files: same calls, the kernel's work for a file of a cgroup left out.
 *
 * The floor of a scan is what no design can avoid that looks at each process at all: listing proc, and one open,
 * read and close per process of its smallest telling file. It is measured without any parsing.
 *
 * All figures are CPU time.
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "base/fd.h"
#include "sense/mountinfo.h"
#include "sense/sense.h"

#define ROUNDS_CHEAP 2000
#define ROUNDS_SCAN  9
/* Children on top of what runs already: leave pids for everybody else. */
#define PROCESSES_MAX 20000

/* CPU time: the figures are to be of the work, not of what else the machine does meanwhile. */
static double now_usec(void) {
        struct timespec ts;
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

static double median(double *v, size_t n) {
        qsort(v, n, sizeof(*v), by_value);
        return v[n / 2];
}

static int32_t match_bench(void *userdata, const char *path, bool limited) {
        (void)userdata, (void)limited;
        return strstr(path, "/headroom-bench-") ? 0 : -1;
}

/* ---- cheap sample ---- */

static bool cheap_measure(int root_fd, const char *what) {
        SenseOptions o = { .root_fd = root_fd, .self_pid = getpid() };
        SenseMatchers m = { .match_cgroup = match_bench };
        _cleanup_(sense_freep) Sense *s = NULL;
        const SenseMonitored *mon;
        Snapshot n;
        static double usec[ROUNDS_CHEAP];

        if (sense_new(&o, &s) < 0)
                return false;
        sense_set_matchers(s, &m);
        double t = now_usec();
        if (sense_discover(s) < 0 || sense_sample(s, 1, 1, 0, &n) < 0)
                return false;
        double discover = now_usec() - t;
        for (unsigned i = 0; i < ROUNDS_CHEAP; i++) {
                t = now_usec();
                (void)sense_sample(s, i, 1, 0, &n);
                usec[i] = now_usec() - t;
        }
        unsigned fields = 0;
        for (uint32_t i = 0; i < n.n_cgroups; i++)
                fields += (unsigned)__builtin_popcountll(n.cgroups[i].have);
        double m50 = median(usec, ROUNDS_CHEAP);
        printf("cheap sample, %zu %s: median %.1f us, 99th percentile %.1f us (%u values of cgroups); discovery %.0f us\n",
               sense_monitored(s, &mon), what, m50, usec[ROUNDS_CHEAP * 99 / 100], fields, discover);
        return true;
}

static int cgroup2_open(int root_fd, char *ret_point, size_t size) {
        static char text[1 << 18];
        Cgroup2Mount m;

        if (fd_read_text_at(root_fd, "proc/self/mountinfo", text, sizeof(text)) <= 0 ||
            mountinfo_find_cgroup2(text, &m) < 0)
                return -ENOENT;
        size_t len = strlen(m.point + 1);
        if (len >= size)
                return -ENAMETOOLONG;
        memcpy(ret_point, m.point + 1, len + 1);
        int fd = openat(root_fd, ret_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void bench_real_cgroups(int root_fd, unsigned n) {
        char point[MOUNT_PATH_MAX], name[64];
        unsigned made = 0;

        _cleanup_close_ int fd = cgroup2_open(root_fd, point, sizeof(point));
        while (fd >= 0 && made < n) {
                (void)snprintf(name, sizeof(name), "headroom-bench-%u", made);
                if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
                        break;
                made++;
        }
        bool has_memory = made > 0 && faccessat(fd, "headroom-bench-0/memory.current", F_OK, 0) == 0;
        if (made < n)
                printf("cheap sample, real cgroups: skipped, cannot make cgroups here\n");
        else
                (void)cheap_measure(root_fd, has_memory ? "real cgroups" : "real cgroups with memory.pressure only");
        while (made > 0) {
                (void)snprintf(name, sizeof(name), "headroom-bench-%u", --made);
                (void)unlinkat(fd, name, AT_REMOVEDIR);
        }
}

static void file_make(int dir_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd >= 0)
                (void)!write(fd, text, strlen(text));
}

static const struct {
        const char *name, *text;
} cgroup_files[] = {
        { "memory.pressure",
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=12345\n" },
        { "memory.current", "104857600\n" },
        { "memory.swap.current", "4096\n" },
        { "memory.events", "low 0\nhigh 12\nmax 3\noom 0\noom_kill 0\noom_group_kill 0\n" },
        { "memory.high", "209715200\n" },
        { "memory.max", "max\n" },
};

/* One cgroup, made or removed, under @dir_fd. */
static void synthetic_cgroup(int dir_fd, unsigned i, bool make) {
        char name[64];

        (void)snprintf(name, sizeof(name), "headroom-bench-%u", i);
        if (make)
                (void)mkdirat(dir_fd, name, 0755);
        _cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (size_t k = 0; fd >= 0 && k < ARRAY_SIZE(cgroup_files); k++)
                if (make)
                        file_make(fd, cgroup_files[k].name, cgroup_files[k].text);
                else
                        (void)unlinkat(fd, cgroup_files[k].name, 0);
        if (!make)
                (void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

/* A tree whose proc is the real one and whose cgroups are plain files. */
static void bench_synthetic_cgroups(unsigned n) {
        char path[] = "/tmp/headroom-bench-XXXXXX";

        if (!mkdtemp(path))
                return;
        _cleanup_close_ int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0 || mkdirat(root, "proc", 0755) < 0)
                return;
        static const char *const host[] = { "pressure", "meminfo", "vmstat", "swaps" };
        for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
                char target[32], link[32];
                (void)snprintf(target, sizeof(target), "/proc/%s", host[i]);
                (void)snprintf(link, sizeof(link), "proc/%s", host[i]);
                (void)symlinkat(target, root, link);
        }
        (void)mkdirat(root, "sys", 0755);
        (void)mkdirat(root, "sys/fs", 0755);
        (void)mkdirat(root, "sys/fs/cgroup", 0755);
        _cleanup_close_ int cg = openat(root, "sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        file_make(cg, "cgroup.controllers", "memory\n");
        for (unsigned i = 0; i < n; i++)
                synthetic_cgroup(cg, i, /* make= */ true);
        (void)cheap_measure(root, "synthetic cgroups with all files");
        for (unsigned i = 0; i < n; i++)
                synthetic_cgroup(cg, i, /* make= */ false);
        (void)unlinkat(cg, "cgroup.controllers", 0);
        static const char *const folders[] = { "sys/fs/cgroup", "sys/fs", "sys" };
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                (void)unlinkat(root, folders[i], AT_REMOVEDIR);
        for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
                char link[32];
                (void)snprintf(link, sizeof(link), "proc/%s", host[i]);
                (void)unlinkat(root, link, 0);
        }
        (void)unlinkat(root, "proc", AT_REMOVEDIR);
        (void)rmdir(path);
}

/* ---- processes ---- */

static unsigned children_start(pid_t *pids, unsigned n) {
        pid_t parent = getpid();
        unsigned i;

        for (i = 0; i < n; i++) {
                pid_t pid = fork();
                if (pid < 0)
                        break;
                if (pid == 0) {
                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        while (getppid() == parent)
                                (void)pause();
                        _exit(0);
                }
                pids[i] = pid;
        }
        return i;
}

static void children_end(const pid_t *pids, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                (void)kill(pids[i], SIGKILL);
        for (unsigned i = 0; i < n; i++)
                (void)waitpid(pids[i], NULL, 0);
}

static unsigned floor_scan(int proc_fd) {
        static char buf[1 << 16] __attribute__((aligned(16)));
        unsigned count = 0;

        (void)lseek(proc_fd, 0, SEEK_SET);
        for (ssize_t n; (n = getdents64(proc_fd, buf, sizeof(buf))) > 0;)
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const struct dirent64 *)(buf + at);
                        char path[280], text[32];
                        at += d->d_reclen;
                        if (d->d_name[0] < '1' || d->d_name[0] > '9')
                                continue;
                        size_t len = strlen(d->d_name);
                        memcpy(path, d->d_name, len);
                        memcpy(path + len, "/oom_score", sizeof("/oom_score"));
                        int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
                        if (fd < 0)
                                continue;
                        count += read(fd, text, sizeof(text)) > 0;
                        (void)close(fd);
                }
        return count;
}

static void bench_scan(int root_fd, unsigned n_asked, unsigned n_started) {
        SenseOptions o = { .root_fd = root_fd, .self_pid = getpid() };
        _cleanup_(sense_freep) Sense *s = NULL;
        double steady[ROUNDS_SCAN], known[ROUNDS_SCAN], floor[ROUNDS_SCAN];
        unsigned n_floor = 0, n_full = 0;
        Snapshot n;

        _cleanup_close_ int proc_fd = openat(root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0 || sense_new(&o, &s) < 0 || sense_discover(s) < 0)
                return;
        double t = now_usec();
        if (sense_sample(s, 1, 1, DETAIL_PROCESSES, &n) < 0)
                return;
        double first = now_usec() - t;
        /* by turns, so that both see the same machine */
        for (unsigned i = 0; i < ROUNDS_SCAN; i++) {
                t = now_usec();
                (void)sense_sample(s, i + 2, 1, DETAIL_PROCESSES, &n);
                steady[i] = now_usec() - t;
                t = now_usec();
                (void)sense_sample(s, i + 2, 1, DETAIL_KNOWN_PROCESSES, &n);
                known[i] = now_usec() - t;
                t = now_usec();
                n_floor = floor_scan(proc_fd);
                floor[i] = now_usec() - t;
        }
        for (uint32_t i = 0; i < n.n_processes; i++)
                n_full += (n.processes[i].flags & PROCESS_SIZES) != 0;
        double m = median(steady, ROUNDS_SCAN), k = median(known, ROUNDS_SCAN), f = median(floor, ROUNDS_SCAN);
        printf("process scan, %u processes (%u of %u started for it), %u of them read in full:\n", n.n_processes,
               n_started, n_asked, n_full);
        printf("  first  %.2f us per process, %.1f ms in all\n", first / n.n_processes, first / 1e3);
        printf("  steady %.2f us per process, %.1f ms in all (median of %d)\n", m / n.n_processes, m / 1e3,
               ROUNDS_SCAN);
        printf("  known  %.2f us per process, %.1f ms in all: those that have done nothing are not read in full\n",
               k / n.n_processes, k / 1e3);
        printf("  floor  %.2f us per process (list, open, read, close); steady is %.0f %% of it\n", f / n_floor,
               100 * m / n.n_processes / (f / n_floor));
}

/* As the service's LimitNOFILE= does. */
static void raise_descriptor_limit(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)65536);
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

int main(int argc, char **argv) {
        raise_descriptor_limit();
        static pid_t pids[PROCESSES_MAX];
        unsigned n_processes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
        unsigned n_cgroups = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
        struct utsname u;

        n_processes = MIN(n_processes, (unsigned)PROCESSES_MAX);
        (void)uname(&u);
        printf("%s %s, %ld CPUs\n", u.release, u.machine, sysconf(_SC_NPROCESSORS_ONLN));
        (void)fflush(stdout);
        _cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return 1;
        bench_real_cgroups(root, n_cgroups);
        bench_synthetic_cgroups(n_cgroups);
        (void)fflush(stdout);
        unsigned n = children_start(pids, n_processes);
        bench_scan(root, n_processes, n);
        children_end(pids, n);
        return 0;
}
