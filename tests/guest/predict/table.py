#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py WORK HEADROOMCTL CELLS [RESULTS]: what was predicted beside what was observed, as Markdown.

WORK holds a folder for each guest that has run: "record" with the trace, and one for each cell (MiB, "+" with 256 MB of swap)
with result.json and history.json. The planner is asked for a machine of the guest's size; what the kernel keeps to itself of it,
so that MemTotal is less, is the planner's to know.

With RESULTS, a file, it is a check as well: exit status 1 where a line of the table does not stand there, fewer than nine in ten
predictions of yes or no are right, more than one victim is wrong, or the smallest safe size may be off by more than a tenth.
"""

import json
import pathlib
import subprocess
import sys

work, headroomctl, cells = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
results = pathlib.Path(sys.argv[4]).read_text(encoding="utf-8").splitlines() if len(sys.argv) > 4 else None
failures = []


def want(truth, what):
    if results is not None and not truth:
        failures.append("table: " + what)


def row(text):
    print(text)
    want(results is None or text in results, "not in the results: " + text)


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def unit(cgroup):
    return (cgroup or "").rstrip("/").split("/")[-1]


def find(document, key):
    """The first value of a key, wherever it stands."""
    if isinstance(document, dict):
        if key in document:
            return document[key]
        document = list(document.values())
    if isinstance(document, list):
        for value in document:
            found = find(value, key)
            if found is not None:
                return found
    return None


def plan(*options):
    command = [headroomctl, "plan", str(work / "record" / "trace"), "-o", "json", *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def plan_size(ram_mib, swap_kib):
    document = plan("--ram=%dM" % ram_mib, "--swap=%s" % ("%dK" % swap_kib if swap_kib else "0"))
    for point in find(document, "curve"):
        if point["ram_bytes"] == ram_mib << 20:
            return point
    raise SystemExit("table: the plan lacks %d MiB" % ram_mib)


def safe(document):
    found = find(document, "safe")
    return found["bytes"] if isinstance(found, dict) and "bytes" in found else None


def observed(name):
    """The cell's line, and (seconds, unit) of its kills while the load ran."""
    result, history = load(work / name / "result.json"), load(work / name / "history.json")
    kills = [(kill["mono_usec"] / 1e6 - result["begin_ms"] / 1e3, unit(kill["victim"]["cgroup"]))
             for kill in history["kills"] if not kill["escalation"]]
    return result, sorted(kill for kill in kills if kill[0] <= result.get("seconds", 100))


def predicted(point, begin_usec, load_seconds):
    kills = []
    for event in point["events"]:
        seconds = event["mono_usec"] / 1e6 - begin_usec / 1e6
        if event["kind"] in ("kill", "kernel-kill") and seconds <= load_seconds:
            kills.append((seconds, unit(event["cgroup"]) or event["comm"]))
    return sorted(kills)


def show(kills):
    return "%s at %.0f s" % (kills[0][1].replace(".service", ""), kills[0][0]) if kills else "none"


def main():
    recorded = load(work / "record" / "result.json")
    begin, load_seconds = recorded["begin_ms"] * 1000, recorded.get("seconds", 100)
    right = total = victims_right = victims = 0
    sizes = []
    row("| RAM | MemTotal | swap | predicted first kill | observed first kill | yes/no | victim | kills predicted, observed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for cell in sorted(cells, key=lambda c: ("+" in c, int(c.rstrip("+")))):
        if not (work / cell / "result.json").exists():
            print("| %s | | | | not run | | | |" % cell)
            continue
        result, seen = observed(cell)
        ram_mib = int(cell.rstrip("+"))
        said = predicted(plan_size(ram_mib, result["swap_kib"]), begin, load_seconds)
        kernel = result["kernel_oom_kills"]
        same = bool(said) == bool(seen or kernel)
        total += 1
        right += same
        victim = ""
        if said and seen:
            victims += 1
            victims_right += said[0][1] == seen[0][1]
            victim = "right" if said[0][1] == seen[0][1] else "wrong"
        if "+" not in cell:
            sizes.append((ram_mib, bool(seen or kernel)))
        row("| %d MiB | %d MiB | %s | %s | %s | %s | %s | %d, %d%s |" % (
            ram_mib, result["mem_total_kib"] // 1024, "256 MB" if "+" in cell else "none", show(said), show(seen),
            "right" if same else "**wrong**", victim, len(said), len(seen), " and %d by the kernel" % kernel if kernel else ""))
    print()
    if total:
        want(right * 10 >= total * 9, "fewer than nine in ten right")
        want(victims_right >= victims - 1, "more than one victim wrong")
        row("yes or no right: %d of %d; victim right where both kill: %d of %d" % (right, total, victims_right, victims))
    killed = [size for size, dead in sizes if dead]
    lived = [size for size, dead in sizes if not dead]
    if killed and lived:
        predicted_safe = safe(plan("--swap=0"))
        # wherever between the two the real one lies, it is right within a tenth
        want(predicted_safe is not None and 0.9 * min(lived) <= predicted_safe >> 20 <= 1.1 * max(killed), "smallest safe size")
        row("smallest safe RAM without swap: predicted %s, observed above %d and at most %d MiB" % (
            "none" if predicted_safe is None else "%d MiB" % (predicted_safe >> 20), max(killed), min(lived)))


main()
if failures:
    sys.exit("\n".join(failures))
