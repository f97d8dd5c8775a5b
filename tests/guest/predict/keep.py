#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""keep.py WORK TO: of what the guests left in WORK, the little that the table is made of; for the repository."""

import json
import pathlib
import shutil
import sys

work, to = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])

for folder in sorted(p for p in work.iterdir() if (p / "result.json").exists()):
    target = to / folder.name
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "result.json", target / "result.json")
    kills = json.loads((folder / "history.json").read_text(encoding="utf-8"))["kills"]
    keys = ("mono_usec", "step", "escalation", "reason", "available_bytes", "freed_bytes")
    kept = [{**{key: kill.get(key) for key in keys}, "victim": {key: kill["victim"][key] for key in ("comm", "cgroup", "size_pages")}}
            for kill in kills if kill.get("victim")]
    (target / "history.json").write_text(json.dumps({"kills": kept}, indent=1) + "\n", encoding="utf-8")
    for trace in sorted((folder / "trace").glob("*.trace")):
        (target / "trace").mkdir(exist_ok=True)
        shutil.copy(trace, target / "trace" / "record.trace")
        (target / "trace" / "record.trace").chmod(0o644)
