"""``python tests/update_readme.py`` writes the README's sample anew from what the program prints."""

from __future__ import annotations

import re
import shlex

from test_readme import README, ROOT, ibsniff

(command,) = re.findall(r"^\$ ibsniff (.*)$", README, re.MULTILINE)
printed = "".join(line.rstrip() + "\n" for line in ibsniff(*shlex.split(command)).stdout.rstrip("\n").splitlines())
sample = re.compile(r"(<!-- sample -->\n```\n).*?(```\n<!-- end sample -->)", re.DOTALL)
(ROOT / "README.md").write_text(sample.sub(lambda match: match[1] + printed + match[2], README), "utf-8")
