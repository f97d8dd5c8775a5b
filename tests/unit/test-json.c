/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "report/json.h"

static void test_escaped(void **state) {
        (void)state;
        char longest[CGROUP_PATH_MAX];
        static const struct {
                const char *in, *out;
        } rows[] = {
                { "bash", "bash" },
                { "", "" },
                { "\xff\xfe", "\\xff\\xfe" },
                { "a\"b\n", "a\"b\\x0a" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                json_t *s = json_escaped(rows[i].in);
                assert_string_equal(json_string_value(s), rows[i].out);
                json_decref(s);
        }
        /* the longest path of the worst bytes is not cut */
        memset(longest, 0x80, sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        json_t *s = json_escaped(longest);
        assert_int_equal(strlen(json_string_value(s)), 4 * (CGROUP_PATH_MAX - 1));
        json_decref(s);
}

static void test_numbers(void **state) {
        (void)state;
        json_t *v = json_u64(UINT64_MAX, UINT64_MAX);
        assert_true(json_is_null(v));
        v = json_u64(UINT64_MAX - 1, UINT64_MAX);
        assert_true(json_integer_value(v) == INT64_MAX);
        json_decref(v);
        v = json_u64(0, UINT64_MAX);
        assert_true(json_is_integer(v) && json_integer_value(v) == 0);
        json_decref(v);
}

static void test_host_absent_is_null(void **state) {
        (void)state;
        HostSample h = { 0 };
        host_set(&h, HOST_SWAP_FREE, 0);
        json_t *o = json_host(&h);
        assert_int_equal(json_object_size(o), _HOST_FIELD_MAX);
        assert_true(json_is_integer(json_object_get(o, "swap_free")));
        assert_true(json_is_null(json_object_get(o, "mem_available")));
        json_decref(o);
}

/* Every number in a record may be garbage, and still what comes out is whole JSON. */
static void test_record(void **state) {
        (void)state;
        static KillRecord r;
        for (int fill = 0; fill < 2; fill++) {
                memset(&r, fill ? 0x7e : 0, sizeof(r));
                r.decision.policy_name[63] = r.decision.domain_path[CGROUP_PATH_MAX - 1] = '\0';
                r.is_virtual = r.has_before = r.has_after = r.mrelease_done = r.decision.is_escalation =
                        r.decision.dry_run = fill;
                for (size_t i = 0; i < CANDIDATES_MAX; i++) {
                        Candidate *c[] = { &r.decision.candidates[i], &r.decision.rejected[i] };
                        for (size_t j = 0; j < 2; j++) {
                                c[j]->comm[COMM_MAX - 1] = c[j]->cgroup_path[CGROUP_PATH_MAX - 1] = '\0';
                                c[j]->is_protected = c[j]->has_growth = fill;
                        }
                        r.rule_names[i][RULE_NAME_MAX - 1] = r.rejected_rule_names[i][RULE_NAME_MAX - 1] = '\0';
                        r.decision.condition.terms[i].has_value = r.decision.condition.terms[i].is_decisive =
                                r.decision.condition.terms[i].term.host = fill;
                }
                json_t *o = json_kill_record(&r, /* full= */ true);
                char *text = json_dumps(o, 0);
                assert_non_null(text);
                json_t *again = json_loads(text, 0, NULL);
                assert_true(json_equal(o, again));
                assert_int_equal(json_array_size(json_object_get(o, "candidates")), fill ? CANDIDATES_MAX : 0);
                assert_true(fill || json_is_null(json_object_get(o, "victim")));
                free(text);
                json_decref(again);
                json_decref(o);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escaped),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_host_absent_is_null),
                cmocka_unit_test(test_record),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
