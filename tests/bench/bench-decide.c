/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a decision costs: decide_step() with 5,000 cgroups and 10,000 processes in the sample, in the
 * step in which it ranks and kills, and in a calm cheap step with 20 monitored cgroups. Prints the median
 * of many runs; asserts nothing about time. Run it under `valgrind --tool=callgrind` for instructions.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decide/decide.h"

#define N_CGROUPS   5000
#define N_PROCESSES 10000
#define RUNS        101

static uint64_t now_nsec(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return x < y ? -1 : x > y;
}

static void print_median(const char *what, uint64_t *nsec, size_t n) {
        qsort(nsec, n, sizeof(*nsec), by_value);
        printf("%-64s median %8.1f us  (min %.1f, max %.1f, n %zu)\n", what, (double)nsec[n / 2] / 1e3,
               (double)nsec[0] / 1e3, (double)nsec[n - 1] / 1e3, n);
}

static Term terms[16];
static Expr exprs[16];
static CgroupPolicy cgroup_policies[2];
static Policy policy = {
        .daemon = { .interval_min_usec = 50000, .interval_max_usec = 1000000 },
        .cgroups = cgroup_policies, .n_cgroups = 2, .exprs = exprs, .terms = terms,
};

static uint16_t add_term(Metric m, Comparison c, uint64_t permyriad, uint64_t window_usec, bool host) {
        terms[policy.n_terms] = (Term){ m, host, c, UNIT_SHARE, window_usec, permyriad, UINT64_MAX, 0 };
        exprs[policy.n_exprs] = (Expr){ .kind = EXPR_TERM, .a = (uint16_t)policy.n_terms++ };
        return (uint16_t)policy.n_exprs++;
}

static void build_policy(void) {
        for (int i = 0; i < 2; i++) {
                cgroup_policies[i] = (CgroupPolicy){ .name = (char *)(i ? "limited" : "host"), .host = i == 0, .max_processes = 200 };
                for (Level l = LEVEL_CALM; l < _LEVEL_MAX; l++)
                        cgroup_policies[i].levels[l] = (LevelPolicy){ .when = EXPR_NONE, .until = EXPR_NONE };
                cgroup_policies[i].levels[LEVEL_KILL].steps = 1u << STEP_KILL;
        }
        cgroup_policies[0].levels[LEVEL_WARN].when = add_term(METRIC_AVAILABLE, COMPARE_LT, 1500, 0, true);
        uint16_t a = add_term(METRIC_AVAILABLE, COMPARE_LT, 1000, 0, true), b = add_term(METRIC_SWAP_FREE, COMPARE_LT, 1000, 0, true);
        exprs[policy.n_exprs] = (Expr){ .kind = EXPR_AND, .a = a, .b = b };
        cgroup_policies[0].levels[LEVEL_KILL].when = (uint16_t)policy.n_exprs++;
        cgroup_policies[1].levels[LEVEL_KILL].when = add_term(METRIC_FULL, COMPARE_GT, 6000, 2000000, false);
}

static void build_snapshot(Snapshot *s, CgroupSample *cgroups, ProcessSample *processes) {
        *s = (Snapshot){ .mono_usec = 1000000000, .page_size = 4096, .cgroups = cgroups, .processes = processes };
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                host_set(&s->host, f, 0);
        host_set(&s->host, HOST_MEM_TOTAL, UINT64_C(64) << 30);
        host_set(&s->host, HOST_MEM_AVAILABLE, UINT64_C(32) << 30);
        for (uint32_t i = 0; i < N_CGROUPS; i++) {
                char *path = malloc(96);
                snprintf(path, 96, "/kubepods.slice/kubepods-burstable.slice/pod-%u.slice/crio-%u.scope", i / 2, i);
                cgroups[i] = (CgroupSample){ .id = 100 + i, .parent = INDEX_NONE, .policy = i < 20 ? 1 : -1, .path = path, .marks = CGROUP_MARK_LEAF };
                cgroup_set(&cgroups[i], CGROUP_PSI_FULL_USEC, 0);
                cgroup_set(&cgroups[i], CGROUP_CURRENT, UINT64_C(10) << 20);
                cgroup_set(&cgroups[i], CGROUP_HIGH, CGROUP_NO_LIMIT);
        }
        for (uint32_t i = 0; i < N_PROCESSES; i++) {
                processes[i] = (ProcessSample){
                        .pid = (int32_t)i + 100, .pgid = (int32_t)(i / 2) + 100, .sid = 100, .start_ticks = i, .cgroup = i % N_CGROUPS, .rule = -1, .tier = TIER_NORMAL,
                        .cgroup_id = cgroups[i % N_CGROUPS].id, .cgroup_path = cgroups[i % N_CGROUPS].path,
                        .flags = PROCESS_SIZES | PROCESS_IDENTITY | PROCESS_SCORE, .rss_anon = 1000 + i * 7919 % 5000,
                };
                snprintf(processes[i].comm, COMM_MAX, "worker-%u", i % 1000);
        }
}

int main(void) {
        const DecideLimits limits = { .max_domains = 256, .max_cgroups = N_CGROUPS, .max_processes = N_PROCESSES };
        CgroupSample *cgroups = calloc(N_CGROUPS, sizeof(*cgroups));
        ProcessSample *processes = calloc(N_PROCESSES, sizeof(*processes));
        Decision *d = calloc(1, sizeof(*d));
        uint64_t full[RUNS], cheap[RUNS];
        Snapshot s;
        DecideState *state;

        build_policy();
        build_snapshot(&s, cgroups, processes);
        size_t size = decide_state_size(&policy, &limits);
        void *memory = malloc(size);
        if (!cgroups || !processes || !d || !memory || decide_state_init(memory, size, &policy, &limits, &state) < 0)
                return 1;

        for (int i = 0; i < RUNS; i++) {
                s.detail = 0;
                s.n_cgroups = 20;
                s.n_processes = 0;
                s.mono_usec += 1000000;
                uint64_t start = now_nsec();
                (void)decide_step(state, &s, d);
                cheap[i] = now_nsec() - start;
        }
        s.host.value[HOST_MEM_AVAILABLE] = UINT64_C(1) << 30;
        for (int i = 0; i < RUNS; i++) {
                if (decide_state_init(memory, size, &policy, &limits, &state) < 0)
                        return 1;
                s.detail = DETAIL_CGROUPS | DETAIL_PROCESSES;
                s.n_cgroups = N_CGROUPS;
                s.n_processes = N_PROCESSES;
                uint64_t available = s.host.value[HOST_MEM_AVAILABLE];
                s.host.value[HOST_MEM_AVAILABLE] = UINT64_C(32) << 30; /* a first scan, so that growth has a base */
                (void)decide_step(state, &s, d);
                s.host.value[HOST_MEM_AVAILABLE] = available;
                s.mono_usec += 20000000;
                processes[i].rss_anon += 500000;
                uint64_t start = now_nsec();
                (void)decide_step(state, &s, d);
                full[i] = now_nsec() - start;
                if (!d->has_kill || d->kill.candidates[0].pid != processes[i].pid) {
                        fprintf(stderr, "bench-decide: the step did not kill the grower\n");
                        return 1;
                }
        }
        print_median("decide_step, cheap sample, host and 20 cgroups", cheap, RUNS);
        print_median("decide_step, kill, 5000 cgroups and 10000 processes", full, RUNS);
        printf("state: %.1f MiB reserved; allocations in decide_step: none (test purity)\n", (double)size / (1 << 20));
        return 0;
}
