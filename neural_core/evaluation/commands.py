"""`likeness evaluate`: the command line of evaluation."""

import argparse
from pathlib import Path


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `likeness evaluate video|synthetic ...`."""
    kinds = parser.add_subparsers(dest="kind", required=True)
    video = kinds.add_parser("video", help="an avatar of one frame against the other frames of a video")
    video.add_argument("video", type=Path)
    video.add_argument("--source", type=int, default=0, help="frame the avatar is made from")
    video.add_argument("--step", type=int, default=10, help="every how many frames are drawn and measured")
    video.add_argument("--person", type=int, help="which person of the source frame, 0 is the largest")
    video.add_argument(
        "--no-light", action="store_true", help="draw in the source frame's light, not one estimated from the frames"
    )
    video.add_argument("--no-shutter", action="store_true", help="draw what moves sharp, not as a shutter blurs it")
    _common(video)
    video.set_defaults(evaluate=_video)

    synthetic = kinds.add_parser("synthetic", help="avatars of held-out synthetic people against the truth")
    synthetic.add_argument("--subjects", type=int, default=200, help="people, from the first held-out seed")
    synthetic.add_argument("--fit", action="store_true", help="the real detectors and fit instead of fit noise")
    synthetic.add_argument("--landmarks", action="store_true", help="also MediaPipe's landmarks (AKD)")
    synthetic.add_argument("--first", type=int, default=0, help="number of the first person, to share the work out")
    synthetic.add_argument("--baselines-every", type=int, default=1, help="every how many people's baselines; 0: never")
    synthetic.add_argument(
        "--photos-every", type=int, default=2, help="every how many people of 4 photos, too; 0: never"
    )
    synthetic.add_argument("--refine-every", type=int, default=6, help="every how many refined, too; 0: never")
    _common(synthetic)
    synthetic.set_defaults(evaluate=_synthetic)


def run_evaluate(args: argparse.Namespace) -> int:
    """Run `likeness evaluate`."""
    return args.evaluate(args)


_METHODS = ("auto", "diffusion", "classical")  # of `inpainting.completing`, which imports torch


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures, JSON and report.html")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inpainting", choices=_METHODS, default="auto", help="what completes the avatar's texture")
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="the numbers as JSON, to FILE or standard output"
    )


def _video(args: argparse.Namespace) -> int:
    from neural_core.evaluation.page import write_json
    from neural_core.evaluation.video import evaluate_video, summary
    from neural_core.terminal import progress_bar

    with progress_bar(f"Avatar against {args.video.name}") as progress:
        results = evaluate_video(
            args.video,
            args.out,
            args.source,
            args.step,
            args.seed,
            args.person,
            args.inpainting,
            light=not args.no_light,
            shutter=not args.no_shutter,
            progress=progress,
        )
    if args.json:
        write_json(results, Path(args.json))
    if args.json != "-":
        print(summary(results))
    return 0


def _synthetic(args: argparse.Namespace) -> int:
    from neural_core.evaluation.page import write_json
    from neural_core.evaluation.synthetic import SyntheticConfig, evaluate_synthetic
    from neural_core.evaluation.synthetic_report import summary, tables, write_report
    from neural_core.terminal import progress_bar

    config = SyntheticConfig(
        inpainting=args.inpainting,
        real_fit=args.fit,
        seed=args.seed,
        landmarks=args.landmarks,
        baselines_every=max(args.baselines_every, 0),
        photos_every=max(args.photos_every, 0),
        refine_every=max(args.refine_every, 0),
    )
    with progress_bar("Held-out people") as progress:
        results = tables(evaluate_synthetic(args.out, args.subjects, config, progress, args.first))
    write_report(results, args.out)
    if args.json:
        write_json(results, Path(args.json))
    if args.json != "-":
        print(summary(results))
    return 0
