"""Draws what each step cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.bench import references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.growth import Curve

PICTURE = references.ROOT / ".run" / "bench" / "performance-growth.png"
"""docs/performance-growth.png is a copy of it."""

MIB = 2**20


def draw(curves: Sequence[Curve], new_bytes: int) -> str:
    """Writes the picture, and returns where it is. Raises SkippedError without matplotlib."""
    matplotlib: Any = references.optional("matplotlib")
    matplotlib.use("Agg")
    plots: Any = references.optional("matplotlib.pyplot")
    figure, axes = plots.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    steps = range(1, len(curves[0].stored))
    for axis, title in zip(axes, ("stored", "written to the disk"), strict=True):
        for curve in curves:
            values = curve.stored if title == "stored" else curve.written
            axis.plot(steps, [each / MIB for each in values[: len(steps)]], label=curve.name)
        axis.plot(
            steps, [step * new_bytes / MIB for step in steps],
            label="the new information", color="grey", linestyle="dotted",
        )  # fmt: skip
        axis.set_title(title)
        axis.set_xlabel("step")
        axis.set_yscale("log")
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].set_ylabel("MiB")
    axes[0].legend(fontsize="small")
    figure.suptitle(
        f"{len(steps)} steps, each adds {new_bytes // 1024} KiB, every version kept", fontsize=11
    )
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=110)
    return str(PICTURE.relative_to(references.ROOT))
