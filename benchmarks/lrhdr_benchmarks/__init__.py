"""Measuring: how near a model, or any other method, comes to the truth."""
