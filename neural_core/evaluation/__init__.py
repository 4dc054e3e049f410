"""Measuring every room against known truth."""
