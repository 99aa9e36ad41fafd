"""The READMEs are what happens: their transcripts, their code, their commands."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.docs.markdown import ROOT, blocks
from tests.support.shared import CHINOOK, needs_chinook

README = ROOT / "README.md"
EXAMPLE = ROOT / "examples" / "codeclash"
SHOWN_URL, OTHER_URL = "http://127.0.0.1:8000", "http://127.0.0.1:8001"
KEPT = re.compile(r"(?P<name>\w+)=\$\((?P<command>curl .*) \| grep -o '(?P<pattern>.*)'\)")
INDENTED = " | python3 -m json.tool"
EVER_NEW = (
    (r'("request_id": ?)"\w+"', r"\1…"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "…"),  # of now: the sample rows have whole seconds
    (r"(?m)^(date|etag): .+", r"\1: …"),
    (r"\b(after|before)=[\w-]+", r"\1=…"),
)
"""What no two answers have in common, and what is compared instead."""


@dataclass(frozen=True)
class Served:
    """The example, as it runs and what it printed."""

    url: str
    report: str


@contextmanager
def serving(folder: Path, target: str = str(EXAMPLE)) -> Iterator[Served]:
    """`onetrip serve examples/codeclash`, or what else is to be served, in a folder and on a free port."""
    command = [sys.executable, "-m", "onetrip", "serve", target, "--port", "0"]
    with (folder / "stderr").open("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8")
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Serving on"):
                break
        else:
            errors.seek(0)
            pytest.fail("".join(lines) + errors.read())
        url = re.findall(r"http://[\d.:]+\d", lines[-1])[0]
        try:
            yield Served(url, "".join(lines).replace(str(EXAMPLE), "examples/codeclash").replace(url, SHOWN_URL))
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def test_the_report_is_what_is_printed(tmp_path: Path) -> None:
    """The start of the tour is the real one, but for the time that it took."""
    with serving(tmp_path) as served:
        pass
    (shown,) = [block.text for block in blocks(README, "text") if block.text.startswith("onetrip 0")]
    seconds = re.compile(r"\d+\.\d s\b")
    assert seconds.sub("… s", served.report) == seconds.sub("… s", shown)


@pytest.mark.parametrize("page", [README, EXAMPLE / "README.md"], ids=["project", "example"])
def test_a_tour_is_a_real_one(page: Path, tmp_path: Path) -> None:
    """Every request gets the answer that stands below it, in the order of the page."""
    with serving(tmp_path) as served:
        tour(page, SHOWN_URL, served.url)


@needs_chinook
def test_the_tour_of_chinook_is_a_real_one(tmp_path: Path) -> None:
    """The database that the README serves beside the example."""
    shutil.copyfile(CHINOOK / "chinook.sqlite", tmp_path / "chinook.sqlite")
    with serving(tmp_path, "sqlite:///chinook.sqlite") as served:
        tour(README, OTHER_URL, served.url)


def tour(page: Path, shown: str, url: str) -> None:
    """Do what a page does with a server that it shows under some URL, and compare."""
    made = 0
    for block in blocks(page, "console"):
        if f"{shown}/" in block.text:
            asked = [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
            kept: dict[str, str] = {}
            real = "".join(f"$ {line}\n{output(line.replace(shown, url), kept)}" for line in asked).replace(url, shown)
            assert without_the_new(real) == without_the_new(block.text), str(block)
            made += 1
    assert made, shown


def output(line: str, kept: dict[str, str]) -> str:
    """Do what a shell does, which keeps a part of an answer in a variable, or prints all of it."""
    if keeps := KEPT.fullmatch(line):
        [kept[keeps["name"]]] = re.findall(keeps["pattern"], answer(keeps["command"]))
        return ""
    for name, value in kept.items():
        line = line.replace(f"${name}", value)
    return f"{answer(line)}\n"


def answer(command: str) -> str:
    """Do what `curl` does."""
    program, *arguments = shlex.split(command.removesuffix(INDENTED))
    options = iter(arguments)
    assert program == "curl"
    method, target, body, headed = None, "", None, False
    headers: dict[str, str] = {}
    for option in options:
        match option:
            case "-s" | "-si" | "-sI":
                headed = option != "-s"
                method = "HEAD" if option == "-sI" else None
            case "-X":
                method = next(options)
            case "-H":
                headers |= [next(options).split(": ")]
            case "--json":
                body = next(options)
                headers |= {"Content-Type": "application/json"}
            case _:
                assert option.startswith("http://"), command
                target = option
    got = httpx2.request(method or ("GET" if body is None else "POST"), target, content=body, headers=headers)
    text = json.dumps(got.json(), indent=4) if command.endswith(INDENTED) else got.text.replace("\r\n", "\n")
    text = text.removesuffix("\n")  # of CSV, which is the last line's
    if not headed:
        return text
    status = f"HTTP/1.1 {got.status_code} {got.reason_phrase}"
    head = "".join(f"{name}: {value}\n" for name, value in got.headers.items())
    return f"{status}\n{head}\n{text}".removesuffix("\n" if not text else "")


def without_the_new(text: str) -> str:
    """Leave out what is new in every answer."""
    for pattern, instead in EVER_NEW:
        text = re.sub(pattern, instead, text)
    return text


def test_the_code_is_the_examples() -> None:
    """What is shown is the whole of the example's `main.py`."""
    (shown,) = blocks(README, "python")
    assert shown.text == (EXAMPLE / "main.py").read_text(encoding="utf-8")


def test_the_commands_are_there() -> None:
    """`dev.py` knows the commands of the README and of CONTRIBUTING, and CI runs the one that tests."""
    text = "".join(path.read_text(encoding="utf-8") for path in (README, ROOT / "CONTRIBUTING.md"))
    named = set(re.findall(r"python3 dev\.py (\w+)", text))
    listed = subprocess.run(
        [sys.executable, ROOT / "dev.py", "--help"], capture_output=True, check=True, text=True
    ).stdout
    assert {"serve", "test"} <= named == set(re.findall(r"python3 dev\.py (\w+)", listed))
    assert "dev.py test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_an_unknown_command_says_which_there_are() -> None:
    """A slip on `dev.py` is answered by the list of commands and exit code 2, before anything is installed."""
    done = subprocess.run([sys.executable, ROOT / "dev.py", "tset"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "python3 dev.py test" in done.stdout


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    """An interpreter that is too old gets one sentence."""
    script = "import sys; sys.version_info = (3, 9, 1); exec(open(sys.argv[1], encoding='utf-8').read())"
    done = subprocess.run([sys.executable, "-c", script, ROOT / "dev.py"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "dev.py: onetrip needs Python 3.11 or later, and this is 3.9.\n"
