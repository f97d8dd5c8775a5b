/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's files: meminfo, vmstat, swaps, mm_stat and the mount table. */
#include "input.h"
#include "sense/meminfo.h"
#include "sense/mountinfo.h"
#include "sense/swap-kind.h"
#include "sense/swaps.h"
#include "sense/vmstat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = input_text(data, size);
        HostSample h = {};
        Swaps swaps = { .n_areas = 4711 };
        ZramStat zram = { .orig_bytes = 4711 };
        Cgroup2Mount m;
        SwapArea areas[SWAP_AREAS_MAX];

        (void)meminfo_parse(text, &h);
        (void)vmstat_parse(text, &h);
        for (unsigned f = 0; f < _HOST_FIELD_MAX; f++)
                REQUIRE(host_has(&h, (HostField)f) || h.value[f] == 0);
        if (swaps_parse(text, &swaps) == 0)
                REQUIRE(swaps.n_zram <= swaps.n_areas && swaps.n_zram <= SWAPS_ZRAM_MAX &&
                        swaps.zram_total_bytes <= swaps.total_bytes);
        else
                REQUIRE(swaps.n_areas == 4711);
        int n = swap_areas_parse(text, areas, ARRAY_SIZE(areas));
        REQUIRE(n == -EBADMSG || (n >= 0 && n <= SWAP_AREAS_MAX));
        for (int i = 0; i < n; i++)
                REQUIRE(strlen(areas[i].path) < sizeof(areas[i].path));
        if (zram_mm_stat_parse(text, &zram) < 0)
                REQUIRE(zram.orig_bytes == 4711);
        if (mountinfo_find_cgroup2(text, &m) == 0)
                REQUIRE(m.point[0] == '/' && m.root[0] == '/' && strlen(m.point) < sizeof(m.point));
        (void)mountinfo_has_hidepid(text);
        return 0;
}
