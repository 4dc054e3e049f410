"""What a photo shows: the picture, and a person's landmarks and mask in it."""

from neural_core.photo.evidence import PhotoEvidence, observe
from neural_core.photo.reading import Photo, read_photo

__all__ = ["Photo", "PhotoEvidence", "observe", "read_photo"]
