/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The plan document as one HTML file that needs nothing else: style and plots are inside, nothing is loaded, nothing is a
 * program. Plots stretch with the page while their labels, which are text beside the drawing and not in it, keep their size.
 */

#include <jansson.h>
#include <stdio.h>

/* @doc: of one host or of a fleet. Times are UTC, so that the same document gives the same bytes anywhere. -EIO where @f failed. */
int html_write(const json_t *doc, FILE *f);
