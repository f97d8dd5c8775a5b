/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/metric.h"
#include "decide/state.h"
#include "model/decision.h"

/*
 * Takes the new sample into the series and `for` clocks of @d, and finds @d->is_when: once a step. Returns the Detail bits
 * without which a term of this domain cannot be evaluated.
 */
uint32_t condition_update(const DecideState *s, Domain *d, const MetricInput *in, uint64_t dt_usec);

/* Metrics counted as false, to see what a condition rests on: bit (1 << Metric). */
#define METRICS_PRESSURE (1u << METRIC_SOME | 1u << METRIC_FULL)

/* After condition_update(). @without: metrics whose terms count as false. EXPR_NONE is false. */
Truth condition_eval(const DecideState *s, const Domain *d, uint16_t expr, uint32_t without);
/* On a newer sample, without taking it in: what `for` clocks have held stays held. */
Truth condition_peek(const DecideState *s, const Domain *d, uint16_t expr, const MetricInput *in);
/* Every term with its value and limit. */
void condition_report(const DecideState *s, const Domain *d, uint16_t expr, const MetricInput *in, ConditionReport *ret);
/* The limit in bytes of a byte metric, caps applied. */
uint64_t condition_limit_bytes(const Term *t, uint64_t total);
/* Calls for each term under @expr. */
typedef void (*ConditionTermFn)(void *userdata, const Term *t, uint16_t term);
void condition_each_term(const Policy *p, uint16_t expr, ConditionTermFn fn, void *userdata);
