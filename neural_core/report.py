"""A page with a picture of every stage, for people who want to see where a result comes from."""

import html
import math
from pathlib import Path

import numpy as np
import torch

from neural_core.animation import framing_camera, posed_vertices
from neural_core.body import BodyModel
from neural_core.fitting.overlay import draw_overlay, side_view
from neural_core.output import write_aside
from neural_core.pictures import over, to_height, to_uint8, write_png
from neural_core.pipeline import Creation
from neural_core.rendering import AvatarRenderer, load_renderer

_HEIGHT = 640  # pixels of the pictures in the page

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1200px; color: #222; background: #fafafa }
figure { display: inline-block; margin: 0 12px 18px 0; vertical-align: top }
img { max-height: 420px; max-width: 560px; background: #fff; border: 1px solid #ddd }
figcaption { font-size: 13px; color: #555 } table { border-collapse: collapse } td { padding: 2px 14px 2px 0 }
td + td { text-align: right; font-variant-numeric: tabular-nums }
"""


def write_report(creation: Creation, folder: Path, seconds: dict[str, float] | None = None) -> Path:
    """Write `report.html` and its pictures (in `folder/report/`); returns the page's path."""
    avatar, evidence = creation.avatar, creation.evidence
    body = avatar.body()
    pictures = folder / "report"

    sections: list[tuple[str, list[tuple[str, str]]]] = []

    def section(title: str, named: dict[str, np.ndarray]) -> None:
        entries = []
        for caption, picture in named.items():
            file = f"{len(sections) + 1}_{caption.split(' (')[0].lower().replace(' ', '_')}.png"
            write_png(pictures / file, picture)
            entries.append((f"report/{file}", caption))
        sections.append((title, entries))

    cut_out = evidence.image * evidence.mask[..., None] + (1 - evidence.mask[..., None])
    section(
        "Photo, landmarks and mask",
        {
            "Photo": _shrink(evidence.image),
            "Mask": _shrink(cut_out),
            "Fitted body and landmarks": _shrink(draw_overlay(evidence, body, creation.fit, None)),
            "Clothed shape": _shrink(draw_overlay(evidence, body, creation.fit, avatar.rest_offsets)),
            "From the side": _shrink(side_view(evidence, body, creation.fit, avatar.rest_offsets)),
        },
    )
    partial = creation.partial
    section(
        "Texture",
        {
            "Sampled": to_uint8(partial.rgb * partial.sampled),
            "Filled": to_uint8(partial.rgb * torch.maximum(partial.sampled, partial.filled)),
            "Completed": to_uint8(avatar.texture.detail),
        },
    )
    section("Renders", _renders(creation, body))
    errors = {name.replace("_", " "): f"{value:.3g}" for name, value in avatar.fit_errors.items()}
    times = {name: f"{value:.2f} s" for name, value in (seconds or creation.seconds).items()}
    page = folder / "report.html"
    text = _page(sections, errors, times, creation.warnings)
    write_aside(page, lambda aside: aside.write_bytes(text.encode()))
    return page


def _renders(creation: Creation, body: BodyModel) -> dict[str, np.ndarray]:
    renderer = AvatarRenderer(body, load_renderer())
    vertices = posed_vertices(creation.avatar, body)[0]
    views = {"Front": 0, "Three quarters": 45, "Side": 90, "Back": 180}
    return {
        name: over(
            renderer.render(vertices, framing_camera(vertices, _HEIGHT, math.radians(yaw)), creation.avatar.texture)
        )
        for name, yaw in views.items()
    }


def _shrink(picture: np.ndarray) -> np.ndarray:
    """At most the page's height, as bytes."""
    return to_height(picture, min(_HEIGHT, picture.shape[0]))


def _page(
    sections: list[tuple[str, list[tuple[str, str]]]],
    errors: dict[str, str],
    times: dict[str, str],
    warnings: tuple[str, ...],
) -> str:
    def table(rows: dict[str, str]) -> str:
        cells = (f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table>{''.join(cells)}</table>"

    parts = ["<!doctype html><meta charset='utf-8'><title>Likeness</title>", f"<style>{_STYLE}</style>"]
    parts.append("<h1>Likeness</h1>")
    parts += [f"<p>{html.escape(warning)}</p>" for warning in warnings]
    for title, entries in sections:
        parts.append(f"<h2>{html.escape(title)}</h2>")
        for file, caption in entries:
            label = html.escape(caption)
            parts.append(f"<figure><img src='{file}' alt='{label}'><figcaption>{label}</figcaption></figure>")
    parts += ["<h2>Fit</h2>", table(errors), "<h2>Seconds</h2>", table(times)]
    return "\n".join(parts)
