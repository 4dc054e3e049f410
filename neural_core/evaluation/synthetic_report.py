"""Tables of `likeness evaluate synthetic` from the people's records."""

from pathlib import Path
from typing import Any

from neural_core.evaluation.page import Table, mean, means_table, number, write_json, write_page

# Issue 3. Novel view and pose are one figure there: every view but the photo's own, each with a fit of its own.
TARGETS = {
    "same view": {"psnr": 24.0, "iou": 0.92},
    "novel view and pose": {"psnr": 18.5, "iou": 0.86},
    "novel view and pose: skirts, dresses, coats, long hair": {"iou": 0.80},
    "the photo's pose from other sides": {"psnr": 18.5, "iou": 0.86},
    "yaw 180 above mirror + harmonic": {"psnr": 1.5},
    "back of the head shows no face": {"share": 0.95},
    "4 photos above 1, novel view": {"psnr": 1.0},
}
_STAND_OFF = ("skirt", "dress", "coat", "long_hair")
_VIEWS = ("same", "yaw 45", "yaw 90", "yaw 135", "yaw 180", "pose")
_NOVEL = _VIEWS[1:]
_ORBITS = tuple(view.replace("yaw", "orbit") for view in _VIEWS if view.startswith("yaw"))
_ALL = _VIEWS + _ORBITS
_COLUMNS = ["psnr", "iou", "psnr_union", "psnr_both", "ssim", "ms_ssim", "psnr_image", "ssim_image", "ms_ssim_image"]
_OPTIONAL = ["akd_body", "akd_face", "face_shape", "lpips_alex", "lpips_vgg", "dists_vgg"]
NOTES = [
    "Seeds from 1,000,000, never trained on. Photos and truths 512 x 512; the avatar is the product's own walk from the"
    " photo. psnr: dB over the true person's pixels, what is not drawn counts as black; psnr_union: over the pixels of"
    " truth or drawing; psnr_both: where both are; iou: of the masks; ssim and ms_ssim: person crop over grey; *_image:"
    " whole picture over white, for comparison with papers only.",
    "Fit: true landmarks and camera, body with errors of the size the product's fit makes (people.estimate.FitNoise),"
    " unless the run used the real detectors and fit (--fit). In other views and poses the body is fitted to that view,"
    " with errors of its own, as DINAR's test frames are; orbit: the photo's fit led round, its errors in depth seen"
    " from the side.",
    "mirror + harmonic: the unseen from the other side of the body, the rest by heat flow; classical completion: the"
    " product's without diffusion, with hems, heads and fabric.",
    "4 photos: front, back and both sides, measured at yaw 45, 135 and in other poses, which none of them shows; its"
    " rows of one photo are of the same people and views.",
]


def tables(records: list[dict[str, Any]]) -> dict[str, Any]:
    """All means: by variant and view, groups, differences against the targets, and the faces on backs of heads."""
    measured = [record for record in records if record["rows"]]
    rows = [{**row, "seed": record["seed"]} for record in measured for row in record["rows"]]
    stand_off = {record["seed"] for record in measured if set(record["groups"]) & set(_STAND_OFF)}
    product = [row for row in rows if row["variant"] == "product"]
    novel = [row for row in product if row["view"] in _NOVEL]
    headline = {
        "same view": _means([row for row in product if row["view"] == "same"]),
        "novel view and pose": _means(novel),
        "novel view and pose: skirts, dresses, coats, long hair": _means([r for r in novel if r["seed"] in stand_off]),
        "the photo's pose from other sides": _means([row for row in product if row["view"] in _ORBITS]),
        "yaw 180 above mirror + harmonic": _difference(rows, "product", "mirror + harmonic", ("yaw 180",)),
        "back of the head shows no face": _backs(product, drawn=True),
        "4 photos above 1, novel view": _difference(rows, "4 photos", "product", ("yaw 45", "yaw 135")),
    }
    by_variant = {
        variant: {view: _means([r for r in rows if r["variant"] == variant and r["view"] == view]) for view in _ALL}
        for variant in dict.fromkeys(row["variant"] for row in rows)
    }
    against = [v for v in by_variant if v != "product"]
    return {
        "people": len(measured),
        "missed": [record["seed"] for record in records if not record["rows"]],
        "missed_views": {r["seed"]: r["missed_views"] for r in measured if r.get("missed_views")},
        "seconds_per_person": mean([float(record.get("seconds", float("nan"))) for record in measured]),
        "headline": headline,
        "targets": TARGETS,
        "faces": {
            "fronts drawn": _fronts(product, "face_found"),
            "true fronts": _fronts(product, "face_found_truth"),
            "true backs without a face": _backs(product, drawn=False),
        },
        "by_variant": by_variant,
        "product_minus": {v: _difference(rows, "product", v, _ALL) for v in against},
        "product_minus_at_180": {v: _difference(rows, "product", v, ("yaw 180",)) for v in against},
        "people_in_group": len(stand_off),
    }


def write_report(results: dict[str, Any], out: Path) -> None:
    """`results.json` and `report.html`."""
    write_json(results, out / "results.json")
    shown: dict[str, Table] = {"Against the targets": _target_table(results)}
    columns = _COLUMNS + [c for c in _OPTIONAL if c in results["by_variant"].get("product", {}).get("same", {})]
    for variant, views in results["by_variant"].items():
        present = {view: row for view, row in views.items() if row}
        shown[variant] = means_table(present, [*columns, "people"])
    shown["Product minus baseline, same people and views"] = means_table(results["product_minus"], _COLUMNS)
    pictures = {f"{path.stem}: truth above, drawing below": path.name for path in sorted(out.glob("[0-9]*.png"))}
    missed = f"{results['people']} people; {len(results['missed'])} missed by the detectors."
    write_page(out / "report.html", "Avatars against held-out people", [missed, *NOTES], shown, pictures)


def summary(results: dict[str, Any]) -> str:
    """The targets and what was reached, as lines for a terminal."""
    head, rows = _target_table(results)
    width = max(len(row[0]) for row in rows) + 2
    lines = ["".join(f"{cell:<{width if k == 0 else 12}}" for k, cell in enumerate(row)) for row in (head, *rows)]
    return "\n".join([f"{results['people']} people", *lines])


def _target_table(results: dict[str, Any]) -> Table:
    rows = []
    for name, targets in results["targets"].items():
        for measure, target in targets.items():
            rows.append([name, measure, number(results["headline"][name].get(measure)), f">= {number(target)}"])
    return ["", "measure", "reached", "target"], rows


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    if not rows:
        return {}
    means = {name: mean([row[name] for row in rows if name in row]) for name in (*_COLUMNS, *_OPTIONAL)}
    return {name: value for name, value in means.items() if value == value} | {"people": float(_people(rows))}


def _people(rows: list[dict[str, Any]]) -> int:
    return len({row["seed"] for row in rows})


def _difference(rows: list[dict[str, Any]], a: str, b: str, views: tuple[str, ...]) -> dict[str, float]:
    """Means of a minus those of b over the people and views that have both."""

    def of(variant: str) -> dict[tuple[int, str], list[dict[str, Any]]]:
        found: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for row in rows:
            if row["variant"] == variant and row["view"] in views:
                found.setdefault((row["seed"], row["view"]), []).append(row)
        return found

    ours, theirs = of(a), of(b)
    both = sorted(set(ours) & set(theirs))
    if not both:
        return {}
    first, second = (_means([row for key in both for row in found[key]]) for found in (ours, theirs))
    different = {name: first[name] - second[name] for name in _COLUMNS if name in first and name in second}
    return different | {"people": float(len({seed for seed, _ in both}))}


def _backs(product: list[dict[str, Any]], drawn: bool) -> dict[str, float]:
    found = [row["face_found" if drawn else "face_found_truth"] for row in product if row["view"] == "yaw 180"]
    return {"share": 1 - sum(found) / len(found), "people": float(len(found))} if found else {}


def _fronts(product: list[dict[str, Any]], name: str) -> dict[str, float]:
    found = [row[name] for row in product if row["view"] == "same"]
    return {"share": sum(found) / len(found), "people": float(len(found))} if found else {}
