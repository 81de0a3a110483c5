"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import tnlearn as tnl
from saved_things import (
    assert_same_network,
)
from tnlearn.files import load, save

pytestmark = pytest.mark.filterwarnings("error")


def fail(*_: Any) -> None:
    raise OSError("the disk is gone")


@pytest.mark.parametrize("broken", ["fsync", "replace"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failed_write_leaves_all_as_it_was(
    broken: str, existed: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tnl.chain(3, 2, seed=0)
    if existed:
        save(before, path)
    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="the disk is gone"):
        save(tnl.chain(4, 2, seed=1), path)
    assert os.listdir(path.parent) == (["thing"] if existed else [])
    if existed:
        assert_same_network(load(path), before)


def test_an_interrupted_write_leaves_all_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    path.write_text("old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(tnl.chain(4, 2, seed=1), path)
    assert os.listdir(path.parent) == ["thing"]
    assert path.read_text() == "old"


def test_all_is_on_the_disk_before_it_takes_the_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    sync, replace = os.fsync, os.replace

    def synced(number: int) -> None:
        sync(number)
        sizes.append(os.fstat(number).st_size)

    def replaced(source: Any, target: Any) -> None:
        assert Path(source).parent == Path(target).parent
        sizes.append(os.stat(source).st_size)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    save(tnl.chain(4, 2, seed=1), path)
    assert sizes == [path.stat().st_size] * 2


def test_saving_again_replaces_and_keeps_permissions_and_links(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    save(tnl.chain(3, 2, seed=0), file)
    file.chmod(0o600)
    link.symlink_to(file)
    save(tnl.chain(5, 2, seed=0), str(link))
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(load(os.fspath(file))) == 5


def test_a_new_file_has_the_usual_permissions(path: Path) -> None:
    save(tnl.chain(3, 2, seed=0), path)
    ordinary = path.with_name("ordinary")
    ordinary.touch()
    assert path.stat().st_mode == ordinary.stat().st_mode


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere'; create it first"):
        save(tnl.chain(3, 2), tmp_path / "nowhere" / "thing")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        save(tnl.chain(3, 2), tmp_path)
    assert os.listdir(tmp_path) == []
