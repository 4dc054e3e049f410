"""Progress with ETA on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from neural_core.progress import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on stderr while the block runs; plain lines per stage where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        said: set[str] = set()

        def line(fraction: float, stage: str) -> None:
            if stage not in said:
                said.add(stage)
                console.print(f"{title}: {stage} ({fraction:.0%})", highlight=False)

        yield Progress(report=line)
        return
    columns = (
        TextColumn(title),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield Progress(report=lambda fraction, stage: bar.update(task, completed=fraction, description=stage))
