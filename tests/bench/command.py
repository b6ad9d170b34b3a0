"""What the command lines of the benchmarks share: the options, and the first lines of what they print."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform


def parser_of(doc: str, rounds: int = 25) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    text = f"turns that each contender takes (default {rounds})"
    parser.add_argument("--rounds", type=int, default=rounds, metavar="N", help=text)
    return parser


def heading(figures: str, *packages: str) -> str:
    """The versions that were measured, and what the figures are."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("numpy", *packages)]
    return f"Python {platform.python_version()}, {', '.join(versions)}, one thread\n\n{figures}\n"
