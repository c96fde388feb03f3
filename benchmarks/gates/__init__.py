"""How well the gates of a publication tell quiet nights from faults, on simulated histories."""
