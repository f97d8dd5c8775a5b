/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A cgroup under a memory.max that it did not have. Its demand is the recorded one; what exceeds the limit is dropped
 * from its cache first, then goes to swap as far as the host has some. With nothing left to drop or to move the kernel
 * kills within it at once. What is used and has no place makes its tasks stand still, as on a host that is too small.
 */

#include "model/cgroup-path.h"
#include "plan/sim-state.h"

/* As in sim-memory.c: a working set is touched within this, and swap brings back half of what lies there. */
#define TOUCH_USEC (10 * USEC_PER_SEC)
#define DISK_BYTES_PER_SEC (UINT64_C(100) << 20)
#define HOT_ANON_DIVISOR 2

static uint64_t victims_bytes(PlanSim *s, const DemandCgroup *c) {
        uint64_t pages = 0;
        for (uint32_t i = 0; i < s->n_touched; i++) {
                const DemandProcess *p = &s->demand.processes[s->touched[i].process];
                if (s->touched[i].is_there && (p->copies.gone & 1) && cgroup_path_inside(p->path, c->path))
                        pages = u64_add_sat(pages, s->touched[i].pages);
        }
        return u64_mul_sat(pages, s->demand.page_size);
}

static uint64_t refault_usec(uint64_t hot, uint64_t missing, uint64_t usec) {
        if (missing == 0 || hot == 0)
                return 0;
        uint64_t present = MAX(u64_sub_sat(hot, missing), hot / 50 + 1);
        uint64_t bytes = u64_mul_div(u64_mul_div(missing, hot, present), usec, TOUCH_USEC);
        return MIN(u64_mul_div(bytes, USEC_PER_SEC, DISK_BYTES_PER_SEC), usec);
}

static void limit_step(PlanSim *s, DemandCgroup *c, uint64_t usec) {
        CgroupSample now;
        uint64_t file, swap = u64_add_sat(s->supply.swap_disk, s->supply.swap_zram);

        demand_cgroup_at(&s->demand, c, s->now_usec, &now);
        uint64_t demand = u64_sub_sat(cgroup_demand(&now, &file), victims_bytes(s, c));
        uint64_t anon = cgroup_has(&now, CGROUP_ANON) ? now.value[CGROUP_ANON] : demand;
        uint64_t beyond = u64_sub_sat(demand, c->limit_bytes);
        uint64_t room = MIN(MIN(anon, demand), swap);
        if (cgroup_has(&now, CGROUP_SWAP_MAX))
                room = MIN(room, now.value[CGROUP_SWAP_MAX]);
        if (beyond > room) {
                if (!sim_flights_busy(s)) {
                        c->more_oom_kills++;
                        sim_kill_kernel(s, c, beyond - room);
                }
                c->more_some_usec += usec;
                c->more_full_usec += usec;
                return;
        }
        uint64_t hot = cgroup_has(&now, CGROUP_ACTIVE_FILE) ? MIN(now.value[CGROUP_ACTIVE_FILE], file) : file / 2;
        uint64_t left = u64_sub_sat(c->limit_bytes, demand), hot_anon = anon / HOT_ANON_DIVISOR;
        uint64_t stall = u64_add_sat(refault_usec(hot, u64_sub_sat(hot, left), usec),
                                     refault_usec(hot_anon, u64_sub_sat(beyond, anon - hot_anon), usec));
        c->more_some_usec += MIN(stall, usec);
        c->more_full_usec += MIN(stall, usec) / 2;
}

void sim_limits_step(PlanSim *s, uint64_t usec) {
        for (uint32_t i = 0; i < s->n_limited; i++)
                limit_step(s, &s->demand.cgroups[s->limited[i]], usec);
}
