/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "sense/monitored.h"
#include "sense/peak.h"

void cgroup_detail_read(CgroupTree *t, const MonitoredSet *m, Peaks *peaks, bool has_limits);
void cgroup_detail_rebase(CgroupTree *t);
