/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "input.h"
#include "sense/block-io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = input_text(data, size);
        BlockDevice devices[8];

        int n = block_devices_parse(text, devices, 8);
        REQUIRE(n == -EBADMSG || (n >= 0 && n <= 8));
        for (int i = 0; i < n; i++) {
                size_t len = strnlen(devices[i].name, sizeof(devices[i].name));
                REQUIRE(len > 0 && len < sizeof(devices[i].name));
                REQUIRE(strchr(devices[i].name, ' ') == NULL && strchr(devices[i].name, '\n') == NULL);
                REQUIRE(!devices[i].is_divided || i + 1 < n);
        }
        return 0;
}
