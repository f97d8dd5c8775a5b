/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One readable line for each thing that happens. Everything untrusted is escaped; nothing allocates. */

#include "base/text.h"
#include "model/decision.h"
#include "report/record.h"

/* "hog (pid 812, uid 0, hog.service)"; of a cgroup or group: its name, its size, its biggest member. */
void line_append_victim(TextBuf *b, const Candidate *c);
/* "host" or the path of the cgroup */
void line_append_domain(TextBuf *b, const char *domain_path);
/* "host memory low", "hog.service is against its own memory limit, the host is not short" */
void line_append_reason(TextBuf *b, Reason reason, const char *domain_path);

/* A candidate on a line of its own: what it is, what it would free, how it grew, its tier. */
void line_append_candidate(TextBuf *b, const Candidate *c);

/* "killed hog (...) with SIGKILL: host memory low: ...; it grew ...; next: ..." or why that failed. */
void line_append_kill(TextBuf *b, const KillRecord *r);
/* "hog (pid 812) was gone after 84ms, 231M came back (available 41M -> 272M)" or that it is still there. */
void line_append_end(TextBuf *b, const KillRecord *r);

void line_append_level(TextBuf *b, const LevelChange *c);
void line_append_held(TextBuf *b, const KillHeld *h);
