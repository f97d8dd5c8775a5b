/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/macros.h"

/* CRC-32C (Castagnoli, as in RFC 3720) of @n bytes, continued from @crc; 0 to begin. Finds every burst up to 32 bits. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);
