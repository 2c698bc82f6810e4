"""Taking turns, medians, memory, and the table.

Knows nothing of what is measured.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

Result = TypeVar("Result")

ROUNDS = 5
HEAD = ("measure", "ours", "other", "ratio", "aim", "met?")


@dataclass(frozen=True)
class Row:
    """A line of the table: ours beside the other's; without an aim it only informs."""

    measure: str
    ours: float | None = None
    other: float | None = None
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        aim = self.at_most if self.at_most is not None else self.at_least
        if self.ours is None or not self.other:
            value = self.ours  # nothing to compare with: the aim is on the figure itself
            shown = "-"
        else:
            value = self.ours / self.other
            shown = f"{value:.2f} x"
        met = "-"
        if aim is not None and value is not None:
            met = "yes" if (value <= aim if self.at_most is not None else value >= aim) else "NO"
        sign = "≤" if self.at_most is not None else "≥"
        aim_shown = "-" if aim is None else f"{sign} {aim:g}" + (" x" if self.other else "")
        ours, other = (self._figure(figure) for figure in (self.ours, self.other))
        return (self.measure, ours, other, shown, aim_shown, met)

    def _figure(self, figure: float | None) -> str:
        if figure is None:
            return "-"
        return (
            f"{figure:,.{0 if figure >= 100 or figure == int(figure) else 2}f} {self.unit}".strip()
        )


def table(rows: Sequence[Row]) -> str:
    """Return the rows under their heads, as Markdown."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n" + "\n".join(lines)


def by_turns(
    sides: Sequence[Callable[[], Result]], rounds: int = ROUNDS, *, warm: bool = True
) -> list[list[Result]]:
    """Call the sides one after another, `rounds` times, and return each side's results.

    The order turns round every time, and a first round does not count: it fills the caches.
    """
    results: list[list[Result]] = [[] for _ in sides]
    for number in range(-warm, rounds):
        order = range(len(sides)) if number % 2 else reversed(range(len(sides)))
        for side in order:
            result = sides[side]()
            if number >= 0:
                results[side].append(result)
    return results


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of each figure over the rounds: rounds of (a, b, …) → [a, b, …]."""
    return [median(column) for column in zip(*rounds, strict=True)]


def apart(opening: Callable[..., Any], *arguments: object) -> ProcessPoolExecutor:
    """Return a fresh process in which `opening` was called: what is measured runs there.

    So neither side pays for the other's threads, memory or imports.
    """
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, spawn, initializer=opening, initargs=arguments)


def memory_mb(pid: int | None = None) -> float:
    """Return the resident memory of a process and its children, in MB (10^6 bytes)."""
    pid = pid or os.getpid()
    try:
        import psutil
    except ImportError:
        fields = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()
        return int(fields[0]) * 1024 / 1e6
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 1e6


def disk_mb(folder: Path) -> float:
    """Return what the files of a folder hold, in MB (10^6 bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
