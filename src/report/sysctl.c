/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/sysctl.h"

#include <inttypes.h>

#include "base/units.h"

const char *swap_kind_describe(SwapKind k) {
        static const char *const texts[] = {
                [SWAP_NONE] = "no swap",
                [SWAP_ZRAM] = "zram",
                [SWAP_ZSWAP] = "a device behind zswap",
                [SWAP_SSD] = "an SSD",
                [SWAP_DISK] = "a disk",
                [SWAP_UNKNOWN] = "something unknown",
        };
        return (size_t)k < ARRAY_SIZE(texts) ? texts[k] : "something unknown";
}

void sysctl_append_name(TextBuf *b, Sysctl key) {
        const char *name = sysctl_to_string(key);
        text_appendf(b, "vm.%s", name ? name : "?");
}

/* Not units_append_usec(): of two numbers that are compared neither may be cut to whole milliseconds. */
static void append_page_time(TextBuf *b, uint64_t nsec) {
        text_appendf(b, "%" PRIu64 "us", MAX((nsec / 100 + 5) / 10, UINT64_C(1)));
}

/* "swap is zram; a page from it now takes 12us, one of a file 90us (...), for which the formula has 176" */
static void append_swap(TextBuf *b, const SysctlAdvice *a) {
        text_appendf(b, "swap is %s", swap_kind_describe(a->swap_kind));
        if (a->n_swap_pages == 0)
                return;
        text_append(b, "; a page from it now takes ");
        append_page_time(b, a->swap_page_nsec);
        text_append(b, ", one of a file ");
        append_page_time(b, a->file_page_nsec);
        text_appendf(b, " (measured over %" PRIu64 " and %" PRIu64 " pages), for which the formula has %" PRIu64,
                     a->n_swap_pages, a->n_file_pages, a->formula);
}

static void append_move(TextBuf *b, const SysctlAdvice *a) {
        bool is_file = a->why == SYSCTL_WHY_REFAULTS_FILE;

        text_appendf(b, "%s is dearer than %s: %" PRIu64 " pages of swap and %" PRIu64 " of files came back within ",
                     is_file ? "reading files again" : "swapping in", is_file ? "swapping in" : "reading files again",
                     a->refault_anon, a->refault_file);
        units_append_usec(b, a->window_usec);
        text_appendf(b, ", so for %" PRIu32 " such windows: %s from %" PRIu64 "; ", a->n_windows,
                     is_file ? "raised" : "lowered", a->from);
        append_swap(b, a);
}

/* What counts against the limit, as the kernel counts it. */
static void append_committed(TextBuf *b, const SysctlAdvice *a) {
        text_append(b, "Committed_AS ");
        units_append_bytes(b, a->committed_bytes);
        if (a->reserve_bytes > 0) {
                text_append(b, " and admin_reserve_kbytes ");
                units_append_bytes(b, a->reserve_bytes);
        }
}

static void append_above(TextBuf *b, Sysctl key, const SysctlAdvice *a) {
        text_append(b, "not now: ");
        append_committed(b, a);
        text_append(b, " are above the CommitLimit of ");
        units_append_bytes(b, a->limit_bytes);
        text_appendf(b, " that %s would give, every fork would fail; looked at again every 10s",
                     key == SYSCTL_OVERCOMMIT_MEMORY ? "strict overcommit" : "this value");
}

static void append_peak(TextBuf *b, const SysctlAdvice *a) {
        text_append(b, "highest Committed_AS so far ");
        units_append_bytes(b, a->peak_bytes);
        text_append(b, " and the margin fit into a CommitLimit of ");
        units_append_bytes(b, a->limit_bytes);
        text_append(b, " (now ");
        append_committed(b, a);
        text_append(b, ")");
}

void sysctl_append_why(TextBuf *b, Sysctl key, const SysctlAdvice *a) {
        switch (a->why) {
        case SYSCTL_WHY_KEEP:
                text_append(b, "not set, left alone");
                return;
        case SYSCTL_WHY_CONFIGURED:
                text_appendf(b, "%s= in [Sysctl]", sysctl_option(key) ? sysctl_option(key) : "?");
                if (key == SYSCTL_OVERCOMMIT_MEMORY && a->limit_bytes > 0) {
                        text_append(b, "; ");
                        append_committed(b, a);
                        text_append(b, ", CommitLimit ");
                        units_append_bytes(b, a->limit_bytes);
                }
                return;
        case SYSCTL_WHY_SWAP_KIND:
                append_swap(b, a);
                return;
        case SYSCTL_WHY_REFAULTS_ANON:
        case SYSCTL_WHY_REFAULTS_FILE:
                append_move(b, a);
                return;
        case SYSCTL_WHY_NO_SWAP:
                text_append(b, "no swap, left alone");
                return;
        case SYSCTL_WHY_SWAP_UNKNOWN:
                text_append(b, "what swap lies on could not be told, left alone");
                return;
        case SYSCTL_WHY_COMMIT_PEAK:
                append_peak(b, a);
                return;
        case SYSCTL_WHY_COMMIT_ABOVE:
                append_above(b, key, a);
                return;
        case SYSCTL_WHY_COMMIT_UNKNOWN:
                text_append(b, "not now: Committed_AS or what CommitLimit is made of could not be read");
                return;
        case _SYSCTL_WHY_MAX:
        case _SYSCTL_WHY_INVALID:
                break;
        }
        text_append(b, "?");
}
