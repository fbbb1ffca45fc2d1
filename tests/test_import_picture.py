"""The picture of the imports shows what there is: cycles, lazy ones too, floors, and what stands loose."""

from __future__ import annotations

from pathlib import Path

from import_picture import described, picture

SOURCES = {
    "__init__": "",
    "loose": "from ibsniff.house.roof import tile",
    "house/__init__": "from ibsniff.house import roof",
    "house/roof": "from ibsniff.house import wall",
    "house/wall": "from ibsniff.house.floor import board\nfrom ibsniff.house import window",
    "house/floor": "import os",
    "house/window": "def late():\n    from ibsniff.house.door import lock",
    "house/door": (
        "if TYPE_CHECKING:\n    from ibsniff.house import roof\ndef late():\n    import ibsniff.house.window as w"
    ),
}


def test_a_house(tmp_path: Path) -> None:
    for name, source in SOURCES.items():
        path = tmp_path / "ibsniff" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    shown = picture(tmp_path)
    assert shown.cycles == [["house.door", "house.window"]]
    assert (shown.rooms, shown.loose) == (["house"], ["loose"])
    assert shown.graph["loose"] == {"house.roof"}
    assert shown.longest_chain("house") == ["house.roof", "house.wall", "house.door"]
    assert "cycles: 1" in described(shown)
