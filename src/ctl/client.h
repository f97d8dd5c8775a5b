/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One question to the running daemon. */

#include <jansson.h>

#include "ctl/commands.h"

/* Steals @request. CTL_EXIT_OK with a new reference in *ret; everything else has been said on standard error. */
CtlExit client_ask(json_t *request, json_t **ret);
