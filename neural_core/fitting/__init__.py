"""Body, clothed shape and camera from the evidence of one photo."""

from neural_core.fitting.clothed import fit_clothed_shape
from neural_core.fitting.clothing_config import ClothedConfig
from neural_core.fitting.config import FitConfig, Stage
from neural_core.fitting.fit import fit_body
from neural_core.fitting.report import fit_errors
from neural_core.fitting.result import BodyFit

__all__ = ["BodyFit", "ClothedConfig", "FitConfig", "Stage", "fit_body", "fit_clothed_shape", "fit_errors"]
