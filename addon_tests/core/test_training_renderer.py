"""The training loop: learns, resumes bit for bit, stops cleanly, and keeps the last good checkpoint."""

import argparse
import csv
import signal
from dataclasses import replace

import pytest
import torch
from training_people import people_folder

from neural_core.errors import LikenessError, WeightsError
from neural_core.evaluation.renderer import evaluate_renderer, main, table
from neural_core.networks import RENDERER_CONFIGS
from neural_core.rendering import load_renderer, renderer_provenance
from neural_core.training.checkpoint import load_checkpoint
from neural_core.training.commands import add_train_arguments, run_train
from neural_core.training.data import PairConfig, PeoplePool
from neural_core.training.loop import CHECKPOINT, LOG, TrainingDiverged, learning_rate, train
from neural_core.training.renderer import RendererStage, TrainingConfig

TINY = RENDERER_CONFIGS["tiny"]
CONFIG = TrainingConfig(steps=12, batch=2, warmup=3, log_every=3, save_every=1e9)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_folder(tmp_path_factory.mktemp("data") / "people")


def run(people, out, config=CONFIG, architecture=TINY, start_from=None, **options):
    device = torch.device("cpu")
    stage = RendererStage(architecture, PeoplePool(people), config, device, start_from)
    return train(stage, out, device, report=lambda line: None, **options)


def stop_after(count):
    calls = iter(range(count))
    return lambda: next(calls, None) is None


def test_resumes_bit_for_bit(people, tmp_path):
    run(people, tmp_path / "whole")
    part = run(people, tmp_path / "parts", stop=stop_after(5))
    assert part.step == 5 and not part.finished
    assert run(people, tmp_path / "parts", resume=True).finished
    whole, parts = (
        load_checkpoint(tmp_path / name / CHECKPOINT, "renderer", TINY.to_json()).tensors for name in ("whole", "parts")
    )
    assert set(whole) == set(parts)
    assert any(name.startswith("optimiser.network.") and name.endswith("exp_avg_sq") for name in whole)
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_leaves_weights_log_and_provenance(people, tmp_path):
    result = run(people, tmp_path)
    assert load_renderer(result.weights).config == TINY
    provenance = renderer_provenance(result.weights)
    assert provenance["steps"] == 12 and provenance["people"] == 6 and provenance["training"]["batch"] == 2
    rows = list(csv.DictReader((tmp_path / LOG).open()))
    assert [int(row["step"]) for row in rows] == [3, 6, 9, 12]
    assert all(float(row["total"]) > 0 for row in rows)
    assert not list(tmp_path.glob(".*part*"))


def test_checkpoint_of_another_network_is_refused(people, tmp_path):
    run(people, tmp_path, replace(CONFIG, steps=1))
    with pytest.raises(WeightsError, match="another architecture"):
        run(people, tmp_path, architecture=replace(TINY, mask_width=16), resume=True)
    with pytest.raises(WeightsError, match="no checkpoint"):
        run(people, tmp_path / "elsewhere", resume=True)


def test_divergence_keeps_the_last_checkpoint(people, tmp_path):
    def files():
        return {path.name: path.read_bytes() for path in (tmp_path / CHECKPOINT).iterdir()}

    run(people, tmp_path, replace(CONFIG, steps=2))
    before = files()
    wild = replace(CONFIG, steps=50, learning_rate=1e30, clip=1e30)
    with pytest.raises(TrainingDiverged, match="checkpoint is intact"):
        run(people, tmp_path, wild, resume=True)
    assert files() == before


def test_minutes_are_a_clean_stop(people, tmp_path):
    result = run(people, tmp_path, minutes=0.0)
    assert result.step == 0 and not result.finished and result.weights.is_file()


def test_command_line(people, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    given = ["renderer", "--config", "tiny", "--data", str(people), "--out", str(tmp_path), "--device", "cpu"]
    handler = signal.getsignal(signal.SIGTERM)
    assert run_train(parser.parse_args([*given, "--steps", "2", "--batch", "1"])) == 0
    assert "step 2" in capsys.readouterr().out and signal.getsignal(signal.SIGTERM) is handler
    assert run_train(parser.parse_args([*given, "--steps", "3", "--batch", "1", "--resume"])) == 0
    for wrong, sentence in (
        (["--steps", "0"], "above zero"),
        (["--use", "codec"], "NAME=FILE"),
        (["--device", "cuda:99"], "--device cpu"),
        (["--device", "toaster"], "no device"),
    ):
        with pytest.raises(LikenessError, match=sentence):
            run_train(parser.parse_args([*given, *wrong]))


def test_schedule():
    config = TrainingConfig(steps=100, warmup=10, learning_rate=1e-2, final_rate=1e-4)
    rates = [learning_rate(config, step) for step in range(101)]
    assert rates[0] == pytest.approx(1e-3) and max(rates) == pytest.approx(1e-2) and rates[100] == pytest.approx(1e-4)
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.slow
def test_learns_to_beat_pasting(people, tmp_path):
    """Two shards of made-up people: the person is larger than the body and half of the texture is unseen."""
    pairs = PairConfig(colour_jitter=0.0)
    config = replace(CONFIG, steps=140, batch=3, warmup=10, learning_rate=6e-3, ema=0.9, bf16=False, pairs=pairs)
    result = run(people, tmp_path, config)
    scores = evaluate_renderer(load_renderer(result.weights), PeoplePool(people))["other yaw"]
    assert scores["psnr"] > scores["psnr_pasted"] + 4
    assert scores["iou"] > 0.9 > 0.7 > scores["iou_body"]
    assert "other yaw" in table({"other yaw": scores})
    assert main(["--data", str(people), "--weights", str(result.weights), "--device", "cpu", "--record"]) == 0
    recorded = renderer_provenance(result.weights)
    assert recorded["steps"] == 140 and recorded["held_out"]["other yaw"]["psnr"] == pytest.approx(
        scores["psnr"], abs=0.01
    )
