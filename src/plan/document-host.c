/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Sections of the plan document that are measured: of the host as a whole. */

#include "plan/commit.h"
#include "plan/document-parts.h"
#include "plan/round.h"
#include "report/json.h"

static Basis measured(const PlanStats *s) {
        return (Basis){ PLAN_MEASURED, s->n_samples, s->clock.observed_usec };
}

json_t *doc_headroom(const PlanStats *s) {
        static const struct {
                const char *key;
                uint32_t permyriad;
        } percentiles[] = { { "p1", 100 }, { "p5", 500 }, { "p50", 5000 }, { "p95", 9500 } };
        const Basis b = measured(s);

        if (!s->has_headroom)
                return json_null();
        json_t *o = json_object();
        doc_set(o, "min", doc_number(&b, "bytes", s->worst.headroom_bytes));
        doc_set(o, "min_real_usec", json_u64(s->worst.real_usec, 0));
        doc_set(o, "min_axis_usec", json_u64(s->worst.axis_usec, UINT64_MAX));
        for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
                doc_set(o, percentiles[i].key,
                        doc_number(&b, "bytes", histogram_percentile(&s->headroom, percentiles[i].permyriad)));
        doc_set(o, "histogram", histogram_to_json(&s->headroom));
        return o;
}

json_t *doc_demand(const PlanStats *s) {
        const Basis b = measured(s);

        if (s->demand.total == 0)
                return json_null();
        json_t *o = json_object();
        doc_set(o, "peak", doc_number(&b, "bytes", s->demand.max));
        doc_set(o, "p95", doc_number(&b, "bytes", histogram_percentile(&s->demand, 9500)));
        doc_set(o, "p50", doc_number(&b, "bytes", histogram_percentile(&s->demand, 5000)));
        doc_set(o, "histogram", histogram_to_json(&s->demand));
        return o;
}

json_t *doc_series(const PlanStats *s) {
        json_t *o = json_object(), *columns = json_array(), *points = json_array();

        (void)json_array_append_new(columns, json_string("axis_usec"));
        (void)json_array_append_new(columns, json_string("real_usec"));
        for (StackPart p = 0; p < _STACK_PART_MAX; p++)
                (void)json_array_append_new(columns, json_string(stack_part_to_string(p)));
        (void)json_array_append_new(columns, json_string("headroom_min"));
        (void)json_array_append_new(columns, json_string("headroom_max"));
        for (uint32_t i = 0; i < s->series.n_points; i++) {
                const TimelinePoint *p = &s->series.points[i];
                if (p->n == 0)
                        continue;
                json_t *a = json_array();
                (void)json_array_append_new(a, json_u64(p->worst.axis_usec, UINT64_MAX));
                (void)json_array_append_new(a, json_u64(p->worst.real_usec, 0));
                for (StackPart k = 0; k < _STACK_PART_MAX; k++)
                        (void)json_array_append_new(a, p->worst.has_stack ? json_u64(p->worst.stack[k], UINT64_MAX) : json_null());
                (void)json_array_append_new(a, json_u64(p->worst.headroom_bytes, UINT64_MAX));
                (void)json_array_append_new(a, json_u64(p->headroom_max_bytes, UINT64_MAX));
                (void)json_array_append_new(points, a);
        }
        doc_set(o, "source", json_string(plan_confidence_to_string(PLAN_MEASURED)));
        doc_set(o, "point_usec", json_u64(s->series.width_usec, UINT64_MAX));
        doc_set(o, "columns", columns);
        doc_set(o, "points", points);
        return o;
}

json_t *doc_pressure(const PlanStats *s) {
        const Basis b = measured(s);
        json_t *o = json_object();

        doc_set(o, "is_calibrated", json_boolean(s->has_psi && s->worst_minute_permyriad >= PLAN_CALIBRATED_PERMYRIAD));
        doc_set(o, "has_psi", json_boolean(s->has_psi));
        if (!s->has_psi)
                return o;
        doc_set(o, "some", doc_number(&b, "usec", s->some_usec));
        doc_set(o, "full", doc_number(&b, "usec", s->full_usec));
        doc_set(o, "worst_minute", doc_number(&b, "permyriad", s->worst_minute_permyriad));
        return o;
}

static json_t *seen_kill(const SeenKill *k) {
        json_t *o = json_object();

        doc_set(o, "axis_usec", json_u64(k->axis_usec, UINT64_MAX));
        doc_set(o, "real_usec", json_u64(k->real_usec, 0));
        doc_set(o, "by", json_string(k->is_kernel ? "kernel" : "headroomd"));
        doc_set(o, "n", json_u64(k->n, UINT64_MAX));
        if (k->is_kernel)
                return o;
        doc_set(o, "is_dry_run", json_boolean(k->kill.dry_run));
        doc_set(o, "is_cancelled", json_boolean(k->is_cancelled));
        doc_set(o, "step", json_string(step_to_string(k->kill.step)));
        doc_set(o, "reason", json_string(reason_to_string(k->kill.reason)));
        doc_set(o, "domain", json_escaped(k->kill.domain_path));
        doc_set(o, "policy", json_escaped(k->kill.policy_name));
        doc_set(o, "pid", json_integer(k->kill.pid));
        doc_set(o, "comm", json_escaped(k->kill.comm));
        doc_set(o, "cgroup", json_escaped(k->kill.cgroup_path));
        doc_set(o, "processes", json_integer(k->kill.n_processes));
        doc_set(o, "freeable_bytes", json_u64(k->kill.freeable_bytes, UINT64_MAX));
        doc_set(o, "available_bytes", json_u64(k->kill.available_bytes, UINT64_MAX));
        doc_set(o, "deficit_bytes", json_u64(k->kill.deficit_bytes, UINT64_MAX));
        return o;
}

json_t *doc_kills(const PlanStats *s) {
        json_t *o = json_object(), *events = json_array();

        for (uint32_t i = 0; i < s->n_seen; i++)
                (void)json_array_append_new(events, seen_kill(&s->seen[i]));
        doc_set(o, "source", json_string(plan_confidence_to_string(PLAN_MEASURED)));
        doc_set(o, "n", json_u64(s->n_kills, UINT64_MAX));
        doc_set(o, "n_kernel", json_u64(s->n_kernel_kills, UINT64_MAX));
        doc_set(o, "n_cancelled", json_u64(s->n_cancelled, UINT64_MAX));
        doc_set(o, "is_dry_run", json_boolean(s->has_dry_run));
        doc_set(o, "events", events);
        return o;
}

static json_t *forecast_one(const ForecastResult *f, const Basis *b) {
        json_t *o = json_object();

        doc_set(o, "window_usec", json_u64(f->span_usec, UINT64_MAX));
        doc_set(o, "points", json_integer(f->n));
        if (f->has_slope) {
                doc_set(o, "slope_bytes_per_hour", json_integer(i64_of_double(f->slope.slope * 3600)));
                doc_set(o, "slope_low_bytes_per_hour", json_integer(i64_of_double(f->slope.low * 3600)));
                doc_set(o, "slope_high_bytes_per_hour", json_integer(i64_of_double(f->slope.high * 3600)));
        }
        if (!f->is_exhausting) {
                doc_set(o, "exhaustion", json_null());
                return o;
        }
        json_t *number = doc_number(b, "usec", f->exhausted_usec);
        doc_set(number, "low_usec", json_u64(f->low_usec, UINT64_MAX));
        doc_set(number, "high_usec", json_u64(f->high_usec, UINT64_MAX));
        doc_set(o, "exhaustion", number);
        return o;
}

static json_t *back_test(const ForecastRecord *r) {
        json_t *o = json_object();

        doc_set(o, "forecasts", json_u64(r->n, UINT64_MAX));
        doc_set(o, "hits", json_u64(r->n_hits, UINT64_MAX));
        doc_set(o, "false_alarms", json_u64(r->n_false, UINT64_MAX));
        doc_set(o, "missed", json_u64(r->n_missed, UINT64_MAX));
        if (r->n > 0) {
                doc_set(o, "mean_error_bytes", json_integer(i64_of_double(r->sum_error_bytes / (double)r->n)));
                doc_set(o, "mean_abs_error_bytes", json_integer(i64_of_double(r->sum_abs_bytes / (double)r->n)));
        }
        if (r->n_hits > 0)
                doc_set(o, "mean_abs_time_error_usec", json_integer(i64_of_double(r->sum_abs_time_usec / (double)r->n_hits)));
        return o;
}

json_t *doc_forecast(const PlanStats *s) {
        /* It looks ahead: a model whatever it rests on; with its interval, and its record on this very trace. */
        const Basis b = { PLAN_MODELLED, s->n_samples, s->clock.observed_usec };
        json_t *o = json_object(), *windows = json_array();
        ForecastResult f;

        for (uint32_t i = 0; i < FORECAST_WINDOWS; i++) {
                forecast_window(&s->forecast, i, &f);
                json_t *w = forecast_one(&f, &b);
                doc_set(w, "back_test", back_test(&s->forecast.windows[i].record));
                (void)json_array_append_new(windows, w);
        }
        doc_set(o, "floor_bytes", json_u64(s->forecast.floor_bytes, UINT64_MAX));
        doc_set(o, "interval_permyriad", json_integer(9000));
        doc_set(o, "earliest", forecast_earliest(&s->forecast, &f) ? forecast_one(&f, &b) : json_null());
        doc_set(o, "windows", windows);
        return o;
}

json_t *doc_commit(const PlanStats *s) {
        const Basis b = measured(s), estimated = { PLAN_ESTIMATED, s->n_samples, s->clock.observed_usec };
        CommitAdvice a;

        if (!s->has_committed || s->mem_total_max == 0)
                return json_null();
        commit_advise(&s->committed, s->mem_total_max, s->swap_total_max, &a);
        json_t *o = json_object();
        doc_set(o, "committed_peak", doc_number(&b, "bytes", a.peak_bytes));
        doc_set(o, "committed_p99", doc_number(&b, "bytes", a.p99_bytes));
        doc_set(o, "recorded_limit_bytes", json_u64(s->commit_limit_latest, 0));
        doc_set(o, "over_limit_usec", json_u64(s->commit_over_usec, UINT64_MAX));
        doc_set(o, "margin_permyriad", json_integer(COMMIT_MARGIN_PERMYRIAD));
        doc_set(o, "needed_limit", doc_number(&estimated, "bytes", a.limit_bytes));
        doc_set(o, "needed_ratio", doc_number(&estimated, "percent", a.ratio));
        doc_set(o, "is_more_than_memory", json_boolean(a.is_more_than_memory));
        return o;
}
