"""Measures of the evaluation, against values known in advance."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import neural_core
from neural_core.evaluation import metrics
from neural_core.evaluation.landmarks import Landmarks, best_similarity, body_distance, face_distances, shows_face
from neural_core.evaluation.metrics import iou, over_ground, person_crop, picture_scores, psnr
from neural_core.evaluation.page import mean, means_table, write_json, write_page
from neural_core.photo.evidence import OTHER_SIDE


def _person(side: int = 192) -> tuple[torch.Tensor, torch.Tensor]:
    """A textured ellipse: picture (3, side, side) and mask."""
    row, column = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    mask = ((row / 0.8) ** 2 + (column / 0.4) ** 2 < 1).float()
    picture = torch.stack([0.5 + 0.4 * torch.sin(9 * row), 0.5 + 0.3 * torch.cos(7 * column), 0.4 + 0.2 * row])
    return picture.clamp(0, 1), mask


def test_psnr_of_a_known_error_counts_only_the_pixels_asked_for():
    a = torch.zeros(3, 8, 8)
    b = a.clone()
    b[:, :, 4:] = 0.1
    right = torch.zeros(8, 8, dtype=torch.bool)
    right[:, 4:] = True
    assert psnr(a, b, right) == pytest.approx(20.0, abs=1e-4)
    assert psnr(a, b, ~right) == pytest.approx(100.0)
    assert math.isnan(psnr(a, b, torch.zeros(8, 8, dtype=torch.bool)))


def test_iou():
    a = torch.tensor([True, True, False, False])
    assert iou(a, torch.tensor([True, False, True, False])) == pytest.approx(1 / 3)
    assert iou(a & ~a, a & ~a) == 1.0


def test_the_truth_itself_is_perfect_and_everything_else_costs():
    picture, mask = _person()
    perfect = picture_scores(picture, mask, picture, mask)
    assert perfect["iou"] == 1 and perfect["psnr"] > 90 and perfect["ssim"] > 0.999 and perfect["ms_ssim"] > 0.999
    half = mask.clone()
    half[96:] = 0
    cut = picture_scores(picture, half, picture, mask)
    assert cut["iou"] == pytest.approx(0.5, abs=0.01)
    assert cut["psnr"] < 15 and cut["psnr_both"] > 90, "missing pixels cost in psnr, not where both are"
    fat = torch.nn.functional.max_pool2d(mask[None], 21, 1, 10)[0]
    wide = picture_scores(picture, fat, picture, mask)
    assert wide["psnr"] > 90 > wide["psnr_union"] and wide["iou"] < 0.9, "what is drawn beyond the person costs"


def test_white_ground_flatters_and_the_crop_does_not():
    picture, mask = _person()
    large, large_mask = torch.ones(3, 600, 600), torch.zeros(600, 600)
    large[:, :192, :192], large_mask[:192, :192] = picture, mask
    drawn = (large * 0.7).clamp(0, 1)
    scores = picture_scores(drawn, large_mask, large, large_mask)
    assert scores["ssim_image"] > scores["ssim"] and scores["psnr_image"] > scores["psnr"]
    assert "psnr_image" not in picture_scores(drawn, large_mask, large, large_mask, whole=False)


def test_person_crop_has_a_margin_and_stays_in_the_picture():
    mask = torch.zeros(100, 100)
    mask[0:60, 40:50] = 1
    rows, columns = person_crop(mask)
    assert rows.start == 0 and rows.stop == 63 and (columns.start, columns.stop) == (37, 53)
    assert person_crop(torch.zeros(10, 10)) == (slice(None), slice(None))


def test_over_ground_mixes_by_alpha():
    assert float(over_ground(torch.full((3, 1, 1), 0.2), torch.full((1, 1), 0.25), 1.0).mean()) == pytest.approx(0.8)


def _landmarks(face: bool = True) -> Landmarks:
    rng = np.random.default_rng(0)
    pose = np.concatenate([rng.uniform(20, 80, (33, 2)), np.ones((33, 1))], axis=1)
    return Landmarks(pose, rng.uniform(30, 60, (478, 2)) if face else None)


def test_a_similarity_leaves_no_face_shape_but_is_a_keypoint_distance():
    truth = _landmarks()
    assert truth.face is not None
    angle = 0.3
    turn = 1.2 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = Landmarks(truth.pose, truth.face @ turn.T + [7.0, -3.0])
    apart, shape = face_distances(moved, truth)
    assert shape == pytest.approx(0, abs=1e-6) and apart > 1
    mirrored = truth.face * [-1, 1]
    assert np.abs(best_similarity(mirrored, truth.face) - truth.face).mean() > 1, "a mirrored face is another face"
    assert math.isnan(face_distances(Landmarks(truth.pose, None), truth)[0])


def test_body_distance_is_in_per_cent_of_the_height_and_skips_the_unseen():
    truth, drawn = _landmarks(), _landmarks()
    drawn.pose[:, 0] += 3
    assert body_distance(drawn, truth, 300, (100, 100)) == pytest.approx(1.0)
    truth.pose[0, 2] = 0
    drawn.pose[0, :2] += 500
    assert body_distance(drawn, truth, 300, (100, 100)) == pytest.approx(1.0)


def test_left_and_right_are_not_judged_on_a_back():
    truth = _landmarks(face=False)
    swapped = Landmarks(truth.pose[OTHER_SIDE], None)
    assert body_distance(swapped, truth, 100, (100, 100)) == pytest.approx(0)
    facing = _landmarks()
    assert body_distance(Landmarks(facing.pose[OTHER_SIDE], facing.face), facing, 100, (100, 100)) > 1


def test_results_are_json_and_a_page_without_nan_or_markup(tmp_path):
    write_json({"a": math.nan, "b": [1.0, math.inf], "c": "x"}, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": None, "b": [1.0, None], "c": "x"}
    table = means_table({"<b>still</b>": {"iou": 0.91, "psnr": math.nan}}, ["iou", "psnr"])
    assert table[1] == [["<b>still</b>", "0.910", "-"]]
    write_page(tmp_path / "page.html", "<script>", ["note"], {"T": table}, {"strip": "strip.png"})
    text = (tmp_path / "page.html").read_text()
    assert "<script>" not in text and "<b>" not in text and "strip.png" in text
    assert mean([1.0, math.nan, 3.0]) == 2.0 and math.isnan(mean([]))


def test_a_face_is_found_in_front_and_not_under_hair():
    """The sample person, and the same with the face covered in the colour of the hair."""
    with Image.open(Path(neural_core.__file__).parent / "data" / "sample_person.jpg") as photo:
        rgb = np.asarray(photo.convert("RGB").resize((333, 500))).copy()
    alpha = np.zeros(rgb.shape[:2])
    alpha[8:478, 75:260] = 1  # the head is looked for at the top of it
    assert shows_face(rgb, alpha)
    rgb[28:80, 146:188] = rgb[14:20, 155:180].reshape(-1, 3).mean(0)
    assert not shows_face(rgb, alpha)
    assert not shows_face(rgb, np.zeros_like(alpha))


def test_dists_joins_where_its_weights_lie_and_grows_with_the_damage(tmp_path, monkeypatch):
    """torchvision is not here (it must match the torch build): VGG16's layers with random weights stand in for it."""
    from types import SimpleNamespace

    from torchmetrics.functional.image import dists

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(metrics, "_importable", lambda package: package != "lpips")
    assert metrics.perceptual_networks() == ()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg16-397923af.pth").touch()
    assert metrics.perceptual_networks() == ("dists_vgg",)

    torch.manual_seed(0)
    layers, channels = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += (
            [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU()] if width else [torch.nn.MaxPool2d(2)]
        )
        channels = width or channels
    monkeypatch.setattr(dists, "_TORCHVISION_AVAILABLE", True)
    monkeypatch.setattr(dists, "VGG16_Weights", SimpleNamespace(DEFAULT=None), raising=False)
    vgg16 = SimpleNamespace(features=torch.nn.Sequential(*layers))
    monkeypatch.setattr(dists, "vgg16", lambda weights: vgg16, raising=False)
    metrics._distance.cache_clear()
    picture = torch.rand(3, 64, 64)
    blurred = torch.nn.functional.avg_pool2d(picture[None], 5, 1, 2)[0]
    same, half, whole = (
        metrics.perceptual_distance("dists_vgg", picture, torch.lerp(picture, blurred, share)) for share in (0, 0.5, 1)
    )
    metrics._distance.cache_clear()
    assert abs(same) < 1e-5 < half < whole
