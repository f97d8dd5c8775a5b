/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Why a setting of the kernel is what it is, in words and with the numbers that decided. */

#include "base/text.h"
#include "model/sysctl.h"

/* "swap is zram, which takes 180"; the same sentence for the journal, headroomctl and a dry run. */
void sysctl_append_why(TextBuf *b, Sysctl key, const SysctlAdvice *a);
/* "vm.swappiness" */
void sysctl_append_name(TextBuf *b, Sysctl key);
/* "zram (compressed memory)" */
const char *swap_kind_describe(SwapKind k);
