from __future__ import annotations

import pytest

from ibsniff.capture.program_names import script_name


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python bot.py", "bot.py"),
        ("/usr/bin/python3.12 -u /opt/bots/bot.py --password secret", "bot.py"),
        ("python -X dev -W ignore bot.py", "bot.py"),
        ("python -Xdev -Wignore bot.py", "bot.py"),
        ("python -m trading.bot secret", "-m trading.bot"),
        ("python -Im trading", "-m trading"),
        ("C:\\Python\\pythonw.exe C:\\bots\\bot.pyw", "bot.pyw"),
        ("/venv/bin/python /venv/bin/mybot run", "mybot"),
        ("java -Xmx768m -cp a.jar:b.jar -Dsecret=1 ibgateway.GWClient /opt/Jts user password", "ibgateway.GWClient"),
        ("java -Dsecret=1 -jar /opt/bot.jar secret", "bot.jar"),
        ("node --require ./x.js bot.js secret", "bot.js"),
        ("node bot.mjs", "bot.mjs"),
    ],
)
def test_the_script_of_an_interpreter(command: str, name: str) -> None:
    assert script_name(command.split()) == name


@pytest.mark.parametrize(
    "command",
    [
        "",
        "python",
        "python -c secret code",
        "python -uc secret",
        "python -m",
        "python -m secret;code",
        "python --check-hash-based-pycs secret bot.py",
        "python - secret",
        "python -W",
        "java",
        "java -jar",
        "java @secret.args",
        "node -e secret",
        "node --eval secret",
        "bash run.sh secret",
        "mybot --password secret",
        "tws secret",
    ],
)
def test_nothing_else_of_a_command_line_is_named(command: str) -> None:
    assert script_name(command.split()) is None


def test_a_name_is_short_and_has_nothing_unusual() -> None:
    assert script_name(["python", "x" * 300 + ".py"]) == "x" * 40
    assert script_name(["python", "bot \x1b[2J.py"]) is None
    assert script_name(["java", "a." * 40 + "Main"]) == ("a." * 40 + "Main")[-40:]
