"""The command line: `minigrad COMMAND`, or `python -m minigrad COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn, Sequence

from .gradflow import command as gradflow

_CANNOT_WRITE = 1
_PIPE_CLOSED = 141  # as shells report a program that SIGPIPE ends


class _Parser(argparse.ArgumentParser):
    """Reports a wrong option in one line."""

    def error(self, message: str) -> NoReturn:
        gradflow.complain(f"{self.prog}: error: {message} (--help lists the options)")
        self.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` are the process's own if left out. Returns the exit status.

    A reader that has seen enough, as `head` has, ends it quietly; standard output that cannot be written, in one line.
    """
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where its failure can be told of; the interpreter's own flush comes too late
    except BrokenPipeError:
        _discard_output()
        return _PIPE_CLOSED
    except OSError as error:
        _discard_output()
        gradflow.complain(f"minigrad: error: cannot write to standard output: {error.strerror or error}")
        return _CANNOT_WRITE


def _run(arguments: Sequence[str] | None) -> int:
    parser = _Parser(prog="minigrad", description="Reverse-mode autograd that shows a gradient vanish or explode.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    gradflow.add_parser(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _discard_output() -> None:
    """What is still buffered cannot be written, and must not fail once more when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
