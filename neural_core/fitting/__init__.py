"""Body, clothed shape and camera from the evidence of one photo."""

from neural_core.fitting.config import FitConfig, Stage
from neural_core.fitting.fit import fit_body
from neural_core.fitting.report import fit_errors
from neural_core.fitting.result import BodyFit

__all__ = ["BodyFit", "FitConfig", "Stage", "fit_body", "fit_errors"]
