/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input.h"
#include "sense/cgroup-attr.h"
#include "sense/memory-stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static int (*const parsers[])(const char *, CgroupSample *) = { memory_stat_parse, memory_events_parse,
                                                                        cgroup_events_parse };
        _cleanup_free_ char *text = input_text(data, size);
        uint64_t v = 4711;

        for (size_t i = 0; i < ARRAY_SIZE(parsers); i++) {
                CgroupSample c = {};
                cgroup_set(&c, CGROUP_CURRENT, 4711);
                (void)parsers[i](text, &c);
                for (unsigned f = 0; f < _CGROUP_FIELD_MAX; f++)
                        REQUIRE(cgroup_has(&c, (CgroupField)f) || c.value[f] == 0); /* absent is 0 */
                REQUIRE(cgroup_has(&c, CGROUP_CURRENT) && c.value[CGROUP_CURRENT] == 4711);
        }
        if (cgroup_attr_number_parse(text, /* may_be_max= */ false, &v) == 0)
                REQUIRE(v != CGROUP_NO_LIMIT);
        (void)cgroup_attr_number_parse(text, /* may_be_max= */ true, &v);
        return 0;
}
