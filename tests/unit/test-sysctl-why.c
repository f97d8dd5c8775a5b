/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The sentences about settings: each reason has one, and it holds its numbers. */

#include "test.h"

#include <string.h>

#include "report/sysctl.h"

#define MB (UINT64_C(1) << 20)

static const char *why(char buf[static 512], Sysctl key, const SysctlAdvice *a) {
        TextBuf b = { .data = buf, .size = 512 };
        text_append(&b, "");
        sysctl_append_why(&b, key, a);
        assert_false(b.truncated);
        return buf;
}

static void test_sentences(void **state) {
        (void)state;
        static const struct {
                Sysctl key;
                SysctlAdvice a;
                const char *text;
        } rows[] = {
                { SYSCTL_SWAPPINESS, { .why = SYSCTL_WHY_KEEP }, "not set, left alone" },
                { SYSCTL_PAGE_CLUSTER, { .why = SYSCTL_WHY_CONFIGURED }, "PageCluster= in [Sysctl]" },
                { SYSCTL_OVERCOMMIT_MEMORY,
                  { .why = SYSCTL_WHY_CONFIGURED, .committed_bytes = 100 * MB, .reserve_bytes = 8 * MB, .limit_bytes = 500 * MB },
                  "OvercommitMemory= in [Sysctl]; Committed_AS 100M and admin_reserve_kbytes 8M, CommitLimit 500M" },
                { SYSCTL_SWAPPINESS, { .why = SYSCTL_WHY_SWAP_KIND, .swap_kind = SWAP_ZSWAP }, "swap is a device behind zswap" },
                { SYSCTL_SWAPPINESS,
                  { .why = SYSCTL_WHY_REFAULTS_ANON, .swap_kind = SWAP_SSD, .refault_anon = 9000, .refault_file = 100,
                    .window_usec = 30 * USEC_PER_SEC, .n_windows = 3, .from = 66 },
                  "swapping in is dearer than reading files again: 9000 pages of swap and 100 of files came back within 30s, "
                  "so for 3 such windows: lowered from 66; swap is an SSD" },
                { SYSCTL_SWAPPINESS,
                  { .why = SYSCTL_WHY_REFAULTS_FILE, .swap_kind = SWAP_DISK, .refault_anon = 1, .refault_file = 2000,
                    .window_usec = 31 * USEC_PER_SEC, .n_windows = 6, .from = 40, .swap_page_nsec = 9999499,
                    .file_page_nsec = 1500, .n_swap_pages = 4000, .n_file_pages = 5000, .formula = 1 },
                  "reading files again is dearer than swapping in: 1 pages of swap and 2000 of files came back within 31s, "
                  "so for 6 such windows: raised from 40; swap is a disk; a page from it now takes 9999us, one of a file "
                  "2us (measured over 4000 and 5000 pages), for which the formula has 1" },
                { SYSCTL_SWAPPINESS,
                  { .why = SYSCTL_WHY_SWAP_KIND, .swap_kind = SWAP_ZRAM, .swap_page_nsec = 3, .file_page_nsec = 120000,
                    .n_swap_pages = 2000, .n_file_pages = 3000, .formula = 199 },
                  "swap is zram; a page from it now takes 1us, one of a file 120us (measured over 2000 and 3000 pages), for "
                  "which the formula has 199" },
                { SYSCTL_SWAPPINESS, { .why = SYSCTL_WHY_NO_SWAP }, "no swap, left alone" },
                { SYSCTL_SWAPPINESS, { .why = SYSCTL_WHY_SWAP_UNKNOWN }, "what swap lies on could not be told, left alone" },
                { SYSCTL_OVERCOMMIT_RATIO,
                  { .why = SYSCTL_WHY_COMMIT_PEAK, .peak_bytes = 300 * MB, .committed_bytes = 200 * MB, .limit_bytes = 400 * MB },
                  "highest Committed_AS so far 300M and the margin fit into a CommitLimit of 400M (now Committed_AS 200M)" },
                { SYSCTL_OVERCOMMIT_MEMORY,
                  { .why = SYSCTL_WHY_COMMIT_ABOVE, .committed_bytes = 300 * MB, .reserve_bytes = 8 * MB, .limit_bytes = 256 * MB },
                  "not now: Committed_AS 300M and admin_reserve_kbytes 8M are above the CommitLimit of 256M that strict overcommit "
                  "would give, every fork would fail; looked at again every 10s" },
                { SYSCTL_OVERCOMMIT_KBYTES,
                  { .why = SYSCTL_WHY_COMMIT_ABOVE, .committed_bytes = 300 * MB, .limit_bytes = 256 * MB },
                  "not now: Committed_AS 300M are above the CommitLimit of 256M that this value would give, every fork would fail; "
                  "looked at again every 10s" },
                { SYSCTL_OVERCOMMIT_MEMORY, { .why = SYSCTL_WHY_COMMIT_UNKNOWN },
                  "not now: Committed_AS or what CommitLimit is made of could not be read" },
        };
        char buf[512];
        uint32_t seen = 0;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_string_equal(why(buf, rows[i].key, &rows[i].a), rows[i].text);
                seen |= 1u << rows[i].a.why;
        }
        assert_int_equal(seen, (1u << _SYSCTL_WHY_MAX) - 1);
        for (SysctlWhy w = 0; w < _SYSCTL_WHY_MAX; w++)
                assert_non_null(sysctl_why_to_string(w));
        const SysctlAdvice odd = { .why = _SYSCTL_WHY_MAX };
        assert_string_equal(why(buf, _SYSCTL_MAX, &odd), "?");
}

static void test_names(void **state) {
        (void)state;
        char buf[64];
        TextBuf b = TEXT_BUF(buf);
        text_append(&b, "");
        sysctl_append_name(&b, SYSCTL_PAGE_CLUSTER);
        assert_string_equal(buf, "vm.page-cluster");
        for (SwapKind k = 0; k < _SWAP_KIND_MAX; k++)
                assert_true(swap_kind_to_string(k) && swap_kind_describe(k));
        assert_string_equal(swap_kind_describe(_SWAP_KIND_INVALID), "something unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_sentences), cmocka_unit_test(test_names) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
