"""The errors a user can meet. Each says what was received, what was expected and what to do.

Commands print the message as one line on stderr and leave with `exit_code`;
a traceback means a defect of ours.
"""


class LrhdrError(Exception):
    """Base of every error that lrhdr raises on purpose."""

    exit_code = 2

    def __init__(self, received: str, *, expected: str = "", next_step: str = "") -> None:
        """Join the parts into one line.

        Args:
            received: what was found, with the offending value.
            expected: what would have been accepted.
            next_step: the command or change that helps.
        """
        parts = [received.rstrip(".")]
        if expected:
            parts.append(f"expected {expected.rstrip('.')}")
        line = "; ".join(parts) + "."
        if next_step:
            line += f" {next_step.rstrip('.')}."
        super().__init__(line)


class InputError(LrhdrError):
    """The clip, folder or option given cannot be used."""


class ExposureError(InputError):
    """The exposures are missing, contradictory or cannot be trusted."""


class OutputError(LrhdrError):
    """The output exists, cannot be written, or the disk is full."""


class BundleError(LrhdrError):
    """A model bundle is missing, damaged or does not fit what was asked of it."""


class BackendError(LrhdrError):
    """The backend asked for is not installed or cannot run here."""


class TrainingError(LrhdrError):
    """A training or its data cannot go on."""


class IncompleteError(LrhdrError):
    """The input ended early: what could be decoded was finished and kept."""

    exit_code = 1
