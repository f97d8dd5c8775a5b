/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Parts of policy_lint(): what is legal but surely not meant. */

#include "config/config.h"

#define lint_warn(report, source, ...) config_report_add(report, SEVERITY_WARNING, source, 0, 0, __VA_ARGS__)
#define lint_note(report, source, ...) config_report_add(report, SEVERITY_NOTE, source, 0, 0, __VA_ARGS__)

/* Policies that an earlier one hides; policy_load() itself says so, since its author thinks the host is guarded by it. */
void lint_hidden(const Policy *p, ConfigReport *report);
void lint_conditions(const Policy *p, const CgroupPolicy *cp, ConfigReport *report);
void lint_ladder(const Policy *p, const CgroupPolicy *cp, ConfigReport *report);
/* "[Warn]", "[Relieve]", "[Kill]" */
const char *lint_section_name(Level level);

void lint_record(const DaemonPolicy *d, ConfigReport *report);
void lint_sysctl(const SysctlPolicy *p, ConfigReport *report);
void lint_sysctl_host(const SysctlPolicy *p, const Snapshot *s, ConfigReport *report);

/* Files of the distribution are for every host: that they fit this one is not to be expected. */
bool lint_is_vendor(const char *source);
