#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes configuration files as rows of C strings: embed.py OUTPUT BASE FILE...; paths in the rows are relative to BASE."""

import os
import sys

output, base, *files = sys.argv[1:]
with open(output, "w", encoding="ascii") as out:
    for name in files:
        out.write('        { "%s",\n' % os.path.relpath(name, base))
        with open(name, encoding="ascii") as f:
            for line in f:
                text = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                out.write('          "%s"\n' % text)
        out.write("        },\n")
