/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/snapshot.h"

int vmstat_parse(const char *text, HostSample *ret);
