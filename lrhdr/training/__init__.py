"""Training in stages: the interpolator alone, then ACCR and APSWF on top of it."""
