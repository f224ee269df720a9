"""The changes of files that restart an application."""

import sys
import threading
import time
from pathlib import Path

import pytest

from sanic_star.servers.settings import CannotServe
from sanic_star.servers.watching import Watch

TIMEOUT_S = 30.0


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The working directory, and one that is watched beside it."""
    work, named = tmp_path / "work", tmp_path / "named"
    for folder in (work, named, work / "package"):
        folder.mkdir()
    monkeypatch.chdir(work)
    return work, named


def test_source_files_count_and_everything_in_directories_that_were_named(folders: tuple[Path, Path]) -> None:
    work, named = folders
    rung = threading.Event()
    watch = Watch([str(named)], rung.set)
    watch.start()
    seen: set[str] = set()
    wanted = {work / "package" / "module.py", named / "page.html"}
    left_alone = {work / "notes.txt", work / "package" / "module.pyc", named / "cached.pyc", named / ".page.html.swp"}
    began = time.monotonic()
    try:
        while not {str(path) for path in wanted} <= seen:
            assert time.monotonic() < began + TIMEOUT_S
            # Again and again: it may begin to watch after the first of them.
            for path in left_alone | wanted:
                path.write_text(str(time.monotonic()))
            if rung.wait(0.5):
                rung.clear()
                seen |= watch.take_changes()
    finally:
        watch.stop()
    assert seen == {str(path) for path in wanted}


def test_a_watch_may_end_before_it_begins(folders: tuple[Path, Path]) -> None:
    watch = Watch([], lambda: None)
    watch.stop()
    assert watch.take_changes() == set()


def test_unwatchable_paths_are_reported(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotServe, match="nosuch: it is not a directory"):
        Watch(["nosuch"], lambda: None)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(CannotServe, match="needs watchfiles"):
        Watch([], lambda: None)
