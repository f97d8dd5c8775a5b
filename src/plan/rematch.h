/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Samples that were taken under one policy, as another one would have them: which of its files watches a cgroup, what its
 * rules say of a process. What the recorder did not write down of a process because its own policy did not
 * ask for it is missed, and counted for each rule.
 */

#include "base/macros.h"
#include "model/policy.h"
#include "model/snapshot.h"
#include "plan/world.h"

typedef struct Rematch Rematch;

/* @policy is borrowed. */
int rematch_new(const Policy *policy, Rematch **ret);
Rematch *rematch_free(Rematch *m);
DEFINE_TRIVIAL_CLEANUP(Rematch, rematch_free)

/* The policy under which the samples were taken, borrowed; NULL: not known. */
void rematch_set_recorded(Rematch *m, const Policy *recorded);
/* Another boot: cgroup ids mean others now. */
void rematch_forget(Rematch *m);
/* Sets CgroupSample.policy, in place. @world: what is known of limits. 0; -ENOMEM. */
int rematch_cgroups(Rematch *m, const PlanWorld *world, CgroupSample *cgroups, uint32_t n);
/* Sets what rules say, in place. */
void rematch_processes(Rematch *m, const PlanWorld *world, ProcessSample *processes, uint32_t n);

typedef struct RematchMissing {
        const char *rule;  /* its name, borrowed from the policy */
        RuleField field;   /* RULE_EXE or RULE_CMDLINE */
        uint64_t n;        /* process samples of which it was not recorded: the rule matches none of them */
        uint64_t n_asked;  /* of so many */
} RematchMissing;
/* For each rule that looks at one of the two. Owned by the Rematch. */
const RematchMissing *rematch_missing(const Rematch *m, uint32_t *ret_n);
