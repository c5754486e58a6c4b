"""Two thousand damaged files: each is read or refused, and none ends or stops the process."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .mutation import mutate
from .specimens import SHARES, SPECIMENS

PATIENCE = 60.0
"""Seconds without news after which a file is taken to hang."""
AT_ONCE = 2
"""Processes that read, where there is enough to do."""
TESTS = Path(__file__).parents[1]


def scatter(folder: Path, count: dict[str, int], seed: int, workers: int) -> list[Path]:
    """Mutated files in a folder for each worker, all kinds alike in each."""
    places = [folder / f"worker-{number}" for number in range(workers)]
    for place in (*places, folder / "whole"):
        place.mkdir()
    for kind, files in count.items():
        whole = SPECIMENS[kind](folder / "whole")
        chance = random.Random(f"{kind} {seed}")
        for number in range(files):
            place = places[number % workers]
            name = f"{kind}-{number:04d}{whole.suffix}"
            (place / name).write_bytes(mutate(whole.read_bytes(), chance))
    return places


def attend(place: Path) -> Path:
    """Let a process read a folder, and a new one go on wherever it ends or hangs; its log."""
    log = place.with_suffix(".log")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    while True:
        with place.with_suffix(".err").open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "fuzz.worker", str(place), str(log)],
                cwd=TESTS,
                env=environment,
                stderr=errors,
            )
        if wait(process, log) == 0:
            return log
        with log.open("a") as told:
            told.write(f"ended the process with {process.returncode}\n")


def wait(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for a process as long as its log grows; its exit code."""
    size, since = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(0.1)
        now = log.stat().st_size if log.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            process.kill()
            return process.wait()
    return process.returncode


def verdicts(logs: list[Path]) -> Iterator[tuple[str, str]]:
    for log in logs:
        for line in log.read_text().splitlines():
            name, _, verdict = line.partition("\t")
            yield name, verdict


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(dict.fromkeys(("gif", "jpeg", "template"), 8), id="some"),
        pytest.param(SHARES, id="two-thousand", marks=pytest.mark.slow),
    ],
)
def test_mutated_files_are_read_or_refused(tmp_path: Path, count: dict[str, int]) -> None:
    workers = AT_ONCE if sum(count.values()) > 100 else 1
    places = scatter(tmp_path, count, int(os.environ.get("FUZZ_SEED", "0")), workers)
    with ThreadPoolExecutor(workers) as pool:
        told = dict(verdicts(list(pool.map(attend, places))))
    bad = {name: said for name, said in told.items() if said not in ("read", "refused")}
    assert not bad, "\n".join(f"{name}: {said}" for name, said in bad.items())
    assert len(told) == sum(count.values())
    found = Counter(told.values())
    assert found["read"]
    assert found["refused"]


def test_the_shares_make_two_thousand() -> None:
    assert sum(SHARES.values()) == 2000
    assert SHARES.keys() == SPECIMENS.keys()


def test_an_end_and_a_hang_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PATIENCE", 0.5)
    log = tmp_path / "log"
    log.write_text("x")
    dead = subprocess.Popen([sys.executable, "-c", "import os; os.abort()"])
    assert wait(dead, log) < 0
    stuck = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert wait(stuck, log) < 0
