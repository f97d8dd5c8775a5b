/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What must be known to read the numbers of a plan. Each is said where it holds, and only there. */

#include <inttypes.h>

#include "base/units.h"
#include "plan/document-parts.h"
#include "report/json.h"

#define DAY_USEC (UINT64_C(86400) * USEC_PER_SEC)

static void note(json_t *notes, const TextBuf *b) {
        (void)json_array_append_new(notes, json_string(b->data));
}

static void note_text(json_t *notes, const char *text) {
        (void)json_array_append_new(notes, json_string(text));
}

static void note_span(json_t *notes, const PlanStats *s) {
        char buf[512];
        TextBuf b = TEXT_BUF(buf);

        text_append(&b, "All numbers are of ");
        units_append_usec(&b, s->clock.observed_usec);
        text_append(&b, " of this host");
        if (s->clock.observed_usec < DAY_USEC)
                text_append(&b, ", less than one day: no daily peak can be in it");
        else if (s->clock.observed_usec < 7 * DAY_USEC)
                text_append(&b, ", less than one week: what happens once a week may not be in it");
        text_append(&b, ".");
        note(notes, &b);
        if (s->clock.n_gaps == 0)
                return;
        buf[0] = '\0';
        b = TEXT_BUF(buf);
        text_appendf(&b, "%" PRIu64 " gaps (lost records, suspend, clock steps, other boots) are shown, never bridged: "
                         "nothing is known of the host in them.",
                     s->clock.n_gaps);
        note(notes, &b);
}

static void note_stalls(json_t *notes, const PlanStats *s) {
        char buf[512];
        TextBuf b = TEXT_BUF(buf);

        if (!s->has_psi) {
                note_text(notes, "Stalls are not calibrated: the trace holds no PSI.");
                return;
        }
        if (s->worst_minute_permyriad < PLAN_CALIBRATED_PERMYRIAD)
                text_append(&b, "Stalls are not calibrated: the trace never saw pressure (worst minute: full ");
        else
                text_append(&b, "The trace has seen pressure up to full ");
        units_append_share(&b, s->worst_minute_permyriad);
        text_append(&b, s->worst_minute_permyriad < PLAN_CALIBRATED_PERMYRIAD
                                ? "). Simulated stalls are a guess; kills and deficits are not."
                                : " of a minute; simulated stalls beyond that are extrapolated and of low confidence.");
        note(notes, &b);
}

static void note_kills(json_t *notes, const PlanStats *s) {
        if (s->has_dry_run)
                note_text(notes, "Recorded in a dry run: kills that stood in the record were not carried out.");
        if ((s->n_kills > 0 && !s->has_dry_run) || s->n_kernel_kills > 0)
                note_text(notes, "Processes were killed in the record: what they would have asked for later is not in it, so "
                                 "demand is a lower bound.");
}

static void note_model(json_t *notes, const PlanRequest *q, const PlanRun *r) {
        if (q->is_report)
                return;
        note_text(notes, "Sources: measured stood in the trace; replayed was recomputed with nothing changed; estimated is a "
                         "rule applied to what was measured; modelled is "
                         "counterfactual within what the trace has seen; low is counterfactual beyond it, or after the first "
                         "decision that differs.");
        note_text(notes, "A smaller or greater host is simulated in closed loop against recorded demand. Survivors of a simulated "
                         "kill would have run faster and asked for more: a stall that it removes is an upper bound of "
                         "the gain.");
        if (q->base.has_swap || q->base.has_zram || q->base.swappiness >= 0)
                note_text(notes, "Swap that is not the recorded one: the trace cannot show the latency of a device it never "
                                 "had. Low confidence by definition.");
        if (r->is_fallback)
                note_text(notes, "The trace holds no policy: simulations decide by the built-in one.");
        if (r->has_ram && !r->ram.has_safe)
                note_text(notes, "No size that was tried was safe: ask for greater ones with --ram.");
        if (r->has_ram && r->ram.has_safe && r->ram.unsafe_bytes == 0)
                note_text(notes, "Every size that was tried was safe: the smallest safe one may be smaller still.");
        if (r->has_ram && !r->ram.is_monotone)
                note_text(notes, "Some smaller size was safe where a greater one was not: single kills decide here, not the size. "
                                 "The smallest safe size is the least above which everything was safe.");
        if (q->n_densities > 0)
                note_text(notes, "Density counts shared file pages for each copy, since the trace does not tell how much is "
                                 "shared: it errs on the safe side.");
}

json_t *doc_notes(const PlanRequest *q, const PlanRun *r) {
        const PlanStats *s = r->stats;
        json_t *notes = json_array();

        note_span(notes, s);
        note_stalls(notes, s);
        note_kills(notes, s);
        note_model(notes, q, r);
        if (!s->has_headroom)
                note_text(notes, "The trace holds no MemAvailable: there is no headroom to tell of.");
        if (s->cgroups.n_untracked > 0)
                note_text(notes, "More cgroup paths than are kept: the ones that came last are not shown.");
        if (r->was_damaged)
                note_text(notes, "The trace is damaged; what could not be read was passed over (--salvage).");
        return notes;
}
