"""A request to the backend as steps of a job."""

from typing import TYPE_CHECKING

from ..lazily import BACKEND, import_next
from .job import Steps

if TYPE_CHECKING:
    import numpy as np


def request(op: str, body: dict, arrays: "dict[str, np.ndarray] | None" = None) -> Steps:
    """Yield progress until the answer is there; returns (body, arrays). Closing it cancels the request.

    Raises:
        LikenessError: what the backend reports, or that it is missing or died.
    """
    while import_next(*BACKEND):
        yield 0.0, "Starting"
    from ..backend import client

    job = client.start(op, body, arrays or {})
    try:
        while not job.done():
            yield job.fraction, job.stage
        return job.result()
    finally:
        job.cancel()
