"""The results as tables of text, for the terminal and for the report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lrhdr.contract import WINDOWS
from lrhdr_benchmarks.evaluate.measures import MEASURES, PROTOCOLS, ROLES, Protocol
from lrhdr_benchmarks.evaluate.motion import EDGES
from lrhdr_benchmarks.evaluate.results import Results, Values

_BY_ROLE = ("psnr_t", "ssim_t")  # the pair that is shown for every role


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table: a title, column heads, and the cells of each method."""

    title: str
    heads: list[str]
    rows: dict[str, list[str]]


def sheets(results: Results, protocols: Sequence[Protocol], exposures: int) -> Iterator[Sheet]:
    """Measures under each protocol, motion under the first, votes; sheets without rows left out."""
    found = [_measures(results, protocol) for protocol in protocols]
    found += [_motion(results, protocols[0]), _votes(results, exposures)]
    return (sheet for sheet in found if sheet.rows)


def candidate_names(exposures: int, count: int) -> tuple[str, ...]:
    """Names of the first `count` candidates: a network without ACCR has fewer."""
    return WINDOWS[exposures].candidate_names[:count]


def bin_names() -> list[str]:
    """The ranges of motion."""
    pairs = pairwise(EDGES)
    return [f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} on" for low, high in pairs]


def _measures(results: Results, protocol: Protocol) -> Sheet:
    """PSNR_T and SSIM_T by the role of the reference and overall, the other measures overall."""
    by_role = results.means(lambda f: (f.method, f.place.role), protocol)
    overall = results.means(lambda f: f.method, protocol)
    flicker = results.mean_flicker() if protocol == "raw" else {}
    roles = [role for role in ROLES if any(found == role for _, found in by_role)]
    others = [name for name in MEASURES if name not in _BY_ROLE and _has(overall, name)]
    heads = [*(f"{role} reference" for role in roles), "all"]
    heads += [MEASURES[name].title for name in others]
    heads += ["flicker, times noise"] if flicker else []
    rows = {}
    for method, values in overall.items():
        shown = [*(by_role.get((method, role)) for role in roles), values]
        cells = [" / ".join(_figure(name, each) for name in _BY_ROLE) for each in shown]
        cells += [_figure(name, values) for name in others]
        cells += [_number(flicker.get(method, (0.0, None))[1], 2)] if flicker else []
        rows[method] = cells
    title = f"{protocol}: {PROTOCOLS[protocol]}. PSNR_T in dB / SSIM_T"
    return Sheet(title=title, heads=heads, rows=rows)


def _motion(results: Results, protocol: Protocol) -> Sheet:
    counts = results.motion.counts.tolist()
    heads = [f"{name} ({count})" for name, count in zip(bin_names(), counts, strict=True)]
    rows = {
        method: [_number(value, 2) for value in values]
        for (method, found), values in results.motion.means().items()
        if found == protocol
    }
    title = f"{protocol}: PSNR_T in dB by motion in pixels a frame (number of blocks)"
    return Sheet(title=title, heads=heads, rows=rows)


def _votes(results: Results, exposures: int) -> Sheet:
    votes = results.mean_votes()
    most = max((len(vote.wins) for vote in votes.values()), default=0)
    rows = {
        method: [
            *(f"{share:.1%}" for share in vote.wins),
            *["-"] * (most - len(vote.wins)),
            _number(vote.alive, 2),
        ]
        for method, vote in votes.items()
    }
    return Sheet(
        title="vote: share of the pixels that each candidate wins, and candidates above zero",
        heads=[*candidate_names(exposures, most), "above zero"],
        rows=rows,
    )


def _figure(name: str, values: Values | None) -> str:
    return _number((values or {}).get(name), MEASURES[name].decimals)


def _number(value: float | None, decimals: int) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.{decimals}f}" if math.isfinite(value) else "∞"


def _has(rows: Mapping[str, Values], name: str) -> bool:
    return any(name in values for values in rows.values())
