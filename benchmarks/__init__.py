"""Measurements: ratios against a raw limit of the same run, never absolute promises."""
