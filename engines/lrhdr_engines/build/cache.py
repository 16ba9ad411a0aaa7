"""A folder of built engines: each a plan, and beside it a JSON file that says what made it.

A plan is handed out only if its sidecar is whole, is about the recipe that was
asked for, and gives the plan's size and SHA-256. Anything else counts as not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lrhdr.errors import LrhdrError
from lrhdr_engines.build.recipe import Recipe
from lrhdr_engines.build.settings import Report
from lrhdr_engines.lock import locked
from lrhdr_engines.whole import keep_whole, sweep

_LAYOUT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A plan in its folder, verified when it was made."""

    path: Path
    plan: bytes
    built: bool


class Damaged(LrhdrError):
    """An entry that is not what its sidecar says, or has none."""


@dataclass(frozen=True, slots=True)
class EngineCache:
    """The engines in one folder. Several processes may use it at once."""

    folder: Path

    def path(self, recipe: Recipe) -> Path:
        """Where the plan of a recipe lies, or would lie."""
        return self.folder / recipe.filename

    def load(self, recipe: Recipe) -> Entry | None:
        """The verified plan of a recipe, or of one that serves it; None if there is none.

        Raises:
            Damaged: the recipe's own entry is there and cannot be trusted.
        """
        damage: Damaged | None = None
        if self.path(recipe).exists() or _sidecar(self.path(recipe)).exists():
            try:
                return _verified(self.path(recipe), recipe)
            except Damaged as error:
                damage = error
        for path, other in self.recipes():
            if other != recipe and other.serves(recipe):
                try:
                    return _verified(path, other)
                except Damaged:
                    continue
        if damage is not None:
            raise damage
        return None

    def save(self, recipe: Recipe, plan: bytes) -> Path:
        """Keep a plan, and then its sidecar; a reader in between finds no valid entry.

        Raises:
            OutputError: the disk is full, or the folder cannot be written; no entry is left.
        """
        path = self.path(recipe)
        facts = {
            "layout": _LAYOUT,
            "recipe": asdict(recipe),
            "plan": {"sha256": hashlib.sha256(plan).hexdigest(), "bytes": len(plan)},
        }
        keep_whole(path, plan)
        keep_whole(_sidecar(path), (json.dumps(facts, indent=2) + "\n").encode())
        return path

    def obtain(self, recipe: Recipe, build: Callable[[], bytes], report: Report) -> Entry:
        """The plan of a recipe: the one that is kept, else built now, by one process at a time.

        Args:
            recipe: of the plan.
            build: makes it.
            report: told why something is built, and when another process is waited for.

        Raises:
            OutputError: the plan could not be kept.
        """
        found, _ = self._look(recipe)
        if found is not None:
            return found
        name = recipe.graph

        def waiting() -> None:
            report(f"{name}: another process is building it; waiting")

        lock = self.folder / f"{recipe.filename}.lock"
        with locked(lock, waiting):
            found, why = self._look(recipe)
            if found is not None:
                return found
            report(f"{name}: building, {why}")
            for file in (self.path(recipe), _sidecar(self.path(recipe))):
                sweep(file)
            plan = build()
            return Entry(path=self.save(recipe, plan), plan=plan, built=True)

    def discard(self, path: Path) -> None:
        """Take a plan and its sidecar out."""
        for file in (path, _sidecar(path)):
            file.unlink(missing_ok=True)

    def why_missing(self, recipe: Recipe) -> str:
        """What keeps the nearest kept engine of the same graph from being used."""
        others = [other for _, other in self.recipes() if other.graph == recipe.graph]
        differences = [recipe.differences(other) for other in others if other != recipe]
        nearest = min(differences, key=lambda words: len(words), default=[])
        return " and ".join(nearest) or "there is none yet"

    def recipes(self) -> Iterator[tuple[Path, Recipe]]:
        """Every plan whose sidecar can be read, by name."""
        for sidecar in sorted(self.folder.glob("*.plan.json")):
            try:
                facts = json.loads(sidecar.read_bytes())
                yield sidecar.with_suffix(""), Recipe.from_json(facts["recipe"])
            except (OSError, ValueError, KeyError, TypeError):
                continue

    def _look(self, recipe: Recipe) -> tuple[Entry | None, str]:
        try:
            found = self.load(recipe)
        except Damaged as damage:
            return None, str(damage)
        return found, "" if found is not None else self.why_missing(recipe)


def _sidecar(plan: Path) -> Path:
    return plan.with_name(f"{plan.name}.json")


def _verified(path: Path, recipe: Recipe) -> Entry:
    sidecar = _sidecar(path)
    try:
        facts = json.loads(sidecar.read_bytes())
        layout, said = facts["layout"], facts["plan"]
        made = Recipe.from_json(facts["recipe"])
        size, digest = said["bytes"], said["sha256"]
    except OSError as error:
        raise Damaged(f"{sidecar} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{sidecar} is garbled") from error
    if layout != _LAYOUT or made != recipe:
        raise Damaged(f"{sidecar} is about another engine")
    try:
        plan = path.read_bytes()
    except OSError as error:
        raise Damaged(f"{path} cannot be read ({error.strerror})") from error
    if len(plan) != size:
        raise Damaged(f"{path} has {len(plan)} bytes", expected=f"{size}")
    if hashlib.sha256(plan).hexdigest() != digest:
        raise Damaged(f"{path} has been changed: its SHA-256 is not the one it was kept with")
    return Entry(path=path, plan=plan, built=False)
