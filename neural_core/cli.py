"""`likeness`: the command line. Every user error ends in one sentence and exit code 2."""

import argparse
import json
import os
import sys
from pathlib import Path

from neural_core import __version__
from neural_core.errors import Cancelled, LikenessError

# Waiting threads sleep instead of spinning: on a busy machine spinning made a frame take 12 s instead of 2.
# Read once, when torch loads OpenMP, so it is set before anything imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code (0 done, 2 the user can mend it, 130 stopped)."""
    args = _parser().parse_args(arguments)
    try:
        return args.run(args) or 0
    except (KeyboardInterrupt, Cancelled):
        print("likeness: stopped; nothing was changed.", file=sys.stderr)
        return 130
    except LikenessError as error:
        print(f"likeness: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="likeness", description="Neural avatars in Blender from one photo.")
    parser.add_argument("--version", action="version", version=f"likeness {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="the whole walk on the bundled sample photo")
    demo.add_argument("--out", type=Path, required=True, help="folder for the results")
    demo.add_argument("--photo", type=Path, help="another photo than the sample")
    demo.add_argument("--size", type=int, default=512, help="height of the frames, pixels")
    demo.add_argument("--seed", type=int, default=0)
    demo.set_defaults(run=_demo)

    create = commands.add_parser("create", help="make an avatar from a photo, or from several of one person")
    create.add_argument("photo", type=Path, nargs="+", help="the first gives body and pose, all give texture")
    create.add_argument("-o", "--output", type=Path, required=True, help="avatar file to write (.likeness)")
    create.add_argument("--seed", type=int, default=0)
    create.add_argument("--focal", type=float, help="focal length in pixels, when the file does not say")
    create.add_argument("--person", type=int, help="which person, 0 is the largest")
    create.add_argument(
        "--inpainting", choices=("auto", "diffusion", "classical"), default="auto", help="what completes the unseen"
    )
    create.add_argument("--proposals", type=int, default=1, help="answers of the diffusion; also writes NAME-2, NAME-3")
    create.add_argument("--body", type=Path, help="your licensed SMPL-X file (.npz or .pkl) instead of the open body")
    create.add_argument("--report", type=Path, help="folder for a report with a picture of every stage")
    create.set_defaults(run=_create)

    render = commands.add_parser("render", help="draw frames of an avatar")
    render.add_argument("avatar", type=Path)
    render.add_argument("--motion", default="turntable", help="turntable, walk, or a SMPL-X / AMASS .npz file")
    render.add_argument("--size", type=int, default=512, help="width and height, pixels")
    render.add_argument("--frames", type=int, default=36, help="frames of a turntable")
    render.add_argument("--out", type=Path, required=True, help="folder for the frames (RGBA PNG)")
    render.set_defaults(run=_render)

    inspect = commands.add_parser("inspect", help="what an avatar file holds")
    inspect.add_argument("avatar", type=Path)
    inspect.add_argument("--json", action="store_true", help="everything, as JSON")
    inspect.set_defaults(run=_inspect)

    doctor = commands.add_parser("doctor", help="what this installation can do")
    doctor.set_defaults(run=_doctor)

    # Imported here: the parsers of training and evaluation live with the stages they start.
    from neural_core.training.commands import add_train_arguments, run_train

    train = commands.add_parser("train", help="train a network on synthetic people")
    add_train_arguments(train)
    train.set_defaults(run=run_train)

    from neural_core.evaluation.commands import add_evaluate_arguments, run_evaluate

    evaluate = commands.add_parser("evaluate", help="measure avatars against videos or synthetic people")
    add_evaluate_arguments(evaluate)
    evaluate.set_defaults(run=run_evaluate)
    return parser


def _demo(args: argparse.Namespace) -> int:
    from neural_core.demo import run_demo

    run_demo(args.out, photo=args.photo, size=args.size, seed=args.seed)
    return 0


def _create(args: argparse.Namespace) -> int:
    from neural_core.body import load_licensed_body, load_open_body
    from neural_core.pipeline import create_avatar, proposal_path
    from neural_core.terminal import progress_bar

    body = load_licensed_body(args.body) if args.body else load_open_body()
    with progress_bar(f"Avatar of {args.photo[0].name}") as progress:
        creation = create_avatar(
            args.photo,
            args.output,
            seed=args.seed,
            focal=args.focal,
            person=args.person,
            inpainting=args.inpainting,
            proposals=args.proposals,
            body=body,
            progress=progress,
        )
    for warning in creation.warnings:
        print(f"note: {warning}")
    if args.report:
        from neural_core.report import write_report

        write_report(creation, args.report)
    for index in range(1, args.proposals):
        print(proposal_path(args.output, index))
    print(f"{args.output}  ({sum(creation.seconds.values()):.1f} s)")
    return 0


def _render(args: argparse.Namespace) -> int:
    from neural_core.animation import load_motion, play, turntable
    from neural_core.avatar import Avatar
    from neural_core.output import check_writable
    from neural_core.pictures import rgba, write_png
    from neural_core.rendering import AvatarRenderer, load_renderer
    from neural_core.terminal import progress_bar

    if not 16 <= args.size <= 8192:
        raise LikenessError("--size must lie between 16 and 8192 pixels.")
    if args.frames < 1:
        raise LikenessError("--frames must be at least 1.")
    check_writable(args.out / "0001.png")
    avatar = Avatar.load(args.avatar)
    body = avatar.body()
    renderer = AvatarRenderer(body, load_renderer())
    if args.motion == "turntable":
        frames, count = turntable(avatar, body, renderer, args.size, args.frames), args.frames
    else:
        motion = load_motion(args.motion)
        frames, count = play(avatar, body, renderer, motion, args.size), len(motion.poses)
    with progress_bar("Frames") as progress:
        for number, frame in enumerate(frames, start=1):
            write_png(args.out / f"{number:04d}.png", rgba(frame))
            progress.update(number / count, f"frame {number} of {count}")
    print(f"{count} frames in {args.out}")
    return 0


def _inspect(args: argparse.Namespace) -> int:
    from neural_core.avatar import Avatar

    description = Avatar.load(args.avatar).describe()
    if args.json:
        print(json.dumps(description, indent=2))
        return 0
    print(f"body      {description['body']}")
    for name, value in description["fit_errors"].items():
        print(f"fit       {name} {value:.3g}")
    print(f"guessed   {', '.join(description['guessed']) or 'nothing'}")
    for name, value in description["provenance"].items():
        print(f"made by   {name}: {value}")
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from neural_core.doctor import examine

    sound = True
    for check in examine():
        print(f"{'ok  ' if check.ok else 'note' if check.optional else 'BAD '}  {check.name}: {check.finding}")
        sound = sound and (check.ok or check.optional)
    return 0 if sound else 2


if __name__ == "__main__":
    sys.exit(main())
