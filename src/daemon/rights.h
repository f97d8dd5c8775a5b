/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"

/* May we signal processes of other users? */
bool rights_can_kill(void);
