/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Private to ranking: who is considered (rank-items.c), who stands together (rank-groups.c), who goes first (rank.c). */

#include "decide/hash-index.h"
#include "decide/state.h"

/* All growth together below this is noise. */
#define GROWTH_NOISE_DIVISOR    100
#define GROWTH_NOISE_BYTES      (UINT64_C(8) << 20)

typedef struct RankItem {
        uint32_t process; /* index in the snapshot */
        uint32_t cgroup_group, pgrp_group;
        Reject reject;
        Tier tier;
        bool is_protected, is_omitted, has_growth;
        int64_t badness, score;
        uint64_t size_pages, freeable, growth, span_usec;
} RankItem;

typedef struct RankGroup {
        uint64_t cgroup_id;
        int32_t pgid; /* 0: the cgroup as a whole */
        uint32_t cgroup; /* index in the snapshot or INDEX_NONE */
        const char *path;
        uint32_t path_len;
        bool oom_group, is_whole; /* is_whole: stands for its members as one candidate */
        bool blocked;             /* holds somebody who must not die */
        bool has_terminal, is_protected, has_growth;
        uint32_t n, n_eligible;
        Tier tier;
        int64_t badness, score;
        uint64_t size_pages, freeable, growth, span_usec, max_freeable, max_growth;
        uint32_t biggest; /* item */
} RankGroup;

struct RankScratch {
        RankItem *items;
        RankGroup *groups;
        HashIndex index;
        uint32_t max, n_items, n_groups;
};

typedef struct RankContext {
        const DecideState *s;
        const Domain *d;
        const CgroupPolicy *policy;
        const Snapshot *snap;
        struct RankScratch *scratch;
        KillDecision *k;
        uint64_t total_bytes, growth_total, freeable_total, relief_min;
        bool has_marks; /* any cgroup of the snapshot is marked: mostly none is */
} RankContext;

/* rank-items.c */
bool rank_domain_holds(const Domain *d, const char *cgroup_path);
bool rank_was_tried(const DecideState *s, CandidateKind kind, int32_t pid, uint64_t start_ticks, uint64_t cgroup_id,
                    uint64_t now_usec);
void rank_build_items(RankContext *x);
/* rank-groups.c */
void rank_build_groups(RankContext *x);
