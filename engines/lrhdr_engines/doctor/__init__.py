"""What this machine has, which ways to run work on it, and what to install for the others."""

from lrhdr_engines.doctor.diagnosis import Diagnosis, diagnose
from lrhdr_engines.doctor.record import Finding, Status

__all__ = ["Diagnosis", "Finding", "Status", "diagnose"]
