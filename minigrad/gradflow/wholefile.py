"""Files are written whole or not at all: under another name first, then renamed."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator


def check_writable(path: Path) -> None:
    """Raise OSError, naming `path` and the reason, if no file can be written there. Leaves nothing behind."""
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder; name a file in it")
        if not path.parent.is_dir():
            raise FileNotFoundError(0, f"there is no folder {path.parent}")
        with suppress(FileNotFoundError):
            os.lstat(path)  # objects to a name that is too long
        _temporary_beside(path).unlink()
    except OSError as error:
        raise type(error)(f"cannot write {path}: {error.strerror}") from error


def _temporary_beside(path: Path) -> Path:
    """A new file in the same folder, so that it can be renamed to `path`; its name is short and its suffix the same."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".minigrad-", suffix=path.suffix)
    os.close(handle)
    return Path(name)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder, to write to; it becomes `path` at the end, and is removed on an error."""
    temporary = _temporary_beside(path)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp's files are for their owner only
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
