"""Synthetic people: clothed, posed, lit and photographed from a seed, with nothing but the open body as data."""
