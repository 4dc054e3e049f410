"""The synthetic evaluation: its people, its records, its tables."""

import json
from pathlib import Path

import pytest
import torch

from neural_core.avatar import Avatar
from neural_core.body import load_open_body
from neural_core.errors import PhotoError
from neural_core.evaluation import baselines, synthetic_scenes
from neural_core.evaluation.metrics import EvaluationError, iou
from neural_core.evaluation.synthetic import SyntheticConfig, _read, evaluate_synthetic
from neural_core.evaluation.synthetic_people import evidence_of, make_subject, noisy_fit, placement, true_joints
from neural_core.evaluation.synthetic_report import summary, tables, write_report
from neural_core.evaluation.synthetic_scenes import into_truth, scenes_of
from neural_core.rasterizer import rasterize
from neural_core.texture import Atlas, NeuralTexture, PartialTexture
from neural_core.training.people.evidence import true_evidence
from neural_core.training.people.views import HELD_OUT_FIRST_SEED


def _row(variant: str, view: str, psnr: float, **more) -> dict:
    return {"variant": variant, "view": view, "psnr": psnr, "iou": 0.9, "ssim": 0.5, **more}


def _record(seed: int, groups: list[str], lift: float) -> dict:
    return {
        "seed": seed,
        "groups": groups,
        "missed_views": ["yaw 135"] if seed == 1 else [],
        "rows": [
            _row("product", "same", 24 + lift, face_found=True, face_found_truth=True),
            _row("product", "yaw 45", 18 + lift),
            _row("product", "yaw 180", 16 + lift, face_found=seed == 1, face_found_truth=False),
            _row("mirror + harmonic", "yaw 180", 14 + lift),
            *([_row("4 photos", "yaw 45", 20 + lift)] if seed == 1 else []),
        ],
        "seconds": 2.0,
    }


def test_tables_compare_the_same_people_and_views(tmp_path):
    records = [_record(1, ["skirt"], 0.0), _record(2, ["trousers"], 2.0), {"seed": 3, "groups": [], "rows": []}]
    results = tables(records)
    head = results["headline"]
    assert results["people"] == 2 and results["missed"] == [3] and results["people_in_group"] == 1
    assert results["missed_views"] == {1: ["yaw 135"]}
    assert head["same view"]["psnr"] == pytest.approx(25)
    assert head["novel view and pose"]["psnr"] == pytest.approx(18)
    assert head["novel view and pose: skirts, dresses, coats, long hair"]["psnr"] == pytest.approx(17)
    assert head["yaw 180 above mirror + harmonic"]["psnr"] == pytest.approx(2)
    # Of one person only there are four photos: the other must not count.
    assert head["4 photos above 1, novel view"] == {"psnr": 2.0, "iou": 0.0, "ssim": 0.0, "people": 1.0}
    assert head["back of the head shows no face"]["share"] == pytest.approx(0.5)
    assert results["faces"]["true backs without a face"]["share"] == 1
    write_report(results, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["people"] == 2
    assert "mirror + harmonic" in (tmp_path / "report.html").read_text()
    assert "18.0" in summary(results) and "18.5" in summary(results)


def test_a_run_continues_and_a_torn_line_is_measured_again(tmp_path):
    path, header = tmp_path / "subjects.jsonl", {"version": 1}
    assert _read(path, header) == {}
    good = json.dumps(_record(7, [], 0.0))
    path.write_text(json.dumps(header) + "\n" + good + "\n" + good[:50])
    assert list(_read(path, header)) == [7]
    assert path.read_text().count("\n") == 2
    with pytest.raises(EvaluationError, match="other settings"):
        _read(path, {"version": 2})


def test_finished_people_are_not_measured_again(tmp_path):
    config = SyntheticConfig()
    from dataclasses import asdict

    from neural_core.evaluation.synthetic import VERSION

    record = _record(HELD_OUT_FIRST_SEED, [], 0.0)
    lines = [json.dumps({"version": VERSION, **asdict(config)}), json.dumps(record)]
    (tmp_path / "subjects.jsonl").write_text("\n".join(lines) + "\n")
    assert evaluate_synthetic(tmp_path, 1, config) == [record]
    with pytest.raises(EvaluationError):
        evaluate_synthetic(tmp_path, 0, config)


@pytest.fixture(scope="module")
def subject():
    return make_subject(load_open_body(), HELD_OUT_FIRST_SEED)


@pytest.mark.slow
def test_a_subject_is_seen_from_all_sides_and_its_evidence_is_true(subject):
    names = [view.name for view in subject.views]
    assert names == ["same", "yaw 45", "yaw 90", "yaw 135", "yaw 180", "other side", "pose", "pose"]
    forward = [view.camera.R[2] for view in subject.views[:5]]
    turned = [float(torch.rad2deg(torch.arccos((f * forward[0])[[0, 2]].sum() / (f[[0, 2]].norm() * forward[0][[0, 2]].norm())))) for f in forward]  # fmt: skip  # noqa: E501
    assert turned == pytest.approx([0, 45, 90, 135, 180], abs=0.5)
    evidence, mask = evidence_of(subject, 0), subject.views[0].mask
    pixels = torch.from_numpy(evidence.pose[[11, 12, 23, 24], :2]).long()
    assert bool((mask[pixels[:, 1], pixels[:, 0]] > 0.5).all()), "shoulders and hips lie on the person"


@pytest.mark.slow
def test_fit_noise_is_of_the_size_of_a_fit_and_the_same_every_time(subject):
    body = load_open_body()
    first, again = noisy_fit(subject, 0), noisy_fit(subject, 0)
    assert torch.equal(first.parameters.body_pose, again.parameters.body_pose)
    assert torch.equal(first.parameters.betas, noisy_fit(subject, 6).parameters.betas), "one shape in all views"
    joints = body(first.parameters, correctives=False).joints[0, :22]
    apart = (joints - true_joints(subject, 0)).norm(dim=1)
    assert 0.003 < float(apart.mean()) < 0.12


@pytest.mark.slow
def test_a_body_nearer_to_the_camera_is_put_where_the_picture_shows_it(subject):
    camera, truth = subject.views[2].camera, true_joints(subject, 0)
    nearer = truth + 0.1 * camera.R[2] + 0.05 * camera.R[0]
    placed = nearer + placement(nearer, truth, camera)
    pixels, _ = camera.project(placed)
    assert (pixels - camera.project(truth)[0]).norm(dim=1).max() < 3
    assert (camera.project(nearer)[0] - camera.project(truth)[0]).norm(dim=1).min() > 5


@pytest.mark.slow
def test_orbits_lead_the_photos_own_fit_round_and_views_have_one_of_their_own(subject):
    body, fit = load_open_body(), noisy_fit(subject, 0)
    texture = NeuralTexture(torch.zeros(5, 8, 8), torch.zeros(3, 16, 16))
    avatar = Avatar(fit.parameters, torch.zeros(body.num_vertices, 3), fit.camera, texture, body.name)
    scenes = scenes_of(subject, avatar, body)
    assert [s.name for s in scenes[:7]] == ["same", "yaw 45", "yaw 90", "yaw 135", "yaw 180", "pose", "pose"]
    assert [s.name for s in scenes[7:]] == ["orbit 45", "orbit 90", "orbit 135", "orbit 180"]

    def shape(vertices):
        return vertices - vertices.mean(0)

    for own, orbit in zip(scenes[1:5], scenes[7:]):
        assert orbit.view is own.view
        assert torch.allclose(shape(orbit.vertices), shape(scenes[0].vertices), atol=1e-5)
        assert not torch.allclose(shape(own.vertices), shape(scenes[0].vertices), atol=1e-2)


@pytest.mark.slow
def test_with_detectors_every_view_is_fitted_by_the_product_and_one_without_anybody_is_left_out(subject, monkeypatch):
    found = ("same", "yaw 180")

    def look(subject, view, **how):
        seen = subject.views[view]
        if seen.name not in found:
            raise PhotoError("Nobody.")
        picture = subject.photos[view]
        return true_evidence(subject.person, subject.poses[seen.pose], seen.camera, *picture, seen.mask)

    monkeypatch.setattr(synthetic_scenes, "seen_by_detectors", look)
    body, fit = load_open_body(), noisy_fit(subject, 0)
    texture = NeuralTexture(torch.zeros(5, 8, 8), torch.zeros(3, 16, 16))
    avatar = Avatar(fit.parameters, torch.zeros(body.num_vertices, 3), fit.camera, texture, body.name)
    scenes = scenes_of(subject, avatar, body, evidence_of(subject, 0))
    assert [s.name for s in scenes] == ["same", "yaw 180", "orbit 45", "orbit 90", "orbit 135", "orbit 180"]
    back = scenes[1]
    drawn = rasterize(back.vertices, body.faces, back.camera).mask
    assert iou(drawn, back.view.mask > 0.5) > 0.7


def test_a_body_of_another_scale_and_place_comes_back_to_the_truth():
    generator = torch.Generator().manual_seed(0)
    truth, vertices = torch.randn(22, 3, generator=generator), torch.randn(50, 3, generator=generator)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator))
    turn = turn * torch.det(turn).sign()
    moved = [(1.3 * x @ turn + 2.0) for x in (vertices, truth)]
    assert torch.allclose(into_truth(moved[0], moved[1], truth), vertices, atol=1e-4)


def _partial(colour: float, facing: float, known: torch.Tensor) -> PartialTexture:
    rgb = torch.full((3, 4, 4), colour) * known
    return PartialTexture(rgb, known.float(), known, torch.zeros_like(known), torch.full((4, 4), facing))


def test_averaging_ignores_facing_but_not_visibility():
    everywhere, left = torch.ones(4, 4, dtype=torch.bool), torch.zeros(4, 4, dtype=torch.bool)
    left[:, :2] = True
    hint = torch.zeros(1, 4, 4)
    shown = [
        baselines.Shown(_partial(0.2, 1.0, everywhere), _partial(0.2, 1.0, everywhere), hint),
        baselines.Shown(_partial(0.6, 0.1, left), _partial(0.6, 0.1, left), hint),
    ]
    rgb = baselines.averaged(shown).small.rgb
    assert rgb[:, :, :2].mean() == pytest.approx(0.4) and rgb[:, :, 2:].mean() == pytest.approx(0.2)


def test_the_command_line_names_what_it_cannot_do(tmp_path, capsys):
    from neural_core.cli import main

    assert main(["evaluate", "video", str(tmp_path / "none.mp4"), "--out", str(tmp_path / "out")]) == 2
    assert "no video" in capsys.readouterr().err
    assert main(["evaluate", "synthetic", "--subjects", "0", "--out", str(tmp_path)]) == 2
    assert "--subjects" in capsys.readouterr().err
    assert Path(tmp_path / "out").is_dir()


def test_mirror_and_harmonic_takes_the_other_side_and_lets_the_rest_flow():
    body = load_open_body()
    atlas = Atlas.of(body, 64)
    left = atlas.image(atlas.on_surface(body.template[:, :1], body.faces)[:, 0]) > 0.02
    seen = left & (torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) < 0.5)
    shown = baselines.Shown(_at(64, seen), _at(64, seen), torch.zeros(1, 64, 64))
    whole = baselines.mirror_and_harmonic(shown, body).data[:3]
    assert whole[:, seen].allclose(torch.full((3, int(seen.sum())), 0.3))
    assert whole[:, atlas.covered].sub(0.3).abs().max() < 1e-3  # one colour is all there is


def _at(size: int, seen: torch.Tensor) -> PartialTexture:
    return PartialTexture(
        0.3 * seen.float().expand(3, -1, -1), seen.float(), seen, torch.zeros_like(seen), seen.float()
    )
