/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What-ifs as people write them on a command line -> a PlanQuestion. Errors say what was expected. */

#include "base/macros.h"
#include "plan/sim.h"

#define QUESTION_ERROR_MAX 200

/* Each takes the value of one option. -EINVAL with @error filled. Text that patterns point to is borrowed. */
/* "4G,8G,12G" -> sizes, in the order given. -E2BIG with @error where there are more than @max. */
int question_parse_sizes(const char *text, uint64_t *sizes, uint32_t max, uint32_t *ret_n, char *error);
/* "2G", "0" for none */
int question_parse_swap(const char *text, PlanQuestion *q, char *error);
/* "4G" or "4G:35%": disksize and compressed to original size */
int question_parse_zram(const char *text, PlanQuestion *q, char *error);
/* 0 to 200 */
int question_parse_swappiness(const char *text, PlanQuestion *q, char *error);
/* "strict:80" */
int question_parse_overcommit(const char *text, PlanQuestion *q, char *error);
/* "system.slice/foo.service=2x": @text is cut at the last '='; also =1.5x and =0.5x */
int question_parse_scale(char *text, PlanQuestion *q, char *error);
/* "system.slice/foo.service=512M", "=max" */
int question_parse_limit(char *text, PlanQuestion *q, char *error);
/* A glob on cgroup paths, without its leading slash. Returns where it begins in @text; NULL with @error. */
const char *question_parse_pattern(const char *text, char *error);
/* "swap 2G, zram 4G at 35%, ..." into q->name; "options" where it gets too long. */
void question_set_name(PlanQuestion *q);
