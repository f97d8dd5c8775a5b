/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Do= and [Proactive]: steps that cannot do what their author hopes for, and when what lasts is let go.
 */

#include <string.h>

#include "base/units.h"
#include "config/exact.h"
#include "config/lint.h"

/* What takes memory from somebody, or ends him; notify and trim only ask for it. */
#define STEPS_RELIEF                                                                                         \
        (STEP_BIT(STEP_RECLAIM) | STEP_BIT(STEP_PAGEOUT) | STEP_BIT(STEP_THROTTLE) | STEP_BIT(STEP_FREEZE) | \
         STEP_BIT(STEP_RESTART) | STEP_BIT(STEP_STOP) | STEPS_KILL)
#define STEPS_END (STEP_BIT(STEP_RESTART) | STEP_BIT(STEP_STOP) | STEPS_KILL)

/* Above this share of stalled time people notice, which is what proactive reclaim is to avoid. */
#define PROACTIVE_PRESSURE_MAX 500

static void append_steps(TextBuf *b, uint32_t steps) {
        const char *comma = "";

        for (Step s = 0; s < _STEP_MAX; s++)
                if (steps & STEP_BIT(s)) {
                        text_appendf(b, "%s%s", comma, step_to_string(s));
                        comma = ", ";
                }
}

static uint64_t longest_for(const Policy *p, uint16_t expr) {
        if (expr == EXPR_NONE)
                return 0;
        const Expr *e = &p->exprs[expr];
        switch (e->kind) {
        case EXPR_AND:
        case EXPR_OR:
                return MAX(longest_for(p, e->a), longest_for(p, e->b));
        case EXPR_NOT:
                return longest_for(p, e->a);
        case EXPR_FOR:
                return MAX(e->for_usec, longest_for(p, e->a));
        case EXPR_TERM:
        case _EXPR_KIND_MAX:
                break;
        }
        return 0;
}

static void lint_kill(const CgroupPolicy *cp, ConfigReport *report) {
        const uint32_t steps = cp->levels[LEVEL_KILL].steps;

        if (!(steps & STEPS_END))
                lint_warn(report, cp->source, "[Kill] Do= neither terminates nor kills: nothing is ever ended");
        else if ((steps & STEPS_KILL) == STEP_BIT(STEP_TERMINATE))
                lint_warn(report, cp->source,
                          "[Kill] Do= ends with terminate: a process that ignores SIGTERM stays; add kill");
}

/* What lasts is let go with its level: whoever wrote no Until= may not have thought of when that is. */
static void lint_lasting(const Policy *p, const CgroupPolicy *cp, Level l, ConfigReport *report) {
        const LevelPolicy *level = &cp->levels[l];
        uint64_t held = longest_for(p, level->until);
        char text[128], max[40], hold[40];
        TextBuf b = TEXT_BUF(text), m = TEXT_BUF(max), h = TEXT_BUF(hold);

        if (!(level->steps & STEPS_LASTING))
                return;
        append_steps(&b, level->steps & STEPS_LASTING);
        if (level->until == EXPR_NONE)
                lint_note(
                        report, cp->source,
                        "%s: %s without Until=: let go when no line of When= has held for a few seconds, which the step itself may bring about; with Until= it lasts until there is room again",
                        lint_section_name(l), text);
        if (!(level->steps & STEP_BIT(STEP_FREEZE)) || held <= level->freeze_max_usec)
                return;
        exact_append(&m, UNIT_USEC, level->freeze_max_usec, EXACT_PLAIN);
        exact_append(&h, UNIT_USEC, held, EXACT_PLAIN);
        lint_note(report, cp->source, "%s: freeze max=%s is over before Until= can have held for %s: max= decides",
                  lint_section_name(l), max, hold);
}

static void lint_level(const Policy *p, const CgroupPolicy *cp, Level l, ConfigReport *report) {
        const uint32_t steps = cp->levels[l].steps;

        if (cp->levels[l].when == EXPR_NONE)
                return;
        if (l == LEVEL_RELIEVE && !(steps & ~STEP_BIT(STEP_NOTIFY)))
                lint_warn(report, cp->source,
                          "[Relieve] Do= only notifies: nothing is relieved; add reclaim or throttle");
        if ((steps & STEP_BIT(STEP_SLOW)) && !(steps & STEPS_RELIEF))
                lint_warn(report, cp->source,
                          "%s: slow alone frees no memory, it only leaves CPU and disk to others; add throttle",
                          lint_section_name(l));
        if ((steps & STEP_BIT(STEP_RESTART)) && (steps & STEP_BIT(STEP_STOP)))
                lint_note(report, cp->source,
                          "%s: restart and stop: the unit is restarted first, and stopped if that brings no relief",
                          lint_section_name(l));
        lint_lasting(p, cp, l, report);
}

static void lint_proactive(const CgroupPolicy *cp, ConfigReport *report) {
        char text[40];
        TextBuf b = TEXT_BUF(text);

        if (cp->proactive.pressure_permyriad <= PROACTIVE_PRESSURE_MAX)
                return;
        exact_append(&b, UNIT_SHARE, cp->proactive.pressure_permyriad, EXACT_PLAIN);
        lint_warn(
                report, cp->source,
                "[Proactive] Pressure=%s: reclaims until its tasks stand still that share of time, although there is no need; 0.1%% is usual",
                text);
}

void lint_ladder(const Policy *p, const CgroupPolicy *cp, ConfigReport *report) {
        for (Level l = LEVEL_WARN; l < _LEVEL_MAX; l++)
                lint_level(p, cp, l, report);
        if (cp->levels[LEVEL_KILL].when != EXPR_NONE)
                lint_kill(cp, report);
        lint_proactive(cp, report);
}
