"""Pages to look around in: one HTML file with all it needs, which asks nothing of any network."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any, Sequence

from .diagnosis import Diagnosis, diagnosis_of
from .panels import figure_of
from .profile import profile
from .record import Record
from .runs import Runs, runs_by_name
from .table import table
from .wholefile import check_writable, written_whole

# What each figure's bar of buttons offers: zoom, pan and a picture; no link that leads away.
_CONFIG = {
    "displaylogo": False, "responsive": True, "doubleClick": "reset",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}  # fmt: skip
# The browser itself sees to it that nothing is fetched.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1500px; padding: 20px 28px 40px; background: #fff; color: #1c2430;
       font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 30px; line-height: 1.2; margin: 4px 0 10px; }
h2 { font-size: 20px; line-height: 1.3; margin: 2px 0 6px; }
h3 { font-size: 16px; margin: 22px 0 0; }
p { margin: 6px 0; max-width: 75em; overflow-wrap: anywhere; }
.kicker { color: #5a6472; font-size: 14px; overflow-wrap: anywhere; }
.cure { border-left: 4px solid #00224e; padding-left: 10px; }
.small { color: #5a6472; font-size: 13px; }
.runs { display: flex; flex-wrap: wrap; gap: 16px; }
.run { flex: 1 1 340px; border: 1px solid #999; border-left: 7px solid #00224e; border-radius: 5px; padding: 8px 14px; }
.run.healthy { border-left-color: #c0a020; }
"""


def require_plotly() -> Any:
    """Plotly's graph_objects. Raises ImportError, naming the extra that brings it."""
    try:
        from plotly import graph_objects
    except ImportError as error:
        raise ImportError(
            "pages need plotly, which comes with the extra minigrad[html]: pip install 'minigrad[html]'"
        ) from error
    return graph_objects


def page(runs: Runs, path: str | Path, title: str = "") -> None:
    """Write one HTML file, whole or not at all, that shows a record, or several under their names, side by side.

    It needs no network. On top the diagnosis of each run; below, heat maps (layers upward, training steps to the right)
    of the gradient's RMS, the activations' slope and their spread over the batch; and at the step of the slider the
    profile over the layers with the factors of its gain, and, of recurrent layers, the gradient through time.
    Raises ImportError without Plotly, ValueError for no run or one without a step, and as check_page does.
    """
    named = runs_by_name(runs)
    path = check_page(path)
    go = require_plotly()
    cards = "".join(card(name, diagnosis_of(record)) for name, record in named.items())
    title = title or "Gradient flow"
    body = f'<h1>{escaped(title)}</h1>\n<div class="runs">{cards}</div>\n{figure_div(figure_of(named, go), "figure")}'
    save(path, document(title, body))


def fragment(record: Record) -> str:
    """What a notebook shows: the diagnosis and the figure, or a plain table where there is no Plotly."""
    if not len(record):
        return "<p>Nothing was recorded.</p>"
    top = f'<style>{_STYLE}</style>{card("", diagnosis_of(record))}'
    try:
        go = require_plotly()
    except ImportError:
        return f"{top}<pre>{escaped(table(profile(record), ascii=True))}</pre>"
    figure = figure_of({"": record}, go)
    drawn: str = figure.to_html(full_html=False, include_plotlyjs=True, auto_play=False, config=_CONFIG)
    return top + drawn


def card(name: str, found: Diagnosis) -> str:
    """A diagnosis in a frame."""
    lines = [found.sentence, found.meaning, found.cure, *found.also]
    text = "".join(f"<p>{escaped(line)}</p>" for line in lines if line)
    over = f'<div class="kicker">{escaped(name)}</div>' if name else ""
    kind = "run healthy" if found.healthy else "run"
    return f'<div class="{kind}">{over}<h2>{escaped(found.headline)}</h2>{text}</div>'


def check_page(path: str | Path) -> Path:
    """`path`, if a page can be written there. Raises ValueError for a name without .html, OSError if it is not so."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm") and not path.is_dir():
        raise ValueError(f"cannot write {path}: the name of a page ends in .html")
    check_writable(path)
    return path


def write_html(figures: Sequence[Any], path: str | Path, title: str, sentences: Sequence[str] = ()) -> None:
    """Write Plotly figures, one under the other, to a single HTML file: a title, sentences, and Plotly itself.

    The file is written whole or not at all, and opens without a network. title and sentences are plain text.
    Raises ImportError without Plotly, and as check_page does.
    """
    path = check_page(path)
    require_plotly()
    paragraphs = "".join(f"<p>{escaped(sentence)}</p>\n" for sentence in sentences)
    divs = "".join(figure_div(figure, f"figure-{i}") for i, figure in enumerate(figures))
    save(path, document(title, f"<h1>{escaped(title)}</h1>\n{paragraphs}{divs}"))


def save(path: Path, text: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def document(title: str, body: str, style: str = "") -> str:
    """A whole page, with Plotly's script ahead of the body."""
    from plotly.offline import get_plotlyjs

    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escaped(title) or 'Gradient flow'}</title>\n<style>{_STYLE}{style}</style>\n"
        f"<script>{get_plotlyjs()}</script>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def figure_div(figure: Any, name: str) -> str:
    """A figure's place in the page, and the script that draws it there."""
    from plotly.io import to_html

    return to_html(
        figure, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=name, auto_play=False,
        default_width="100%", default_height=f"{figure.layout.height or 500}px",
    ) + "\n"  # fmt: skip


def escaped(text: str) -> str:
    return html.escape(str(text))
