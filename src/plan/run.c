/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "plan/pass.h"

#define DAY_USEC (UINT64_C(86400) * USEC_PER_SEC)

uint64_t plan_path_bytes(int dir_fd, const char *path) {
        struct stat st;

        if (fstatat(dir_fd, path, &st, 0) < 0)
                return 0;
        if (!S_ISDIR(st.st_mode))
                return (uint64_t)st.st_size;
        int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        uint64_t sum = 0;
        if (!d) {
                (void)fd_close(fd);
                return 0;
        }
        for (struct dirent *e; (e = readdir(d));)
                if (text_has_suffix(e->d_name, ".trace") && fstatat(dirfd(d), e->d_name, &st, 0) == 0)
                        sum += (uint64_t)st.st_size;
        (void)closedir(d);
        return sum;
}

static PlanAnswer *add_answer(PlanRun *r, PlanRole role, const PlanQuestion *q) {
        if (r->n_answers == PLAN_ANSWERS_MAX)
                return NULL;
        PlanAnswer *a = &r->answers[r->n_answers++];
        *a = (PlanAnswer){ .role = role, .question = *q };
        return a;
}

static void add_ram(const PlanRequest *q, PlanRun *r, uint64_t bytes) {
        for (uint32_t i = 0; i < r->n_answers; i++)
                if (r->answers[i].role == PLAN_ROLE_RAM && r->answers[i].question.ram_bytes == bytes)
                        return;
        PlanAnswer *a = add_answer(r, PLAN_ROLE_RAM, &q->base);
        if (!a)
                return;
        TextBuf b = TEXT_BUF(a->question.name);
        text_append(&b, "ram ");
        units_append_bytes(&b, bytes);
        a->question.ram_bytes = bytes;
}

static void first_questions(const PlanRequest *q, PlanRun *r) {
        static const PlanQuestion recorded = { .name = "as recorded", .swappiness = -1 };

        (void)add_answer(r, PLAN_ROLE_RECORDED, &recorded);
        if (q->is_report)
                return;
        if (q->has_base)
                (void)add_answer(r, PLAN_ROLE_ASKED, &q->base);
        for (uint32_t i = 0; i < q->n_ram; i++)
                add_ram(q, r, q->ram_bytes[i]);
}

static void answer_ram(PlanRun *r) {
        RamPoint points[PLAN_ANSWERS_MAX];
        uint32_t n = 0;

        for (uint32_t i = 0; i < r->n_answers; i++)
                if (r->answers[i].role == PLAN_ROLE_RAM && r->answers[i].is_done)
                        points[n++] = (RamPoint){ r->answers[i].question.ram_bytes, r->answers[i].outcome.is_safe,
                                                  r->answers[i].outcome.confidence };
        r->has_ram = n > 0;
        ram_answer(points, n, r->stats->clock.observed_usec < DAY_USEC, &r->ram);
}

/* The first number of copies that should not fit, in closed loop: where does it break first? */
static void add_copies(const PlanRequest *q, PlanRun *r, uint32_t i) {
        const DensityTrack *t = &r->stats->densities[i];
        const DensityResult *d = &r->densities[i];

        if (!d->has_copy || t->n_copies_max == 0 || q->base.n_scales == PLAN_SCALES_MAX)
                return;
        uint64_t more = MAX(d->n_sigma[1], d->n_recorded) + 1;
        PlanAnswer *a = add_answer(r, PLAN_ROLE_COPIES, &q->base);
        if (!a)
                return;
        a->density = i;
        a->n_copies = more;
        /* Each of the copies that there are stands for its share of the new ones. */
        uint64_t permyriad = PERMYRIAD + u64_mul_div(more, PERMYRIAD, t->n_copies_max);
        a->question.scales[a->question.n_scales++] = (PlanScale){ t->pattern, permyriad };
        (void)snprintf(a->question.name, sizeof(a->question.name), "%llu more copies", (unsigned long long)more);
}

static void last_questions(const PlanRequest *q, PlanRun *r) {
        uint64_t sizes[RAM_REFINE_POINTS];
        /* Who names sizes wants these. */
        uint32_t n = q->n_ram > 0 ? 0 : ram_refine(&r->ram, sizes);

        for (uint32_t i = 0; i < n; i++)
                add_ram(q, r, sizes[i]);
        for (uint32_t i = 0; i < q->n_densities; i++)
                add_copies(q, r, i);
}

static void forget_answers(PlanRun *r) {
        for (uint32_t i = 0; i < r->n_answers; i++)
                if (r->answers[i].is_done)
                        plan_outcome_done(&r->answers[i].outcome);
        r->n_answers = 0;
}

/* The first pass: the statistics, and what can be asked without them. */
static int first_pass(PlanRequest *q, PlanRun *r, TraceError *ret_error) {
        first_questions(q, r);
        int ret = plan_pass(q, r, 0, r->stats, ret_error);
        if (ret < 0)
                return ret;
        plan_stats_finish(r->stats);
        if (r->stats->n_samples == 0) {
                (void)snprintf(ret_error->text, sizeof(ret_error->text), "holds not one sample");
                return -ENODATA;
        }
        for (uint32_t i = 0; i < q->n_densities; i++)
                density_result(&r->stats->densities[i], &r->densities[i]);
        if (r->stats->n_policies > 0 || q->base.policy || !q->fallback)
                return 0;
        /* Nobody decided anything here: what would have, had a daemon run. */
        r->is_fallback = true;
        forget_answers(r);
        q->base.policy = q->fallback;
        q->has_base = true;
        first_questions(q, r);
        return plan_pass(q, r, 0, NULL, ret_error);
}

static int passes(const PlanRequest *request, PlanRun *r, TraceError *ret_error) {
        uint64_t grid[RAM_GRID_POINTS];
        PlanRequest q = *request;

        int ret = first_pass(&q, r, ret_error);
        r->policy_hash = q.base.policy ? q.base.policy->hash : 0;
        if (ret < 0 || q.is_report)
                return ret;
        uint32_t from = r->n_answers;
        if (q.n_ram == 0) {
                uint32_t n = ram_grid(r->stats->demand_peak_bytes, grid);
                for (uint32_t i = 0; i < n; i++)
                        add_ram(&q, r, grid[i]);
                ret = plan_pass(&q, r, from, NULL, ret_error);
                if (ret < 0)
                        return ret;
        }
        answer_ram(r);
        from = r->n_answers;
        last_questions(&q, r);
        if (r->n_answers > from)
                ret = plan_pass(&q, r, from, NULL, ret_error);
        if (ret >= 0)
                answer_ram(r);
        return ret;
}

int plan_run(const PlanRequest *request, PlanRun *ret, TraceError *ret_error) {
        PlanRun r = { 0 };
        TraceError error = { 0 };

        (void)snprintf(error.path, sizeof(error.path), "%s", request->path);
        r.answers = calloc(PLAN_ANSWERS_MAX, sizeof(*r.answers));
        int ret_code = r.answers ? plan_stats_new(request->densities, request->n_densities, &r.stats) : -ENOMEM;
        if (ret_code >= 0)
                ret_code = passes(request, &r, &error);
        if (ret_code < 0) {
                if (error.text[0] == '\0')
                        (void)snprintf(error.text, sizeof(error.text), "%s", strerror(-ret_code));
                *ret_error = error;
                plan_run_done(&r);
                return ret_code;
        }
        *ret = r;
        return 0;
}

void plan_run_done(PlanRun *r) {
        forget_answers(r);
        free(r->answers);
        plan_stats_free(r->stats);
        *r = (PlanRun){ 0 };
}
