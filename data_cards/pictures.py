"""Pictures of a card: drawn by matplotlib, turned into inline SVG without styles, so that the page's own colours apply.

Every colour below is a name: the SVG gets a class (`f-after` fills, `s-after` strokes) and the style sheet decides.
"""

import io
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from data_cards.wording import visible

_COLOURS = {"#000001": "ink", "#000002": "soft", "#000003": "line", "#000004": "before", "#000005": "after"}
INK, SOFT, LINE, BEFORE, AFTER = _COLOURS
_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"


def before_after(toxicity: dict[str, Any]) -> str:
    """Toxicity of the comments as found, above that of their rewrites."""
    figure, (above, below) = _figure(480, 268, rows=2)
    for axes, key, colour, what in ((above, "before", BEFORE, "as found"), (below, "after", AFTER, "rewritten")):
        summary = toxicity[key]
        shares = _shares(summary)
        axes.stairs(shares, summary["histogram"]["edges"], fill=True, color=colour, alpha=0.85)
        median, top = summary["quantiles"]["0.5"], max(shares)
        axes.plot([median, median], [0, 1.22 * top], color=INK, linewidth=1)
        left = median < 0.6
        axes.text(
            median + (0.012 if left else -0.012),
            1.13 * top,
            f"{what}: median {median:.2f}",
            color=INK,
            ha="left" if left else "right",
            va="center",
            fontsize=13,
        )
        axes.set(xlim=(0, 1), ylim=(0, 1.34 * top))
    above.set_xticks([])
    below.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    below.set_xlabel("toxicity, as the scorer sees it", color=SOFT, fontsize=12)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.99, bottom=0.17, hspace=0.06)
    fell = f"{toxicity['fell']:,} of {toxicity['pairs']:,} rewrites score below their original."
    return _svg(figure, "before-after", f"Histograms of toxicity before and after rewriting. {fell}")


def funnel(stages: list[dict[str, Any]]) -> str:
    """A bar a stage: how much of what entered was kept."""
    figure, (axes,) = _figure(480, 48 * len(stages) + 4, rows=1)
    for row, stage in enumerate(stages):
        share = stage["kept"] / stage["entered"] if stage["entered"] else 0.0
        axes.barh(row, 1, height=0.26, color=LINE)
        axes.barh(row, share, height=0.26, color=AFTER)
        axes.text(0, row - 0.22, stage["stage"].replace("_", " "), color=INK, fontsize=13, va="bottom")
        counts = f"{stage['entered']:,} → {stage['kept']:,} {stage['unit']}s"
        axes.text(1, row - 0.22, counts, color=SOFT, fontsize=13, ha="right", va="bottom")
    axes.set(xlim=(0, 1), ylim=(len(stages) - 0.8, -0.72))
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    figure.subplots_adjust(left=0.005, right=0.995, top=1, bottom=0)
    return _svg(figure, "funnel", "Share of rows kept at each stage; the table beside it holds the numbers.")


def shortcuts(told: list[dict[str, Any]], *, most: float) -> str:
    """A bar a kind of negative, from chance to certainty: how often form tells the positive, given both sides."""
    figure, (axes,) = _figure(480, 48 * len(told) + 26, rows=1)
    for row, kind in enumerate(told):
        share = kind["form_in_pairs"]
        axes.barh(row, 0.5, left=0.5, height=0.26, color=LINE)
        axes.barh(row, max(0.0, share - 0.5), left=0.5, height=0.26, color=BEFORE if kind["warns"] else AFTER)
        axes.text(0.5, row - 0.22, kind["kind"], color=INK, fontsize=13, va="bottom")
        axes.text(1, row - 0.22, f"{share:.3f}", color=SOFT, fontsize=13, ha="right", va="bottom")
        axes.plot([most, most], [row - 0.2, row + 0.2], color=INK, linewidth=1)
    axes.set(xlim=(0.5, 1), ylim=(len(told) - 0.8, -0.72))
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([0.5, most, 1], ["0.5, chance", f"{most:g}", "1"])
    left, _, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    figure.subplots_adjust(left=0.005, right=0.995, top=1, bottom=22 / (48 * len(told) + 26))
    figures = ", ".join(f"{kind['kind']} {kind['form_in_pairs']:.3f}" for kind in told)
    return _svg(figure, "shortcuts", f"How often form alone tells the positive of a pair: {figures}.")


def panel(name: str, positive: dict[str, Any], negative: dict[str, Any] | None = None, *, width: int = 300) -> str:
    """The histogram of one score: positives filled and, where they have that score, negatives outlined."""
    figure, (axes,) = _figure(width, 130, rows=1)
    shown = [summary for summary in (positive, negative) if summary and summary["count"]]
    top = max(max(_shares(summary)) for summary in shown)
    edges = [edge for summary in shown for edge in summary["histogram"]["edges"]]
    if positive["count"]:
        axes.stairs(_shares(positive), positive["histogram"]["edges"], fill=True, color=AFTER, alpha=0.85)
    if negative and negative["count"]:
        axes.stairs(_shares(negative), negative["histogram"]["edges"], color=BEFORE, linewidth=2)
    low, high = min(edges), max(edges)
    axes.set(xlim=(low - 0.01 * (high - low), high + 0.01 * (high - low)), ylim=(0, 1.05 * top))
    ticks = [low, (low + high) / 2, high]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    figure.subplots_adjust(left=0.04, right=0.96, top=0.98, bottom=0.2)
    return _svg(figure, name, f"Histogram of {name}.")


def similarity_change(found: dict[str, Any]) -> str:
    """Rewrites by similarity to the toxic text (across) and change of toxicity (down): the more, the darker."""
    figure, (axes,) = _figure(480, 240, rows=1)
    bins, most = found["bins"], max(number for *_, number in found["bins"])
    wide, high = 1 / 20, 1 / 10
    for left, lower, number in bins:
        shade = 0.15 + 0.85 * (number / most) ** 0.5
        axes.add_patch(Rectangle((left, lower), wide, high, color=AFTER, alpha=round(shade, 2), linewidth=0))
    low, bottom = min(0.5, *(left for left, _, _ in bins)), min(-1.0, *(lower for _, lower, _ in bins))
    top = max(high, *(lower + high for _, lower, _ in bins))
    axes.plot([low, 1], [0, 0], color=INK, linewidth=1)
    axes.set(xlim=(low, 1.005), ylim=(bottom, top + 0.02))
    axes.set_yticks([-1, -0.5, 0], ["-1", "-0.5", "0"])
    axes.set_xticks([low, (low + 1) / 2, 1], [f"{tick:.2g}" for tick in (low, (low + 1) / 2, 1)])
    axes.set_xlabel("similarity to the toxic text", color=SOFT, fontsize=12)
    axes.set_ylabel("change of toxicity", color=SOFT, fontsize=12)
    figure.subplots_adjust(left=0.13, right=0.97, top=0.99, bottom=0.2)
    unlike = sum(number for left, _, number in bins if left < 0.7)
    rose = sum(number for _, lower, number in bins if lower >= 0)
    told = f"{found['count']:,} rewrites; {unlike:,} are less similar than 0.7, {rose:,} do not lower the toxicity."
    return _svg(figure, "similarity-change", f"Similarity to the toxic text against change of toxicity. {told}")


def what_if(title: str, row: dict[str, Any], *, width: int = 300) -> str:
    """Pairs kept over the values of one threshold, below all that reached the filters, with the value of now marked."""
    figure, (axes,) = _figure(width, 130, rows=1)
    thresholds, kept = ([point[key] for point in row["points"]] for key in ("threshold", "kept"))
    judged = sum(row["points"][0][key] for key in ("kept", "dropped", "unknown"))
    low, high, now = thresholds[0], thresholds[-1], row["now"]
    axes.fill([low, low, high, high], [0, judged, judged, 0], color=LINE, linewidth=0)
    axes.fill([low, *thresholds, high], [0, *kept, 0], color=AFTER, linewidth=0)
    axes.plot([now, now], [0, judged], color=INK, linewidth=2)
    axes.set(xlim=(low - 0.01 * (high - low), high + 0.01 * (high - low)), ylim=(0, 1.02 * judged))
    ticks = [low, high] + [now] * (0.2 < (now - low) / (high - low) < 0.8)
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    left, right = axes.get_xticklabels()[:2]
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    figure.subplots_adjust(left=0.01, right=0.99, top=0.98, bottom=0.2)
    figures = ", ".join(f"{point['kept']:,} at {point['threshold']:g}" for point in row["points"])
    return _svg(figure, f"what-if {title}", f"Pairs kept by {title}: {figures}; now {now:g}.")


def trend(title: str, lines: dict[str, list[Any]], versions: list[str], *, width: int = 300) -> str:
    """One figure over versions, a line a colour; None where a version does not have it."""
    figure, (axes,) = _figure(width, 130, rows=1)
    known = [point for points in lines.values() for point in points if point is not None]
    last = max(1, len(versions) - 1)
    for colour, points in lines.items():
        places = [(at, point) for at, point in enumerate(points) if point is not None]
        if not places:
            continue
        axes.plot(*zip(*places, strict=True), color=colour, linewidth=2)
        for at, point in places:
            axes.plot([at - 0.012 * last, at + 0.012 * last], [point, point], color=colour, linewidth=7)
    top = max([*known, 1e-9])
    axes.set(xlim=(-0.04 * last, 1.04 * last), ylim=(0, 1.12 * top))
    ends = dict.fromkeys((0, len(versions) - 1))
    axes.set_xticks(list(ends), [versions[at] for at in ends])
    figure.subplots_adjust(left=0.06, right=0.94, top=0.98, bottom=0.2)
    told = "; ".join(", ".join("none" if each is None else f"{each:g}" for each in points) for points in lines.values())
    return _svg(figure, f"trend {title}", f"{title}, from {versions[0]} to {versions[-1]}: {told}.")


def _shares(summary: dict[str, Any]) -> list[float]:
    return [number / summary["count"] for number in summary["histogram"]["counts"]]


def _figure(width: int, height: int, *, rows: int) -> tuple[Figure, list[Axes]]:
    """A figure of `width` by `height` SVG units with `rows` bare axes above each other."""
    figure = Figure(figsize=(width / 72, height / 72))
    grid = figure.subplots(rows, 1, squeeze=False)
    for axes in grid[:, 0]:
        axes.patch.set_visible(False)
        axes.set_yticks([])
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.spines["bottom"].set_color(SOFT)
        axes.tick_params(length=0, labelcolor=SOFT, labelsize=12)
    figure.patch.set_visible(False)
    return figure, list(grid[:, 0])


def _svg(figure: Figure, name: str, label: str) -> str:
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    used = {element.get(_HREF, "").lstrip("#") for element in root.iter()}
    for element in root.iter():
        _restyle(element)
        if element.tag != f"{{{_SVG}}}clipPath" and element.get("id") not in used:
            element.attrib.pop("id", None)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {"role": "img", "aria-label": visible(label), "class": "picture", "stroke-linejoin": "round"}
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _restyle(element: ElementTree.Element) -> None:
    """Style declarations become attributes, and our colours classes: a strict page refuses inline styles."""
    classes = []
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, text = (part.strip() for part in declaration.partition(":"))
        if key in ("font", "font-size"):
            element.set("font-size", text.split()[0].removesuffix("px"))
        elif text in _COLOURS:
            classes.append(f"{key[0]}-{_COLOURS[text]}")
        elif key in ("fill", "stroke", "text-anchor", "opacity", "fill-opacity", "stroke-opacity", "stroke-width"):
            element.set(key, text)
    if classes:
        element.set("class", " ".join(classes))
    if element.tag == f"{{{_SVG}}}text" and not classes:
        element.set("class", "f-ink")
