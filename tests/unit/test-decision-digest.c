/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Which bytes of a Decision have a meaning. */

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "model/decision-digest.h"
#include "trace/trace.h"

/* Padding of what is looked at, where pointers have 64 bits: the sum of what clang -Wpadded says. */
#define PADDING_BYTES 589u

/* Elements of arrays behind the ones that are in use. */
static bool is_unused(size_t i) {
        static const struct {
                size_t begin, end;
        } ranges[] = {
#define BEHIND(member, n) { offsetof(Decision, member) + (n) * sizeof(((Decision *)0)->member[0]), offsetof(Decision, member) + sizeof(((Decision *)0)->member) }
                BEHIND(changes, 1), BEHIND(measures, 1), BEHIND(kill.candidates, 1), BEHIND(kill.rejected, 1), BEHIND(kill.members, 2),
#undef BEHIND
        };
        for (size_t k = 0; k < ARRAY_SIZE(ranges); k++)
                if (i >= ranges[k].begin && i < ranges[k].end)
                        return true;
        return false;
}

/* Every flag is set, no string has an end: every byte has a part in the digest, but for padding and unused elements. */
static void test_every_byte(void **state) {
        Decision *d = malloc(sizeof(*d));
        unsigned n_quiet = 0, run = 0;
        (void)state;
        assert_non_null(d);
        memset(d, 1, sizeof(*d));
        d->n_changes = d->n_measures = d->kill.n_candidates = d->kill.n_rejected = 1;
        d->kill.n_members = 2;
        uint64_t whole = decision_digest(d);
        for (size_t i = 0; i < sizeof(*d); i++) {
                if (is_unused(i)) {
                        ((uint8_t *)d)[i] = (uint8_t)i;
                        continue;
                }
                ((uint8_t *)d)[i] ^= 1;
                bool counts = decision_digest(d) != whole;
                ((uint8_t *)d)[i] ^= 1;
                n_quiet += !counts;
                run = counts ? 0 : run + 1;
                if (run > 7)
                        fail_msg("the field that ends at byte %zu has no part in the digest", i);
        }
        assert_true(decision_digest(d) == whole); /* garbage behind what is in use */
        if (sizeof(void *) == 8)
                assert_int_equal(n_quiet, PADDING_BYTES); /* more: a new field that is missing in the digest, or new padding */
        free(d);
}

static void fill(Decision *d, int garbage) {
        memset(d, garbage, sizeof(*d));
        memset(d->changes, 0, sizeof(d->changes[0]));
        memset(d->changes[0].condition.terms + 1, garbage, sizeof(d->changes[0].condition.terms[0]));
        memset(d->measures, 0, sizeof(d->measures[0]));
        memset(d->kill.candidates, 0, 2 * sizeof(d->kill.candidates[0]));
        memset(&d->kill.condition, 0, sizeof(d->kill.condition));
        memset(d->kill.members, 0, sizeof(d->kill.members[0]));
        d->seq = 5;
        d->mono_usec = 6;
        d->need = 1;
        d->need_now = d->has_kill = true;
        d->has_held = d->has_skipped = false;
        d->next_usec = 7;
        d->n_changes = d->n_measures = 1;
        d->changes[0].condition.n_terms = 1;
        KillDecision *k = &d->kill;
        k->kill_id = 1;
        k->step = STEP_KILL;
        k->is_escalation = k->dry_run = false;
        k->policy = 2;
        strcpy(k->policy_name, "host"); /* what is behind the NUL stays garbage */
        k->domain_id = 0;
        strcpy(k->domain_path, "/");
        k->reason = REASON_HOST_PRESSURE;
        k->rank = RANK_GROWTH;
        k->total_pages = k->deficit_bytes = k->available_bytes = k->wait_usec = 9;
        k->n_candidates = 2;
        k->n_rejected = 0;
        k->n_considered = 3;
        k->n_members = 1;
        strcpy(k->candidates[0].comm, "x");
        memset(k->candidates[0].comm + 2, garbage, sizeof(k->candidates[0].comm) - 2);
        k->candidates[1].growth_bytes = (uint64_t)garbage; /* has_growth is false */
}

static void test_garbage(void **state) {
        Decision *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
        TraceDecision *x = malloc(sizeof(*x)), *y = malloc(sizeof(*y));
        (void)state;
        assert_true(a && b && x && y);
        fill(a, 0x00);
        fill(b, 0x5a);
        assert_true(decision_digest(a) == decision_digest(b));
        memset(x, 0xff, sizeof(*x));
        trace_decision_from(a, x);
        trace_decision_from(b, y);
        assert_memory_equal(x, y, sizeof(*x));
        assert_true(x->digest == decision_digest(a) && x->seq == 5 && x->n_changes == 1 && x->has_kill);
        assert_true(x->kill.kill_id == 1 && x->kill.step == STEP_KILL && x->hold == HOLD_NONE);
        assert_string_equal(x->kill.policy_name, "host");
        assert_string_equal(x->kill.comm, "x");
        b->kill.candidates[1].pid++;
        assert_true(decision_digest(a) != decision_digest(b));
        free(a);
        free(b);
        free(x);
        free(y);
}

/* It is written down, and must be the same on the next machine. */
static void test_known_value(void **state) {
        Decision *d = calloc(1, sizeof(*d));
        (void)state;
        assert_non_null(d);
        uint64_t empty = decision_digest(d);
        d->seq = 1;
        d->next_usec = 1000000;
        assert_true(decision_digest(d) != empty);
        assert_int_equal(empty, UINT64_C(0xf14b84b8290b8965));
        assert_int_equal(decision_digest(d), UINT64_C(0x152294c6f62e21dd));
        free(d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_byte), cmocka_unit_test(test_garbage), cmocka_unit_test(test_known_value),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
