"""The loop that all stages share, on a stage of two networks that compete, with randomness of every kind."""

import csv
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn
from training_people import people_folder

from neural_core.training.checkpoint import load_checkpoint
from neural_core.training.data import PairConfig, PeoplePool
from neural_core.training.loop import CHECKPOINT, LOG, TrainingDiverged, train
from neural_core.training.stage import LoopConfig, Loss, Stage, adam

CONFIG = LoopConfig(steps=9, batch=2, warmup=2, log_every=3, save_every=1e9, bf16=False)
CPU = torch.device("cpu")


class Duel(Stage):
    """A painter that learns the mean colour of people and a judge that holds it against them."""

    name = "duel"
    averaged = ("painter",)

    def __init__(self, data, config=CONFIG):
        torch.manual_seed(config.seed)
        self.config, self.pool = config, PeoplePool(data)
        self.architecture = {"painter": {"inputs": 2}}
        painter = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 3), nn.BatchNorm1d(3))
        self.modules = {"painter": painter, "judge": nn.Linear(3, 1)}
        self.optimisers = {
            "painter": adam(painter.parameters(), config),
            "judge": adam(self.modules["judge"].parameters(), config, 0.1),
        }
        self.seen = []

    def losses(self, turn):
        pairs = self.pool.sample(turn.batch, PairConfig(), turn.generator)
        colour = pairs.rgb.float().mean((2, 3)) / 255
        self.seen.append(colour)
        painted = self.modules["painter"](torch.randn(turn.batch, 2))  # torch's own generator, as dropout
        before = self.modules["painter"][0].weight.detach().clone()
        yield Loss("painter", (painted - colour).square().mean() - 0.1 * self.modules["judge"](painted).mean(), {})
        assert not torch.equal(before, self.modules["painter"][0].weight)  # stepped before the judge's turn
        judged = self.modules["judge"](painted.detach()).mean() - self.modules["judge"](colour).mean()
        yield Loss("judge", judged, {"margin": judged})

    def export(self, out, averages, provenance):
        self.exported = averages, provenance
        return out / "nothing"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_folder(tmp_path_factory.mktemp("data") / "people")


def run(stage, out, **options):
    options = {"report": lambda line: None, **options}
    return train(stage, out, CPU, **options)


def tensors(out):
    return load_checkpoint(out / CHECKPOINT, "duel", {"painter": {"inputs": 2}}).tensors


def stop_after(count):
    calls = iter(range(count))
    return lambda: next(calls, None) is None


def test_two_optimisers_dropout_and_buffers_resume_bit_for_bit(people, tmp_path):
    run(Duel(people), tmp_path / "whole")
    assert run(Duel(people), tmp_path / "parts", stop=stop_after(4)).step == 4
    torch.manual_seed(99)  # the state of the checkpoint counts, not the process's
    assert run(Duel(people), tmp_path / "parts", resume=True).finished
    whole, parts = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert {name.split(".")[0] for name in whole} == {"model", "average", "optimiser", "random"}
    assert set(whole) == set(parts) and all(torch.equal(whole[name], parts[name]) for name in whole)
    again = Duel(people, replace(CONFIG, seed=1))
    run(again, tmp_path / "again")
    assert not torch.equal(whole["model.painter.0.weight"], again.modules["painter"][0].weight)


def test_rates_averages_and_history(people, tmp_path):
    stage = Duel(people)
    run(stage, tmp_path)
    painter, judge = (stage.optimisers[name].param_groups[0]["lr"] for name in ("painter", "judge"))
    assert judge == pytest.approx(0.1 * painter) and painter < CONFIG.learning_rate
    averages, provenance = stage.exported
    assert set(averages) == {"painter"} and provenance["steps"] == 9 and provenance["training"]["batch"] == 2
    assert not torch.equal(averages["painter"]["0.weight"], stage.modules["painter"][0].weight)
    assert int(averages["painter"]["3.num_batches_tracked"]) == 9
    with (tmp_path / LOG).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "6", "9"] and {"total", "judge", "margin"} <= set(rows[0])


def test_saves_by_the_clock(people, tmp_path):
    saved = []
    stage = Duel(people, replace(CONFIG, save_every=-1.0))
    stage.export = lambda out, averages, provenance: saved.append(provenance["steps"]) or out
    run(stage, tmp_path)
    assert saved == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_part_of_the_loss_that_is_no_number_stops_the_run(people, tmp_path):
    stage = Duel(people)
    sound = stage.losses

    def losses(turn):
        for loss in sound(turn):
            yield loss._replace(parts={"margin": torch.tensor(float("nan"))}) if turn.step == 4 else loss

    stage.losses = losses
    with pytest.raises(TrainingDiverged):
        run(stage, tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


WORKER = """
import json, os, sys, torch
sys.path[:0] = sys.argv[3:]
torch.set_num_threads(1)
from test_training_loop import CONFIG, Duel
from dataclasses import replace
from pathlib import Path
from neural_core.training.loop import train
from neural_core.training.processes import joined_processes
with joined_processes(torch.device("cpu")) as device:
    for steps, resume in ((3, False), (6, True)):
        stage = Duel(sys.argv[1], replace(CONFIG, steps=steps, save_every=-1.0))
        train(stage, sys.argv[2], device, resume=resume, report=lambda line: None)
    rank = os.environ["RANK"]
    weights = stage.modules["painter"][0].weight.detach()
    Path(sys.argv[2], rank + ".json").write_text(json.dumps((weights.tolist(), stage.seen[-1].tolist())))
"""


@pytest.mark.slow
def test_two_processes_share_a_model_and_draw_their_own_people(people, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = os.path.dirname(__file__)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(people), str(tmp_path), here, os.path.dirname(os.path.dirname(here))],
            env={
                **os.environ,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            },
        )
        for rank in range(2)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    (weights, seen), (other_weights, other_seen) = (
        json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)
    )
    assert weights == other_weights and seen != other_seen
    assert {"random.generator.0", "random.generator.1", "random.torch.1"} <= set(tensors(tmp_path))
