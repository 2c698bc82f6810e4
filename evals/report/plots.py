"""Numbers → small drawings: SVG that stands in the page, in the page's colours and its type.

Comes in: rates from 0 to 1. Goes out: markup, safe to stand in the page, for nothing but numbers
and fixed words is written into it. What is drawn and why is not known here.
"""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 240, 26, 9
"""Of a row's plot; `EDGE` leaves room for a dot at either end."""
LEFT, RIGHT, TOP, BOTTOM, WIDE, HIGH = 86, 14, 14, 58, 460, 320
"""Of the curve: its margins and its size."""


def percent(share: float) -> str:
    """Write a share as a percentage that is never rounded to a perfect or an empty one."""
    share = round(share, 9)  # what is 1 but for the last digits of a float is 1
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.0f} %" if share in (0, 1) else f"{share * 100:.1f} %"


def floor_of(shares: Iterable[float]) -> float:
    """Return where an axis up to 1 may begin so that all shares are on it: a tenth, at most 0.8."""
    return max(0.0, min([0.8, *(math.floor(share * 10 + 1e-9) / 10 for share in shares)]))


def axis(low: float = 0.0) -> Markup:
    """Draw the scale that stands above a column of intervals."""
    labels = "".join(
        f'<text x="{_x(at, low):.1f}" y="14" text-anchor="{anchor}">{at * 100:.0f} %</text>'
        for at, anchor in ((low, "start"), ((1 + low) / 2, "middle"), (1.0, "end"))
    )
    return _svg(WIDTH, 18, labels, "axis")


def interval(
    rate: float,
    low: float,
    high: float,
    floor: float = 0.0,
    needs: float | None = None,
    before: float | None = None,
    state: str = "",
) -> Markup:
    """Draw a rate as a dot on its interval, what it needs as a tick, what it was as a ring."""
    y = HEIGHT / 2
    a, b = _x(low, floor), _x(high, floor)
    parts = [_ticks(floor), f'<path class="span" d="M{a:.1f} {y}H{b:.1f}"/>']
    parts += [f'<path class="cap" d="M{x:.1f} {y - 4}v8"/>' for x in (a, b)]
    if needs is not None:
        x = _x(needs, floor)
        parts.append(
            f'<path class="needs" d="M{x:.1f} 1v24M{x - 3.5:.1f} 1h7M{x - 3.5:.1f} 25h7"/>'
        )
    if before is not None:
        parts.append(f'<circle class="before" cx="{_x(before, floor):.1f}" cy="{y}" r="6.5"/>')
    parts.append(f'<circle class="rate" cx="{_x(rate, floor):.1f}" cy="{y}" r="4"/>')
    return _svg(WIDTH, HEIGHT, "".join(parts), f"interval {state}")


def pair(ours: float, theirs: float, floor: float = 0.0) -> Markup:
    """Draw two rates on one line: ours as a dot, theirs as a square."""
    y, x, other = HEIGHT / 2, _x(ours, floor), _x(theirs, floor)
    between = f'<path class="between" d="M{x:.1f} {y}H{other:.1f}"/>'
    square = f'<rect class="theirs" x="{other - 4.5:.1f}" y="{y - 4.5}" width="9" height="9"/>'
    dot = f'<circle class="rate" cx="{x:.1f}" cy="{y}" r="4"/>'
    return _svg(WIDTH, HEIGHT, _ticks(floor) + between + square + dot, "interval")


def curve(points: Sequence[Sequence[float]], chosen: Sequence[float]) -> Markup:
    """Draw risk over coverage with the point that was chosen.

    Where fewer than a twentieth is answered the risk jumps; it does not stretch the scale.
    """
    top = _nice(max([chosen[1], *(risk for share, risk in points if share >= 0.05)]))
    line = "".join(
        f"{'L' if n else 'M'}{_across(share):.1f} {_down(min(risk, top), top):.1f}"
        for n, (share, risk) in enumerate(points)
    )
    x, y = _across(chosen[0]), _down(chosen[1], top)
    anchor, aside = ("end", -10) if chosen[0] > 0.4 else ("start", 10)
    drops = f"M{LEFT} {y:.1f}H{x:.1f}V{HIGH - BOTTOM}"
    parts = [
        _grid(top),
        f'<path class="line" d="{line}"/><path class="drop" d="{drops}"/>',
        f'<circle class="rate" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>',
        f'<text class="chosen" x="{x + aside:.1f}" y="{y - 12:.1f}" text-anchor="{anchor}">chosen</text>',
    ]
    label = (
        f"Curve of the share of answers that are wrong over the share of questions answered. "
        f"Chosen: {percent(chosen[0])} answered, {percent(chosen[1])} of these wrong."
    )
    return _svg(WIDE, HIGH, "".join(parts), "curve", label)


def _grid(top: float) -> str:
    """Draw the curve's axes with their names."""
    base, end = HIGH - BOTTOM, WIDE - RIGHT
    rows = "".join(
        f'<path class="tick" d="M{LEFT} {_down(top * n / 4, top):.1f}H{end}"/>'
        f'<text x="{LEFT - 8}" y="{_down(top * n / 4, top) + 5:.1f}" text-anchor="end">'
        f"{top * n / 4 * 100:g} %</text>"
        for n in range(0, 5, 2)
    )
    columns = "".join(
        f'<text x="{_across(at):.1f}" y="{base + 22}" text-anchor="{anchor}">{at * 100:.0f} %</text>'
        for at, anchor in ((0.0, "middle"), (0.5, "middle"), (1.0, "end"))
    )
    middle, half = (LEFT + end) / 2, (TOP + base) / 2
    names = (
        f'<text x="{middle}" y="{HIGH - 8}" text-anchor="middle">questions answered</text>'
        f'<text transform="translate(18 {half}) rotate(-90)" text-anchor="middle">of these, wrong</text>'
    )
    return f'{rows}{columns}{names}<path class="frame" d="M{LEFT} {TOP}V{base}H{end}"/>'


def _ticks(floor: float) -> str:
    """Draw the line of a row with a notch at every tenth."""
    y, steps = HEIGHT / 2, round((1 - floor) * 10)
    notches = "".join(f"M{_x(floor + n / 10, floor):.1f} {y - 2}v4" for n in range(steps + 1))
    return f'<path class="tick" d="M{EDGE} {y}H{WIDTH - EDGE}{notches}"/>'


def _x(share: float, floor: float) -> float:
    inside = min(1.0, max(floor, share))
    return EDGE + (inside - floor) / (1 - floor) * (WIDTH - 2 * EDGE)


def _across(share: float) -> float:
    return LEFT + share * (WIDE - LEFT - RIGHT)


def _down(risk: float, top: float) -> float:
    return HIGH - BOTTOM - risk / top * (HIGH - BOTTOM - TOP)


def _nice(most: float) -> float:
    steps = (0.02, 0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
    return next((step for step in steps if most <= step), 1.0)


def _svg(width: int, height: int, body: str, kind: str, label: str = "") -> Markup:
    """Return a drawing; without a label it repeats what stands beside it, and is not read out."""
    name = f'role="img" aria-label="{label}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704 — numbers and fixed words only
        f'<svg class="plot {kind}" viewBox="0 0 {width} {height}" {name} focusable="false">{body}</svg>'
    )
