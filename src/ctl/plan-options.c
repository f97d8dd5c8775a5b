/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The options of plan: text to a request, with what was expected where that fails. */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "ctl/plan.h"
#include "ctl/policy-path.h"
#include "plan/question.h"

int plan_options_take(PlanOptions *p, CtlOption o, const char *value) {
        static const size_t offsets[] = {
                [CTL_OPTION_RAM] = offsetof(PlanOptions, ram),
                [CTL_OPTION_SWAP] = offsetof(PlanOptions, swap),
                [CTL_OPTION_ZRAM] = offsetof(PlanOptions, zram),
                [CTL_OPTION_SWAPPINESS] = offsetof(PlanOptions, swappiness),
                [CTL_OPTION_OVERCOMMIT] = offsetof(PlanOptions, overcommit),
                [CTL_OPTION_REPORT] = offsetof(PlanOptions, report),
                [CTL_OPTION_WRITE_DROPINS] = offsetof(PlanOptions, dropins),
        };

        switch (o) {
        case CTL_OPTION_RAM:
        case CTL_OPTION_SWAP:
        case CTL_OPTION_ZRAM:
        case CTL_OPTION_SWAPPINESS:
        case CTL_OPTION_OVERCOMMIT:
        case CTL_OPTION_REPORT:
        case CTL_OPTION_WRITE_DROPINS:
                *(const char **)(void *)((char *)p + offsets[o]) = value;
                return 0;
        case CTL_OPTION_SCALE:
        case CTL_OPTION_LIMIT:
        case CTL_OPTION_DENSITY:
                break;
        default:
                return -EINVAL;
        }
        const char **list = o == CTL_OPTION_SCALE ? p->scales : o == CTL_OPTION_LIMIT ? p->limits : p->densities;
        uint32_t *n = o == CTL_OPTION_SCALE ? &p->n_scales : o == CTL_OPTION_LIMIT ? &p->n_limits : &p->n_densities;
        if (*n == PLAN_OPTION_LIST_MAX) {
                (void)fprintf(stderr, "headroomctl: more than %d of one option\n", PLAN_OPTION_LIST_MAX);
                return -EINVAL;
        }
        list[(*n)++] = value;
        return 0;
}

void plan_keep_done(PlanKeep *k) {
        for (uint32_t i = 0; i < k->n_texts; i++)
                free(k->texts[i]);
        policy_free(k->policy);
        policy_free(k->fallback);
        *k = (PlanKeep){ 0 };
}

static int parse_list(const char *const *values, uint32_t n, int (*parse)(char *text, PlanQuestion *q, char *error),
                      PlanQuestion *q, PlanKeep *keep, char *error) {
        for (uint32_t i = 0; i < n; i++) {
                char *text = strdup(values[i]);
                if (!text)
                        return -ENOMEM;
                keep->texts[keep->n_texts++] = text;
                int r = parse(text, q, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static CtlExit complain(const char *option, const char *error) {
        (void)fprintf(stderr, "headroomctl: %s: %s\n", option, error);
        return CTL_EXIT_USAGE;
}

static CtlExit parse_texts(const PlanOptions *o, PlanRequest *q, PlanKeep *keep) {
        char error[QUESTION_ERROR_MAX] = "";

        if (o->ram && question_parse_sizes(o->ram, q->ram_bytes, PLAN_RAM_MAX, &q->n_ram, error) < 0)
                return complain("--ram", error);
        if (o->swap && question_parse_swap(o->swap, &q->base, error) < 0)
                return complain("--swap", error);
        if (o->zram && question_parse_zram(o->zram, &q->base, error) < 0)
                return complain("--zram", error);
        if (o->swappiness && question_parse_swappiness(o->swappiness, &q->base, error) < 0)
                return complain("--swappiness", error);
        if (o->overcommit && question_parse_overcommit(o->overcommit, &q->base, error) < 0)
                return complain("--overcommit", error);
        if (parse_list(o->scales, o->n_scales, question_parse_scale, &q->base, keep, error) < 0)
                return complain("--scale", error);
        if (parse_list(o->limits, o->n_limits, question_parse_limit, &q->base, keep, error) < 0)
                return complain("--limit", error);
        for (uint32_t i = 0; i < MIN(o->n_densities, (uint32_t)PLAN_DENSITIES_MAX); i++) {
                q->densities[i] = question_parse_pattern(o->densities[i], error);
                if (!q->densities[i])
                        return complain("--density", error);
                q->n_densities++;
        }
        return CTL_EXIT_OK;
}

static uint32_t n_cpus(void) {
        cpu_set_t set;
        return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)MAX(CPU_COUNT(&set), 1) : 1;
}

CtlExit plan_options_resolve(const PlanOptions *o, const char *policy, bool is_report, PlanRequest *ret, PlanKeep *keep) {
        PlanRequest q = { .dir_fd = AT_FDCWD, .is_report = is_report, .n_threads = n_cpus(), .base = { .swappiness = -1 } };

        CtlExit r = parse_texts(o, &q, keep);
        if (r == CTL_EXIT_OK && policy && policy_path_load(policy, &keep->policy) < 0)
                r = CTL_EXIT_FAILED;
        if (r == CTL_EXIT_OK && !is_report && policy_path_load(NULL, &keep->fallback) < 0)
                r = CTL_EXIT_FAILED;
        if (r != CTL_EXIT_OK)
                return r;
        q.base.policy = keep->policy;
        q.fallback = keep->fallback;
        q.has_base = o->swap || o->zram || o->swappiness || o->overcommit || policy || q.base.n_scales > 0 ||
                     q.base.n_limits > 0;
        question_set_name(&q.base);
        *ret = q;
        return CTL_EXIT_OK;
}
