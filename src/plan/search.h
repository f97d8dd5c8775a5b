/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The smallest safe RAM: a grid of sizes around the recorded use, all simulated in one pass; then a finer one between the
 * greatest that failed and the least above which nothing fails.
 */

#include "base/macros.h"
#include "plan/sim.h"

#define RAM_GRID_POINTS   12
#define RAM_REFINE_POINTS 5

/* One size and how it fared. */
typedef struct RamPoint {
        uint64_t ram_bytes;
        bool is_safe;
        PlanConfidence confidence;
} RamPoint;

typedef struct RamAnswer {
        bool has_safe;             /* some size was safe, and all greater ones that were tried */
        uint64_t safe_bytes;       /* the least such */
        uint64_t unsafe_bytes;     /* the greatest below it that was tried and not safe; 0: none was */
        uint32_t margin_permyriad;
        uint64_t advised_bytes;    /* with the margin, rounded up to 16 MiB */
        PlanConfidence confidence;
        bool is_monotone;          /* no smaller size was safe where a greater was not */
} RamAnswer;

/* @demand_bytes: the recorded peak. Return: how many, growing, from 40 % to 150 % of it. */
uint32_t ram_grid(uint64_t demand_bytes, uint64_t ret[RAM_GRID_POINTS]);
/* Sizes to try next, between those of @a; 0 where nothing is left to gain. */
uint32_t ram_refine(const RamAnswer *a, uint64_t ret[RAM_REFINE_POINTS]);
/*
 * @points: sorted here. @is_short: less than a day, or no pressure was seen: the margin is 15 % instead of 10 %.
 */
void ram_answer(RamPoint *points, uint32_t n, bool is_short, RamAnswer *ret);
