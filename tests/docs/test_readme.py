"""The README is what happens: its transcript, its code, its commands."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.docs.markdown import ROOT, Block, blocks

README = ROOT / "README.md"
EXAMPLE = ROOT / "examples" / "codeclash"
SHOWN_URL = "http://127.0.0.1:8000"
TOUR = [block for block in blocks(README, "console") if "$ curl" in block.text]

CURL = re.compile(r"curl -s '(?P<url>[^']+)'(?P<indented> \| python3 -m json\.tool)?")
REQUEST_ID = re.compile(r'"request_id": ?"\w+"')


@dataclass(frozen=True)
class Served:
    """The example, as it runs and what it printed."""

    url: str
    report: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`onetrip serve examples/codeclash`, in an empty folder and on a free port."""
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "onetrip", "serve", str(EXAMPLE), "--port", "0"]
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


def test_the_report_is_what_is_printed(served: Served) -> None:
    """The start of the tour is the real one, but for the time that it took."""
    (shown,) = [block.text for block in blocks(README, "text") if block.text.startswith("onetrip 0")]
    seconds = re.compile(r"\d+\.\d s\b")
    assert seconds.sub("… s", served.report) == seconds.sub("… s", shown)


@pytest.mark.parametrize(
    "block",
    [block for block in blocks(README, "console") if "$ curl" in block.text],
    ids=lambda block: f"line-{block.line}",
)
def test_the_tour_is_a_real_one(served: Served, block: Block) -> None:
    """Every request of the tour gets the answer that stands below it."""
    real = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found = CURL.fullmatch(line.removeprefix("$ "))
            assert found, line
            answer = httpx2.get(found["url"].replace(SHOWN_URL, served.url)).text
            real += [line, json.dumps(json.loads(answer), indent=4) if found["indented"] else answer]
    assert REQUEST_ID.sub('"request_id": …', "\n".join(real) + "\n") == REQUEST_ID.sub('"request_id": …', block.text)


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
