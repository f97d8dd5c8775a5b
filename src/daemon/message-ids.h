/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One id per kind of journal entry. An id never changes its meaning: operators filter by it, and
 * systemd/headroom.catalog has the text that `journalctl -x` shows. The test check-catalog compares the two.
 */

#define MESSAGE_ID_KILL             "784ba794669d4e2f871f4f28372f7505" /* a victim was signalled */
#define MESSAGE_ID_WOULD_KILL       "a0f550e1dd094ab9b4325cff2e9bc914" /* dry run: it would have been */
#define MESSAGE_ID_LEVEL            "3f1cbc0f06ab4daab9c07a65639a19bd" /* a host or cgroup changed its level */
#define MESSAGE_ID_RELIEF           "4f5f21750c124c19b5fccec382a7cc5d" /* a victim is gone; what came back */
#define MESSAGE_ID_KILL_FAILED      "203dd0d5644f45b0ad1a9b2692fd07c9" /* every candidate failed, or one would not go */
#define MESSAGE_ID_KERNEL_OOM       "c85f5f3ec9a54df8a6004f824725609a" /* the kernel's OOM killer was faster */
#define MESSAGE_ID_POLICY_RELOADED  "2398a447cbf3425cb3fa7eeeaf28e7d3"
#define MESSAGE_ID_POLICY_REFUSED   "e411dbc06ece40bc98b5090b51dcd3cf" /* the old policy stays */
#define MESSAGE_ID_DEGRADED         "a89429af7bd14f8db8fe60515f503a5b" /* what this host cannot offer */
#define MESSAGE_ID_OTHER_OOM_DAEMON "b1dd5f8e56384628b0fda153bbf8b2e4"
#define MESSAGE_ID_MEASURE          "6ff456f138bd40dd98d2c9ce894a76fc" /* a step below the kill is taken */
#define MESSAGE_ID_WOULD_MEASURE    "da24e573ecc64c6d94d6eb3171363dd8" /* dry run: it would have been */
#define MESSAGE_ID_MEASURE_END      "c740cb6f47e94625baa7b2ad99d31013" /* what it brought, or that it was put back */
#define MESSAGE_ID_MEASURE_FAILED   "85ffd45af72049dca8207a4a7cbdff90" /* it was skipped; what happens instead */
#define MESSAGE_ID_UNDO             "2652f287eea241afb178317e9f22a592" /* put back at start, or by hand */
#define MESSAGE_ID_SYSCTL           "fec6cdcab75f45e88069ef576474fa27" /* a setting of the kernel was changed, or put back */
#define MESSAGE_ID_WOULD_SYSCTL     "a8373ee8aa2d447a9c5d05d9713304d3" /* dry run: it would have been */
#define MESSAGE_ID_SYSCTL_SKIPPED   "72bc201ea80640548a492112cab535ff" /* it cannot be written, or must not be now */
#define MESSAGE_ID_SYSCTL_DRIFT     "bc3b239f2e1444aabd4c760784ab430b" /* somebody else has changed it */
