/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The sections of the plan document; private to document*.c. All return new references. */

#include "plan/document.h"

/* What a number rests on. */
typedef struct Basis {
        PlanConfidence source;
        uint64_t samples, span_usec;
} Basis;

/* {"@key": value, "source": ..., "samples": ..., "span_usec": ...} */
json_t *doc_number(const Basis *b, const char *key, uint64_t value);
json_t *doc_hash(uint64_t hash);
static inline void doc_set(json_t *o, const char *key, json_t *value) {
        (void)json_object_set_new(o, key, value);
}

json_t *doc_headroom(const PlanStats *s);
json_t *doc_demand(const PlanStats *s);
json_t *doc_series(const PlanStats *s);
json_t *doc_pressure(const PlanStats *s);
json_t *doc_kills(const PlanStats *s);
json_t *doc_forecast(const PlanStats *s);
json_t *doc_commit(const PlanStats *s);
json_t *doc_cgroups(const PlanStats *s);
json_t *doc_advice(const PlanStats *s);
/* @n_events: how many of its events at most. */
json_t *doc_outcome(const PlanQuestion *q, const PlanOutcome *o, uint32_t n_events);
json_t *doc_answers(const PlanRun *r);
json_t *doc_ram(const PlanRun *r);
json_t *doc_density(const PlanRequest *q, const PlanRun *r);
json_t *doc_notes(const PlanRequest *q, const PlanRun *r);
