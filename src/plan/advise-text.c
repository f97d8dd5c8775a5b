/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Advice as files that can be installed as they are. Amounts are printed in whole MiB: that is what they were rounded to. */

#include <inttypes.h>

#include "base/units.h"
#include "plan/advise.h"

static void append_size(TextBuf *b, const char *before, uint64_t bytes, const char *behind) {
        text_append(b, before);
        units_append_bytes(b, bytes);
        text_append(b, behind);
}

static void append_setting(TextBuf *b, const char *key, uint64_t bytes) {
        text_appendf(b, "%s=%" PRIu64 "M\n", key, bytes >> 20);
}

static void append_basis(TextBuf *b, const Advice *a) {
        text_append(b, "# From a trace of ");
        units_append_usec(b, a->cgroup->observed_usec);
        text_appendf(b, " (%" PRIu64 " samples) by headroomctl plan.\n", a->cgroup->n_samples);
        if (a->is_short)
                text_append(b, "# Low confidence: less than a day was seen, so no daily peak.\n");
        if (a->was_limited)
                text_append(b, "# It ran against a limit or was killed in it: it wanted more than could be measured.\n");
}

void advice_append_dropin(TextBuf *b, const Advice *a) {
        if (a->skip != ADVICE_GIVEN)
                return;
        append_basis(b, a);
        text_appendf(b, "[%s]\n", a->is_slice                              ? "Slice"
                                  : text_has_suffix(a->unit, ".scope")     ? "Scope"
                                                                           : "Service");
        if (a->is_slice) {
                text_append(b, "# The sum of MemoryLow= of the units in it: theirs hold only as far as this does.\n");
                append_setting(b, "MemoryLow", a->low_bytes);
                return;
        }
        append_size(b, "# anon+shmem+active_file+kernel, median: ", a->need_bytes, "\n");
        append_setting(b, "MemoryLow", a->low_bytes);
        append_size(b, "# current-inactive_file, p99: ", a->comfortable_bytes, "");
        append_size(b, "; unreclaimable floor, peak: ", a->floor_peak_bytes, "; plus 5%\n");
        append_setting(b, "MemoryHigh", a->high_bytes);
        append_size(b, "# the greatest of both: ", a->peak_bytes, "; plus ");
        units_append_share(b, a->margin_permyriad);
        text_append(b, "\n");
        append_setting(b, "MemoryMax", a->max_bytes);
}

/* A unit name as a glob of itself: a backslash before anything but * ? [ ] \ is an ordinary byte, and names hold no other. */
static void append_glob(TextBuf *b, const char *unit) {
        for (const char *p = unit; *p; p++) {
                if (p[0] == '\\' && p[1] == '\\')
                        text_append(b, "\\");
                text_append_n(b, p, 1);
        }
}

void advice_append_policy(TextBuf *b, const Advice *a) {
        if (a->skip != ADVICE_GIVEN || a->is_slice)
                return;
        append_basis(b, a);
        text_append(b, "# With the drop-in in force: said early, eased before the kernel ends it, ended when it stands still.\n"
                       "[Match]\nUnit=");
        append_glob(b, a->unit);
        text_append(b, "\nLimited=yes\n\n[Warn]\n");
        append_size(b, "# MemoryHigh= is ", a->high_bytes, "");
        append_size(b, ", the most it ever needed ", a->peak_bytes, "\n");
        text_append(b, "When=usage > 95% for 10s\nDo=notify\n\n"
                       "[Kill]\nWhen=full 2s > 60% for 8s and usage > 95%\nUntil=full 10s < 20% or usage < 80%\n"
                       "Do=terminate grace=2s, kill\n");
}
