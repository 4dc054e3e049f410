"""Numbers and pictures of an evaluation as files: JSON for programs, one HTML page for people."""

import html
import json
import math
import sys
from pathlib import Path
from typing import Any

from neural_core.output import write_aside

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1400px; color: #222; background: #fafafa }
img { max-width: 100%; border: 1px solid #ddd; background: #fff } table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: 2px 10px; text-align: right; font-variant-numeric: tabular-nums; border-bottom: 1px solid #e4e4e4 }
td:first-child, th:first-child { text-align: left } p { max-width: 60em }
"""

Table = tuple[list[str], list[list[str]]]  # head, rows


def write_json(results: dict[str, Any], path: Path | None) -> None:
    """Write to a file, aside first, or to standard output where `path` is "-"; numbers that are nan become null."""
    text = json.dumps(_plain(results), indent=1)
    if path is None or str(path) == "-":
        sys.stdout.write(text + "\n")
    else:
        write_aside(path, lambda aside: aside.write_text(text))


def write_page(path: Path, title: str, notes: list[str], tables: dict[str, Table], pictures: dict[str, str]) -> None:
    """notes: paragraphs. tables: by heading. pictures: file relative to the page by caption."""
    parts = [f"<!doctype html><meta charset='utf-8'><title>{html.escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{html.escape(title)}</h1>")
    parts += [f"<p>{html.escape(note)}</p>" for note in notes]
    for heading, (head, rows) in tables.items():
        parts.append(f"<h2>{html.escape(heading)}</h2><table>")
        parts.append("<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>")
        parts += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
        parts.append("</table>")
    for caption, file in pictures.items():
        label = html.escape(caption)
        parts.append(f"<h2>{label}</h2><img src='{html.escape(file)}' alt='{label}' loading='lazy'>")
    write_aside(path, lambda aside: aside.write_text("\n".join(parts), encoding="utf-8"))


def means_table(groups: dict[str, dict[str, float]], columns: list[str]) -> Table:
    """A row for each group."""
    return ["", *columns], [[name, *(number(row.get(column)) for column in columns)] for name, row in groups.items()]


def number(value: float | None) -> str:
    """Three or four digits, or a dash."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def mean(values: list[float]) -> float:
    """Of those that are numbers; nan where there is none."""
    numbers = [v for v in values if not math.isnan(v)]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value
