"""Training of the networks: data pools, losses, checkpoints, one loop per stage."""
