/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How long ten what-ifs take: a generated host at 1 Hz with 100 cgroups and 300 processes, details every ten seconds,
 * over ten RAM sizes from plenty to far too little. Prints what a week of it would take.
 *
 *   bench-plan [HOURS]
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/world.h"
#include "plan/sim-supply.h"
#include "plan/sim.h"

#define N_CGROUPS   100
#define N_PROCESSES 300
#define N_QUESTIONS 10
#define WEEK_SAMPLES (7 * 86400)

static double seconds(clockid_t clock) {
        struct timespec t;
        clock_gettime(clock, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char paths[N_CGROUPS][64];

/* Each process breathes with a period of its own: up to 24 MB, together some 3.6 GB. */
static uint64_t size_of(uint32_t i, uint64_t second) {
        uint64_t period = 60 + i * 7 % 600, at = second % period;
        return (4 + 20 * (at < period / 2 ? at : period - at) * 2 / period) * MB;
}

static void host_fill(HostSample *h, uint64_t second, uint64_t anon) {
        uint64_t total = 8192 * MB, file = 1500 * MB + second % 100 * MB, slab = 200 * MB;
        Watermarks w = watermarks_of(total, 0);
        uint64_t free = total - 300 * MB - anon - file - slab;

        host_set(h, HOST_MEM_TOTAL, total);
        host_set(h, HOST_MEM_FREE, free);
        host_set(h, HOST_MEM_AVAILABLE, free + file - w.low + slab - w.low - w.reserve);
        host_set(h, HOST_ACTIVE_FILE, file / 3);
        host_set(h, HOST_INACTIVE_FILE, file - file / 3);
        host_set(h, HOST_ANON_PAGES, anon);
        host_set(h, HOST_SHMEM, 0);
        host_set(h, HOST_SLAB_RECLAIMABLE, slab);
        host_set(h, HOST_SWAP_TOTAL, 0);
        host_set(h, HOST_SWAP_FREE, 0);
        host_set(h, HOST_PSI_SOME_USEC, second * 100);
        host_set(h, HOST_PSI_FULL_USEC, second * 50);
        host_set(h, HOST_VM_PGSCAN_KSWAPD, 0);
        host_set(h, HOST_VM_PGSCAN_DIRECT, 0);
        host_set(h, HOST_VM_REFAULT_FILE, 0);
        host_set(h, HOST_VM_OOM_KILL, 0);
}

static void details_fill(World *w, Snapshot *s, uint64_t second) {
        w->snap.n_cgroups = w->snap.n_processes = 0;
        for (uint32_t i = 0; i < N_CGROUPS; i++)
                world_unit(w, 1000 + i, paths[i], i == 0 ? INDEX_NONE : 0, 0);
        for (uint32_t i = 0; i < N_PROCESSES; i++) {
                uint32_t c = 1 + i % (N_CGROUPS - 1);
                world_process(w, 100 + (int32_t)i, "worker", size_of(i, second), c);
                w->cgroups[c].value[CGROUP_CURRENT] += size_of(i, second);
                w->cgroups[c].value[CGROUP_ANON] += size_of(i, second);
        }
        s->n_cgroups = w->snap.n_cgroups;
        s->n_processes = w->snap.n_processes;
        s->detail = DETAIL_CGROUPS | DETAIL_PROCESSES | DETAIL_STATS;
}

static uint64_t anon_of(uint64_t second) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < N_PROCESSES; i++)
                sum += size_of(i, second);
        return sum;
}

static void feed(PlanSim **sims, const TraceRecord *r) {
        for (int i = 0; i < N_QUESTIONS; i++)
                if (plan_sim_feed(sims[i], r) < 0)
                        abort();
}

int main(int argc, char **argv) {
        uint64_t samples = (argc > 1 ? strtoull(argv[1], NULL, 10) : 6) * 3600;
        World *w = world_new(8192 * MB, 0);
        PlanSim *sims[N_QUESTIONS] = { 0 };
        static TraceRecord r;

        world_host_policy(w);
        for (uint32_t i = 0; i < N_CGROUPS; i++)
                (void)snprintf(paths[i], sizeof(paths[i]), i == 0 ? "/" : "/system.slice/unit-%u.service", i);
        for (uint64_t i = 0; i < N_QUESTIONS; i++) {
                PlanQuestion q = { .swappiness = -1, .policy = &w->policy, .ram_bytes = (3072 + i * 512) * MB };
                if (plan_sim_new(&q, &sims[i]) < 0)
                        return 1;
        }
        r.kind = TRACE_START;
        r.start = (TraceStart){ .page_size = WORLD_PAGE, .interval_usec = USEC_PER_SEC, .detail_interval_usec = 10 * USEC_PER_SEC };
        feed(sims, &r);
        double spent = 0;
        for (uint64_t second = 0; second < samples; second++) {
                r.kind = TRACE_SAMPLE;
                r.snap = (Snapshot){ .mono_usec = (1000 + second) * USEC_PER_SEC, .page_size = WORLD_PAGE, .cgroups = w->cgroups,
                                     .processes = w->processes };
                host_fill(&r.snap.host, second, anon_of(second));
                if (second % 10 == 0)
                        details_fill(w, &r.snap, second);
                double begin = seconds(CLOCK_THREAD_CPUTIME_ID);
                feed(sims, &r);
                spent += seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
        }
        printf("plan: %d questions, %llu samples, %d cgroups, %d processes\n", N_QUESTIONS, (unsigned long long)samples, N_CGROUPS,
               N_PROCESSES);
        for (int i = 0; i < N_QUESTIONS; i++) {
                PlanOutcome o;
                if (plan_sim_finish(sims[i], &o) < 0)
                        return 1;
                printf("  ram %5d MiB: %llu kills, %llu by the kernel\n", 3072 + i * 512, (unsigned long long)o.n_kills,
                       (unsigned long long)o.n_kernel_kills);
                plan_outcome_done(&o);
                plan_sim_free(sims[i]);
        }
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        double each = spent / (double)samples / N_QUESTIONS;
        printf("  %.1f us a sample and question; a week of ten questions on two cores: %.0f s (target 300 s); %ld MiB\n", each * 1e6,
               each * WEEK_SAMPLES * N_QUESTIONS / 2, u.ru_maxrss / 1024);
        free(w);
        return 0;
}
