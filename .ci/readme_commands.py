"""Print the one sh block under a heading of the README, so that CI runs the very commands that people read.

Usage: python3 .ci/readme_commands.py README.md "## See it"
"""
import sys


def section(text: str, heading: str) -> list[str]:
    """The lines under the heading, up to the next heading of its level or above."""
    depth = len(heading) - len(heading.lstrip("#"))
    lines: list[str] = []
    found = in_block = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_block = not in_block
        # A shell comment inside a block looks like a heading and is none.
        is_heading = line.startswith("#") and not in_block
        if is_heading and line.strip() == heading:
            if found:
                raise ValueError(f"two headings '{heading}'")
            found = True
            lines = []
        elif is_heading and found and len(line) - len(line.lstrip("#")) <= depth:
            break
        elif found:
            lines.append(line)
    if not found:
        raise ValueError(f"no heading '{heading}'")
    return lines


def commands(text: str, heading: str) -> str:
    """The body of the only ```sh block under the heading; ValueError where there is none, several, or an open one."""
    blocks: list[list[str]] = []
    opened = None  # the info string of the block we are in
    for line in section(text, heading):
        if not line.startswith("```"):
            if opened == "sh":
                blocks[-1].append(line)
        elif opened is not None:
            opened = None
        else:
            opened = line[3:].strip()
            if opened == "sh":
                blocks.append([])
    if opened is not None:
        raise ValueError(f"a code block under '{heading}' is not closed")
    if len(blocks) != 1:
        raise ValueError(f"expected one sh block under '{heading}', found {len(blocks)}")
    body = "\n".join(blocks[0]).strip()
    if not body:
        raise ValueError(f"the sh block under '{heading}' is empty")
    return body + "\n"


def main() -> None:
    path, heading = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        print(commands(text, heading), end="")
    except ValueError as error:
        sys.exit(f"{path}: {error}")


if __name__ == "__main__":
    main()
