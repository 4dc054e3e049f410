"""Make the bundled sample photo: a path-traced synthetic person, so that the demo needs nobody's picture.

    python -m addon_tests.data.sample_photo neural_core/data/sample_person.jpg

Everything is ours or CC0: the open body, garments cut from its surface and draped by Blender's cloth simulation, hair
grown strand by strand, Cycles. Takes about fifteen minutes on two cores with the bpy module.
"""

import sys
from pathlib import Path

import bpy

from .clothes import animate_body, dress, shoes
from .hair import grow_hair
from .person import FACES, person, posed
from .skin import eyes, visible_skin
from .studio import photograph, studio
from .surface import mesh_object


def main(output: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    parameters = person()
    rest_body, body = posed(parameters, 0.0), posed(parameters, 1.0)
    carrier = mesh_object("Body", rest_body, FACES)
    animate_body(carrier, parameters)
    covered = dress(carrier, rest_body)
    carrier.hide_render = True
    hidden = covered["trousers"] | covered["shirt"] | shoes(body) | eyes(body)
    visible_skin(body, hidden)
    grow_hair(body)
    studio(float(body[:, 1].max()))
    photograph(output, float(body[:, 1].max()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
