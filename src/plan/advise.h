/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Limits for units, each with the number it rests on. memory.max: the most that was ever needed, and a margin.
 * memory.high: between what is comfortable and that. memory.low: what it needs to get on. High and max never fall below
 * what could not have been reclaimed.
 */

#include "base/macros.h"
#include "base/text.h"
#include "plan/stats-cgroup.h"

/* As a file name in a directory of drop-ins, and as a path of one. */
#define UNIT_NAME_MAX 256

typedef enum AdviceSkip {
        ADVICE_GIVEN,
        ADVICE_NOT_A_UNIT,    /* the last part of the path is no service, scope or slice, or no legal unit name; or it lies in a container */
        ADVICE_USER_MANAGER,  /* a unit of a user's own manager: its drop-ins lie with the user */
        ADVICE_ESSENTIAL,     /* init.scope, the root slices and other parts that must not be limited */
        ADVICE_NO_STATS,      /* memory.stat of it is not in the trace */
        ADVICE_TOO_SMALL,     /* never needed 16 MiB */
        ADVICE_SESSION,       /* a transient scope of a login: its name does not come back */
        _ADVICE_SKIP_MAX,
} AdviceSkip;

typedef struct Advice {
        AdviceSkip skip;
        const CgroupStats *cgroup;
        char unit[UNIT_NAME_MAX];
        bool is_slice;                 /* MemoryLow= only: enough for what is below it */
        uint64_t low_bytes, high_bytes, max_bytes;
        uint64_t floor_peak_bytes, comfortable_bytes, need_bytes, peak_bytes; /* what they rest on */
        uint32_t margin_permyriad;
        bool was_limited;              /* it ran against a limit: its demand was cut off, so all of this is a lower bound */
        bool is_short;                 /* less than a day was seen */
} Advice;

typedef struct AdviceList {
        Advice *advices;               /* owned; those given and, behind them, those not */
        uint32_t n, n_given;
        uint64_t low_sum_bytes;        /* of the units, slices left out */
} AdviceList;

/* 0; -ENOMEM. @stats must outlive the list. */
int advise(const CgroupTable *stats, AdviceList *ret);
void advice_list_done(AdviceList *l);
const char *advice_skip_to_string(AdviceSkip s);
/* The drop-in 50-headroom.conf of the unit. */
void advice_append_dropin(TextBuf *b, const Advice *a);
/* cgroups.d/50-planned-UNIT.conf: what headroomd does when it comes near its limit. Nothing for slices. */
void advice_append_policy(TextBuf *b, const Advice *a);
/* The last component of @path if it is a unit name that may be a file name. Up to UNIT_NAME_MAX with its NUL. */
bool advice_unit_name(const char *path, char *ret);
