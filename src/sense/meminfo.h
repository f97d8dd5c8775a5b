/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/snapshot.h"

int meminfo_parse(const char *text, HostSample *ret);
