"""Faults put in on purpose, and whether they end as they should."""
