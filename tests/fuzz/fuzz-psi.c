/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input.h"
#include "sense/psi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = input_text(data, size);
        PsiTotals t = { .some_usec = 4711, .full_usec = 4712 };

        int r = psi_parse(text, &t);
        REQUIRE(r == 0 || r == -EBADMSG);
        if (r < 0)
                REQUIRE(t.some_usec == 4711 && t.full_usec == 4712); /* untouched */
        else
                REQUIRE(t.has_some || t.has_full);
        return 0;
}
