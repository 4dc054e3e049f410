"""Several photos of one person: the walk takes body and pose of the first, and texture of all."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from neural_core.body import load_open_body
from neural_core.demo import SAMPLE_PHOTO
from neural_core.fitting import fit_body
from neural_core.photo import observe, read_photo
from neural_core.pipeline import create_avatar

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one():
    return create_avatar(SAMPLE_PHOTO, inpainting="classical")


def test_a_second_photo_in_other_light_adds_texture_and_changes_no_colour(one, tmp_path: Path):
    # The same person mirrored and darker: the other profile, as a second photo would show it.
    second = tmp_path / "second.png"
    Image.open(SAMPLE_PHOTO).transpose(Image.Transpose.FLIP_LEFT_RIGHT).point(lambda v: int(v * 0.8)).save(second)
    evidence = observe(read_photo(second))
    prepared = [(one.evidence, one.fit), (evidence, fit_body(evidence, load_open_body()))]
    both = create_avatar([SAMPLE_PHOTO, second], inpainting="classical", prepared=prepared)
    assert torch.equal(both.avatar.parameters.betas, one.avatar.parameters.betas)
    assert torch.equal(both.fit.camera.K, one.fit.camera.K)
    seen_by_both, seen_by_one = ((c.partial.confidence > 0).sum() for c in (both, one))
    assert int(seen_by_both) > 1.02 * int(seen_by_one)
    assert both.avatar.provenance["photos"] == [SAMPLE_PHOTO.name, "second.png"]
    well_seen = (one.partial.confidence > 0.9) & (one.partial.facing > 0.8)
    change = (both.partial.rgb - one.partial.rgb)[:, well_seen].abs().mean()
    assert float(change) < 0.05


def test_photos_and_prepared_fits_must_match(one):
    with pytest.raises(ValueError, match="prepared"):
        create_avatar([SAMPLE_PHOTO, SAMPLE_PHOTO], prepared=[(one.evidence, one.fit)])
