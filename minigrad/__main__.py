"""The command line: `minigrad COMMAND`, or `python -m minigrad COMMAND`."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn, Sequence

from .gradflow import command as gradflow


class _Parser(argparse.ArgumentParser):
    """Reports a wrong option in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (--help lists the options)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` are the process's own if left out. Returns the exit status."""
    parser = _Parser(prog="minigrad", description="Reverse-mode autograd that shows a gradient vanish or explode.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    gradflow.add_parser(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
