"""What the program writes into the repository is what it would write now."""

from __future__ import annotations

import pytest
from renew import GENERATED, ROOT, SAMPLE
from renewing.cases import cases
from renewing.gallery import FAMILIES, gallery


@pytest.mark.parametrize("path", GENERATED)
def test_a_generated_file_is_current(path: str) -> None:
    stored = (ROOT / path).read_text("utf-8")
    if stored != GENERATED[path]():
        pytest.fail(f"{path} is not current: run 'python tests/renew.py' and review what changed", pytrace=False)


def test_the_sample_is_a_report() -> None:
    assert "What to do" in SAMPLE.findall((ROOT / "README.md").read_text("utf-8"))[0]


def test_the_gallery_shows_every_case_once_and_every_family() -> None:
    shown = gallery()
    for case in cases():
        assert shown.count(f"| [{case.name}]({case.name}/): ") == 1
    for family in FAMILIES.values():
        assert f"\n## {family.title}\n" in shown
