/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "input.h"
#include "sense/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = input_text(data, size);
        ProcessStat st = { .ppid = 4711 };
        ProcessStatus status = { .euid = 4711 };
        const char *path;
        int64_t v;
        size_t len;

        if (process_stat_parse(text, &st) == 0)
                REQUIRE(memchr(st.comm, '\0', sizeof(st.comm)) && st.state != '\0');
        else
                REQUIRE(st.ppid == 4711);
        if (process_status_parse(text, &status) < 0)
                REQUIRE(status.euid == 4711);
        if (process_cgroup_parse(text, &path, &len) == 0)
                REQUIRE(path > text && path + len < text + size && path[0] == '/' && !memchr(path, '\n', len));
        if (process_number_parse(text, -1000, 1000, &v) == 0)
                REQUIRE(v >= -1000 && v <= 1000);
        return 0;
}
