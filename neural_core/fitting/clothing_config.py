"""Every number of the clothed shape, with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClothedConfig:
    """Lengths in metres. Chosen on the four photos of ../shared/photos and on synthetic shells."""

    # Fit to the outline
    side: int = 384  # pixels of the person's longer side: 5 mm each on an adult, as fine as the mask
    iterations: int = 10  # the outline settles after 4 to 6
    damping: float = 0.6  # share of a Gauss-Newton step: full steps swing about the answer
    outline_noise: float = 0.003  # edge of the mask; that the fitted body errs more, the inset takes up
    outline_length: float = 0.035  # of outline that errs together: longer, and the expected clothes win over the mask
    outlier: float = 0.04  # distance from which a point pulls with constant force (Huber): bags, hat brims
    arm_reach: float = 0.15  # from the middle of a forearm or hand, within which the mask may be theirs

    # Thickness
    # Inwards: a fitted limb stands up to a centimetre beside the real one, or is that much too thick. Beyond the skin
    # the shell may go this far; a wrist of 2.5 cm radius stays a wrist.
    torso_inset: float = 0.02
    arm_inset: float = 0.015
    leg_inset: float = 0.015
    foot_inset: float = 0.008
    scalp_inset: float = 0.001
    torso_room: float = 0.09  # most thickness: a down jacket; more, and trunks swallow the arms beside them
    arm_room: float = 0.10  # a bell sleeve
    leg_room: float = 0.15  # a flared skirt
    foot_room: float = 0.03
    scalp_room: float = 0.13
    neck_room: float = 0.12  # long hair below the ears
    collar_room: float = 0.03
    legs_apart: float = 0.9  # share of the way to the middle plane that the inside of a leg may take

    # Shape of the shell
    normal_smoothing: int = 30  # steps of diffusion: clothes do not follow creases of the skin
    hair_smoothing: int = 15  # the same where hair's directions meet those of the torso
    bridging: float = 0.004  # thickness from which cloth spans hollows instead of following them
    bridging_steps: int = 300  # of the membrane: hollows up to a hand wide
    steepness: float = 2.0  # rise of hair over the forehead and of a sleeve at the wrist, per metre of distance
    hair_steepness: float = 6.0  # the same behind ears and jaw, where hair stands up like a wall
