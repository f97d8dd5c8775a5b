/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "sense/monitored.h"
#include "sense/peak.h"

void cgroup_detail_read(CgroupTree *t, MonitoredSet *m, Peaks *peaks);
void cgroup_detail_rebase(CgroupTree *t);
