"""Files appear whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from archcalc.output import OutputError, write_whole


def only(folder: Path, *names: str) -> bool:
    """Whether nothing else, such as a temporary file, is in the folder."""
    return sorted(os.listdir(folder)) == sorted(names)


def test_writes_utf8_as_it_is(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.yaml", "name: Größe\n")
    assert (tmp_path / "a.yaml").read_bytes() == "name: Größe\n".encode()
    assert only(tmp_path, "a.yaml")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_the_umask_leaves(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a", "x", overwrite=umask != 0o077)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "private"
    file.write_text("old")
    file.chmod(0o600)
    write_whole(file, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)
    assert only(tmp_path, "private")


def test_without_overwrite_an_existing_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_whole(file, "first", overwrite=False)
    with pytest.raises(OutputError, match=r"/a exists already$"):
        write_whole(file, "second", overwrite=False)
    assert file.read_text() == "first"
    assert only(tmp_path, "a")


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    sync = os.fsync

    def appear(descriptor: int) -> None:
        file.write_text("another's")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", appear)
    with pytest.raises(OutputError, match="exists already"):
        write_whole(file, "mine", overwrite=False)
    assert file.read_text() == "another's"
    assert only(tmp_path, "a")


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    write_whole(tmp_path / "a", "x", overwrite=False)
    assert (tmp_path / "a").read_text() == "x"
    assert only(tmp_path, "a")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    file = tmp_path / "a"
    file.write_text("old")

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised:
        write_whole(file, "new")
    if isinstance(error, OSError):
        assert str(raised.value) == f"cannot write {file}: No space left on device"
    assert file.read_text() == "old"
    assert only(tmp_path, "a")


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "fifo")
    for name, reason in (
        ("link", "it is a symbolic link; name the file it leads to"),
        ("fifo", "it is not an ordinary file"),
        ("", "it is a folder"),
        ("no/such", f"there is no folder {tmp_path}/no"),
        ("target/a", "Not a directory"),
        ("a\0b", "embedded null byte"),
    ):
        path = os.path.join(tmp_path, name)
        with pytest.raises(OutputError) as raised:
            write_whole(path, "new")
        shown = path.replace("\0", "\\x00")
        assert str(raised.value) == f"cannot write {shown}: {reason}"
    assert target.read_text() == "old"
    assert only(tmp_path, "target", "link", "fifo")


def test_a_lone_surrogate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="surrogates not allowed"):
        write_whole(tmp_path / "a", "\udcff")
    assert only(tmp_path)
