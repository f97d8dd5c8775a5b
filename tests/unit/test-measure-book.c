/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "daemon/measure-book.h"

#define NOW (1000 * USEC_PER_SEC)

static int setup(void **state) {
        MeasureBook *b;
        if (measure_book_new(&b) < 0)
                return -1;
        *state = b;
        return 0;
}

static int teardown(void **state) {
        *state = measure_book_free(*state);
        return 0;
}

static int enter(MeasureBook *b, uint64_t id, Step step, MeasureVerb verb, BookEntry **ret) {
        static Measure m; /* of some kilobytes */
        m = (Measure){ .measure_id = id, .step = step, .verb = verb };
        (void)strcpy(m.cgroup_path, "a.slice");
        return measure_book_enter(b, &m, NOW, ret);
}

static bool answer(MeasureBook *b, uint64_t id, MeasureVerb verb, int error) {
        static BookEntry e;
        const MeasureStatus s = { .measure_id = id, .verb = verb, .error = error, .ended_usec = NOW };
        return measure_book_answer(b, &s, &e);
}

/* Takes all answers; true if there is just this one. */
static bool only_answer(MeasureBook *b, uint64_t id, MeasureVerb verb, int error) {
        MeasureStatus s[MEASURE_STATUSES_MAX];
        uint32_t n = measure_book_answers(b, s);
        measure_book_told(b, n);
        return n == 1 && s[0].measure_id == id && s[0].verb == verb && s[0].error == error;
}

static bool no_answer(MeasureBook *b) {
        MeasureStatus s[MEASURE_STATUSES_MAX];
        return measure_book_answers(b, s) == 0;
}

/* Begun by @step of the present state; returns act's id. */
static uint64_t begin(MeasureBook *b, uint64_t id, Step step) {
        BookEntry *e;
        assert_int_equal(enter(b, id, step, MEASURE_BEGIN, &e), 0);
        uint64_t act_id = e->measure.measure_id;
        assert_true(answer(b, act_id, MEASURE_BEGIN, 0));
        assert_true(only_answer(b, id, MEASURE_BEGIN, 0));
        return act_id;
}

static void test_life(void **state) {
        MeasureBook *b = *state;
        BookEntry *e;

        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_BEGIN, &e), 0);
        assert_string_equal(e->measure.cgroup_path, "a.slice");
        /* one verb at a time, each answered once */
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_BEGIN, &e), -EPROTO);
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_ADJUST, &e), -EPROTO);
        assert_true(no_answer(b));
        assert_true(answer(b, 1, MEASURE_BEGIN, 0));
        assert_false(answer(b, 1, MEASURE_BEGIN, 0));
        assert_true(only_answer(b, 1, MEASURE_BEGIN, 0));
        assert_true(no_answer(b));
        for (uint32_t i = 1; i <= 3; i++) {
                assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_ADJUST, &e), 0);
                assert_int_equal(e->n_adjusts, i);
                assert_true(answer(b, 1, MEASURE_ADJUST, 0));
                assert_true(only_answer(b, 1, MEASURE_ADJUST, 0));
        }
        /* a release that failed is asked for again by the state, not by the book */
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_RELEASE, &e), 0);
        assert_true(answer(b, 1, MEASURE_RELEASE, -EIO));
        assert_null(measure_book_next_release(b, NOW + USEC_PER_SEC * 10));
        assert_true(only_answer(b, 1, MEASURE_RELEASE, -EIO));
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_RELEASE, &e), 0);
        assert_true(answer(b, 1, MEASURE_RELEASE, 0));
        assert_true(only_answer(b, 1, MEASURE_RELEASE, 0));
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_RELEASE, &e), -ENOENT);
        assert_false(answer(b, 77, MEASURE_RELEASE, 0));
}

/* Whatever came back: after the answer of its kind nothing of it is left in the book. */
static void test_ends(void **state) {
        static const struct {
                Step step;
                int error;
        } table[] = {
                { STEP_RECLAIM, 0 },       { STEP_RECLAIM, -EAGAIN },    { STEP_RECLAIM, -ETIME },
                { STEP_TRIM, -ENOTCONN },  { STEP_RESTART, 0 },          { STEP_STOP, -ETIMEDOUT },
                { STEP_PAGEOUT, -ESRCH },  { STEP_THROTTLE, -ENOENT },   { STEP_FREEZE, -ECANCELED },
                { STEP_SLOW, -EBUSY },
        };
        MeasureBook *b = *state;
        BookEntry *e;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                assert_int_equal(enter(b, i + 1, table[i].step, MEASURE_BEGIN, &e), 0);
                assert_true(answer(b, i + 1, MEASURE_BEGIN, table[i].error));
                assert_true(only_answer(b, i + 1, MEASURE_BEGIN, table[i].error));
                assert_int_equal(enter(b, i + 1, table[i].step, MEASURE_RELEASE, &e), -ENOENT);
        }
        measure_book_new_state(b);
        assert_null(measure_book_next_release(b, NOW));
        assert_int_equal(measure_book_orphans(b), 0);
}

/* A write that was broken off may have been done: the state releases it, the book for a state that is gone. */
static void test_stuck_begin(void **state) {
        MeasureBook *b = *state;
        BookEntry *e;

        for (uint64_t id = 1; id <= 2; id++) {
                assert_int_equal(enter(b, id, STEP_THROTTLE, MEASURE_BEGIN, &e), 0);
                assert_true(answer(b, id, MEASURE_BEGIN, -ETIME));
                assert_true(only_answer(b, id, MEASURE_BEGIN, -ETIME));
        }
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_RELEASE, &e), 0);
        assert_true(answer(b, 1, MEASURE_RELEASE, 0));
        assert_null(measure_book_next_release(b, NOW));
        measure_book_new_state(b);
        e = measure_book_next_release(b, NOW);
        assert_non_null(e);
        assert_int_equal(e->measure.measure_id, 2);
        assert_true(answer(b, 2, MEASURE_RELEASE, 0));
        assert_null(measure_book_next_release(b, NOW + USEC_PER_SEC * 10));
        assert_true(no_answer(b));
}

static void test_reload(void **state) {
        MeasureBook *b = *state;
        BookEntry *e;

        uint64_t frozen = begin(b, 1, STEP_FREEZE);
        assert_int_equal(enter(b, 2, STEP_THROTTLE, MEASURE_BEGIN, &e), 0);
        assert_int_equal(enter(b, 3, STEP_RECLAIM, MEASURE_BEGIN, &e), 0);
        begin(b, 4, STEP_SLOW);
        assert_int_equal(enter(b, 4, STEP_SLOW, MEASURE_RELEASE, &e), 0);
        measure_book_make_up(b, 5, MEASURE_BEGIN, -ENOBUFS, NOW);

        measure_book_new_state(b);
        assert_true(no_answer(b));
        assert_int_equal(measure_book_orphans(b), 4);
        /* the new state counts from 1, and its ids are not those of the old one */
        uint64_t new_id = begin(b, 1, STEP_THROTTLE);
        assert_true(new_id > 4);
        assert_int_equal(enter(b, 2, STEP_THROTTLE, MEASURE_ADJUST, &e), -ENOENT);

        e = measure_book_next_release(b, NOW);
        assert_non_null(e);
        assert_int_equal(e->measure.measure_id, frozen);
        assert_int_equal(e->measure.verb, MEASURE_RELEASE);
        /* the others have a verb under way */
        assert_null(measure_book_next_release(b, NOW));
        assert_true(answer(b, 2, MEASURE_BEGIN, 0));
        assert_true(answer(b, 3, MEASURE_BEGIN, 0));
        assert_true(answer(b, 4, MEASURE_RELEASE, -EIO)); /* asked for by the state that is gone */
        e = measure_book_next_release(b, NOW);
        assert_non_null(e);
        assert_int_equal(e->measure.measure_id, 2);
        assert_null(measure_book_next_release(b, NOW)); /* not at once */
        e = measure_book_next_release(b, NOW + BOOK_RETRY_USEC);
        assert_non_null(e);
        assert_int_equal(e->measure.measure_id, 4);
        /* again and again until it works */
        assert_true(answer(b, 2, MEASURE_RELEASE, -EIO));
        assert_non_null(measure_book_next_release(b, NOW + BOOK_RETRY_USEC));
        assert_true(answer(b, 2, MEASURE_RELEASE, 0));
        assert_true(answer(b, 4, MEASURE_RELEASE, -ESTALE));
        assert_true(answer(b, frozen, MEASURE_RELEASE, -ENOENT));
        assert_int_equal(measure_book_orphans(b), 0);
        assert_true(no_answer(b));
        assert_null(measure_book_next_release(b, NOW + 10 * BOOK_RETRY_USEC));
        /* the new one's own is untouched */
        assert_int_equal(enter(b, 1, STEP_THROTTLE, MEASURE_RELEASE, &e), 0);
        assert_int_equal(e->measure.measure_id, new_id);
}

static void test_by_hand(void **state) {
        MeasureBook *b = *state;
        BookEntry *e;

        begin(b, 1, STEP_FREEZE);
        assert_int_equal(enter(b, 2, STEP_THROTTLE, MEASURE_BEGIN, &e), 0);
        measure_book_void(b);
        assert_true(measure_book_is_void(b, 1));
        assert_false(measure_book_is_void(b, 3));
        e = measure_book_next_release(b, NOW);
        assert_non_null(e);
        assert_int_equal(e->measure.measure_id, 1);
        assert_null(measure_book_next_release(b, NOW));
        /* the state asks while the book's own release is under way */
        assert_int_equal(enter(b, 1, STEP_FREEZE, MEASURE_RELEASE, &e), -ESTALE);
        assert_true(answer(b, 1, MEASURE_RELEASE, 0));
        assert_true(no_answer(b));
        assert_int_equal(enter(b, 1, STEP_FREEZE, MEASURE_RELEASE, &e), -ENOENT);
        /* begun while everything was being put back: told to the state, and let go */
        assert_true(answer(b, 2, MEASURE_BEGIN, 0));
        assert_true(only_answer(b, 2, MEASURE_BEGIN, 0));
        e = measure_book_next_release(b, NOW);
        assert_non_null(e);
        assert_true(answer(b, 2, MEASURE_RELEASE, 0));
        assert_true(no_answer(b));
        assert_true(measure_book_is_void(b, 2));
        assert_int_equal(enter(b, 2, STEP_THROTTLE, MEASURE_ADJUST, &e), -ESTALE);
        assert_false(measure_book_is_void(b, 2));
}

/* What was under way when all was put back by hand, and cannot be released at once, is released later. */
static void test_by_hand_stuck(void **state) {
        MeasureBook *b = *state;
        BookEntry *e;

        assert_int_equal(enter(b, 1, STEP_FREEZE, MEASURE_BEGIN, &e), 0);
        measure_book_void(b);
        assert_true(answer(b, 1, MEASURE_BEGIN, -ETIME));
        assert_non_null(measure_book_next_release(b, NOW));
        assert_true(answer(b, 1, MEASURE_RELEASE, -EBUSY));
        assert_null(measure_book_next_release(b, NOW));
        assert_non_null(measure_book_next_release(b, NOW + BOOK_RETRY_USEC));
        assert_int_equal(enter(b, 1, STEP_FREEZE, MEASURE_RELEASE, &e), -ESTALE);
        assert_true(answer(b, 1, MEASURE_RELEASE, -EIO));
        assert_non_null(measure_book_next_release(b, NOW + BOOK_RETRY_USEC));
        assert_true(answer(b, 1, MEASURE_RELEASE, 0));
        assert_int_equal(measure_book_orphans(b), 0);
        assert_null(measure_book_next_release(b, NOW + 10 * BOOK_RETRY_USEC));
}

static void test_full(void **state) {
        MeasureBook *b = *state;
        BookEntry *e;

        for (uint64_t id = 1; id <= BOOK_ENTRIES_MAX; id++)
                assert_int_equal(enter(b, id, STEP_RECLAIM, MEASURE_BEGIN, &e), 0);
        assert_int_equal(enter(b, BOOK_ENTRIES_MAX + 1, STEP_RECLAIM, MEASURE_BEGIN, &e), -ENOBUFS);
        measure_book_revoke(b, e);
        assert_int_equal(enter(b, BOOK_ENTRIES_MAX + 1, STEP_RECLAIM, MEASURE_BEGIN, &e), 0);
        /* what is collected fits, and what is made up as well; in order, eight at a time */
        uint32_t room = measure_book_room(b);
        assert_in_range(room, MEASURE_STATUSES_MAX, BOOK_ANSWERS_MAX - 1);
        for (uint64_t id = 1; id <= room; id++)
                assert_true(answer(b, id, MEASURE_BEGIN, 0));
        assert_int_equal(measure_book_room(b), 0);
        for (uint64_t id = 0; id < BOOK_ANSWERS_MAX; id++)
                measure_book_make_up(b, 1000 + id, MEASURE_BEGIN, -ENOBUFS, NOW);
        uint64_t want = 1, n_told = 0;
        for (;;) {
                MeasureStatus s[MEASURE_STATUSES_MAX];
                uint32_t n = measure_book_answers(b, s);
                if (n == 0)
                        break;
                for (uint32_t i = 0; i < n && want <= room; i++)
                        assert_int_equal(s[i].measure_id, want++);
                measure_book_told(b, n);
                n_told += n;
        }
        assert_int_equal(n_told, BOOK_ANSWERS_MAX);
        assert_int_equal(measure_book_room(b), room);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_life, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stuck_begin, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
                cmocka_unit_test_setup_teardown(test_by_hand, setup, teardown),
                cmocka_unit_test_setup_teardown(test_by_hand_stuck, setup, teardown),
                cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
