"""Several outputs of one pass, as one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lrhdr_engines.media.sink import Picture, Sink


class Sinks:
    """Writes every frame to all outputs. See `Sink`.

    Where a run goes on that left them at different frames, each takes what it lacks.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        """At least one; they are closed with this one."""
        self._sinks = tuple(sinks)
        self._complete = False

    @property
    def takes_pq(self) -> bool:
        """See `Sink`."""
        return all(sink.takes_pq for sink in self._sinks)

    @property
    def next_index(self) -> int:
        """See `Sink`."""
        return min(sink.next_index for sink in self._sinks)

    @property
    def kept(self) -> int:
        """See `Sink`: the most that any of them keeps; none once all are complete."""
        return 0 if self._complete else max(sink.kept for sink in self._sinks)

    def write(self, index: int, picture: Picture, time: Fraction) -> None:
        """One frame. See `Sink`."""
        for sink in self._sinks:
            if index >= sink.next_index:
                sink.write(index, picture, time)

    def close(self, *, complete: bool = True) -> list[dict[str, object]]:
        """The facts of each output. All are closed, whatever happens to one.

        Only when every output is in its place is anything removed: a run that is killed before
        goes on with all of them.

        Raises:
            OutputError: the first that cannot be finished.
        """
        facts: list[dict[str, object]] = []
        failure: BaseException | None = None
        for sink in self._sinks:
            try:
                facts.append(sink.close(complete=complete, keep=True))
            except BaseException as error:  # noqa: BLE001 (raised below, once all are closed)
                sink.abort()
                failure = failure or error
        if failure is not None:
            raise failure
        if complete:
            self._complete = True
            for sink in self._sinks:
                try:
                    sink.tidy()
                except KeyboardInterrupt:  # there is nothing left to stop
                    sink.tidy()
        return facts

    def abort(self) -> None:
        """See `Sink`."""
        for sink in self._sinks:
            sink.abort()
