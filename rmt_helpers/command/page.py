"""The report as one page that stands alone: no script, no other file, light and dark, vector graphics."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

import numpy as np

from .._checks import FloatArray
from ..spectrum import Spectrum
from .measure import Finding, Layer
from .report import Report, dimensions, own_version

# In units of a figure's own coordinates; the page scales it.
_WIDTH, _HEIGHT, _BOTTOM, _TOP = 420, 190, 26, 10

# The view ends at so many thresholds: a few huge values must not squeeze the bulk into a corner.
_VIEW = 2.5

_NAMES = {"bema": "BEMA", "broadening": "Gaussian broadening"}

_TABLE_WORDS = (
    "<b>rank</b>: singular values above the threshold. <b>Ave_w</b>: their estimated alignment with the "
    "signal. <b>bulk</b>: how the others follow the law (Kolmogorov–Smirnov distance)."
)
_TRUST_WORDS = " <b>trust</b>: how far to rely on the rank; the notes say why."
_FIGURE_WORDS = (
    "Grey bars: singular values. Curves: the law of the noise that was fitted, scaled to the share of "
    "the values below its threshold. Vertical lines: thresholds. Ticks above the axis: values that "
    "count as signal."
)

_STYLE = """
:root { color-scheme: light dark; --paper: #fdfcf9; --card: #fff; --ink: #1f2733; --soft: #566070;
  --line: #d9d8d2; --data: #b9bdc5; --m0: #a90f01; --m1: #0044cc; --m2: #1c7a3d; --m3: #7d3f98; }
@media (prefers-color-scheme: dark) { :root { --paper: #11161f; --card: #18202c; --ink: #e6e9ee;
  --soft: #a5afbd; --line: #354052; --data: #566173; --m0: #ff8d7d; --m1: #8db4ff; --m2: #74d196;
  --m3: #d3a0ea; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main, header, footer { max-width: 78rem; margin-inline: auto; }
h1, h2 { font-family: Georgia, "Times New Roman", serif; font-weight: 600; line-height: 1.2;
  overflow-wrap: anywhere; }
h1 { font-size: clamp(1.6rem, 4vw, 2.4rem); margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 0; }
header p, footer p, main > p { color: var(--soft); margin: .25rem 0; max-width: 46rem; }
main > p { margin-top: 1.5rem; } footer { margin-top: 2rem; }
a { color: inherit; text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--m1); outline-offset: 2px; }
.scroll { overflow-x: auto; margin: .5rem 0 2rem; }
.grid { margin-top: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; vertical-align: top; white-space: nowrap; }
thead th { border-bottom: 2px solid var(--line); }
tbody tr.first > * { border-top: 1px solid var(--line); }
th[scope=row] { font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 11rem; }
.number { text-align: right; }
td:last-child { white-space: normal; min-width: 14rem; }
.bad { font-weight: 600; }
.grid { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(30rem, 100%), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.1rem; min-width: 0; }
article p { margin: .2rem 0 0; color: var(--soft); font-size: .92rem; }
svg { display: block; width: 100%; height: auto; margin: .5rem 0 .25rem; overflow: hidden; }
svg text { fill: var(--soft); font: 13px system-ui, sans-serif; }
.data { fill: var(--data); } .axis { stroke: var(--soft); } .rug { stroke: var(--ink); stroke-width: 1.5; }
.law { fill: none; stroke-width: 2; } .cut { stroke-width: 2; }
.m0 { stroke: var(--m0); } .m1 { stroke: var(--m1); } .m2 { stroke: var(--m2); } .m3 { stroke: var(--m3); }
.m1.law, .m1.cut { stroke-dasharray: 7 4; } .m2.law, .m2.cut { stroke-dasharray: 2 3; }
ul.key { list-style: none; margin: 0; padding: 0; font-size: .92rem; }
ul.key li { display: flex; gap: .6rem; align-items: baseline; }
ul.key svg { flex: none; width: 1.9rem; margin: .5rem 0 0; align-self: flex-start; }
@media print { article { break-inside: avoid; } }
"""


def as_html(report: Report) -> str:
    """Write the page; everything that comes from the file is escaped."""
    model = _safe(report.model)
    shown = [(k, layer) for k, layer in enumerate(report.layers) if layer.spectrum is not None]
    articles = "\n".join(_article(k, layer) for k, layer in shown)
    count = len(report.layers)
    lead = f"{count} weight {'matrix' if count == 1 else 'matrices'}"
    if report.failed:
        lead += f", of which {report.failed} could not be measured, or not by every method"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{model}: singular value thresholds</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{model}</h1>
<p>{lead}. {_safe(report.left_out())}</p>
<p>{_settings(report)}</p>
</header>
<main>
<p>{_TABLE_WORDS}{_TRUST_WORDS if "trust" in report.columns else ""}</p>
<div class="scroll" role="region" aria-label="Thresholds of all matrices" tabindex="0">
{_table(report)}
</div>
{f"<p>{_FIGURE_WORDS}</p>" if shown else ""}
<div class="grid">
{articles}
</div>
</main>
<footer>
<p>Made by rmt-thresholds, rmt-helpers {_safe(own_version())}.</p>
</footer>
</body>
</html>
"""


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


def _settings(report: Report) -> str:
    options = report.options
    parts = [f"Methods: {', '.join(_NAMES.get(name, name) for name in options.methods)}"]
    if "bema" in options.methods:
        parts.append(f"BEMA with α = {options.alpha:g}, β = {options.beta:g}")
    if "auto" in options.methods:
        parts.append(f"auto with β = {options.beta:g}")
    if options.fast:
        parts.append("singular values from the Gram matrix")
    return _safe("; ".join(parts) + ".")


def _table(report: Report) -> str:
    head = "".join(
        f'<th scope="col"{_number(number)}>{_safe(name)}</th>'
        for name, number in report.columns.items()
    )
    lines, at = [], -1
    for row in report.rows():
        first = bool(row["layer"] or row["matrix"])
        at += first
        cells = []
        for name, cell in row.items():
            if name == "layer":
                linked = first and report.layers[at].spectrum is not None
                text = f'<a href="#matrix-{at}">{_safe(cell)}</a>' if linked else _safe(cell)
                cells.append(f'<th scope="row">{text}</th>' if first else "<td></td>")
            else:
                bad = name == "notes" and cell.startswith(("skipped", "refused"))
                kind = ' class="bad"' if bad else _number(report.columns[name])
                cells.append(f"<td{kind}>{_safe(cell)}</td>")
        start = '<tr class="first">' if first else "<tr>"
        lines.append(f"{start}{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{chr(10).join(lines)}\n</tbody></table>"


def _number(number: bool) -> str:
    return ' class="number"' if number else ""


def _article(k: int, layer: Layer) -> str:
    spectrum = layer.spectrum
    assert spectrum is not None
    keys = "\n".join(_key(at, finding) for at, finding in enumerate(layer.findings))
    return f"""<article id="matrix-{k}">
<h2>{_safe(layer.name)}</h2>
<p>{_safe(dimensions(layer))}, {_safe(layer.dtype)}</p>
{_figure(layer, spectrum)}
<ul class="key">
{keys}
</ul>
</article>"""


def _key(at: int, finding: Finding) -> str:
    name, fit, bulk = _NAMES.get(finding.method, finding.method), finding.fit, finding.bulk
    if fit is None or bulk is None:
        text = f"{name}: {finding.notes[0]}"
    else:
        text = f"{name}: {fit.n_signal} above {fit.threshold:.4g}, bulk {bulk.verdict}"
        if finding.trust:
            text += f", trust {finding.trust}"
        if not math.isnan(finding.score):
            text += f", Ave_w {finding.score:.3f}"
        text = "; ".join([text, *finding.notes])
    sample = f'<svg viewBox="0 0 30 8" aria-hidden="true"><path class="law m{at % 4}" d="M0 4H30"/></svg>'
    return f"<li>{sample}<span>{_safe(text)}</span></li>"


def _figure(layer: Layer, spectrum: Spectrum) -> str:
    fits = [(at % 4, finding.fit) for at, finding in enumerate(layer.findings) if finding.fit]
    values = spectrum.values
    right = 1.04 * min(values[0], _VIEW * max(fit.threshold for _, fit in fits))
    right = max(right, *(1.04 * fit.threshold for _, fit in fits))
    inside = values[values <= right]
    bins = int(np.clip(2 * np.sqrt(spectrum.p), 10, 80))
    counts, edges = np.histogram(inside, bins=bins, range=(0, right))
    density = counts / (values.size * (edges[1] - edges[0]))
    curves = []
    for at, fit in fits:
        nu = _grid(*fit.law.support())
        nu = nu[nu <= right]
        curves.append((at, nu, (1 - fit.n_signal / spectrum.p) * np.asarray(fit.law.pdf(nu))))
    tops = [density.max(), *(curve.max() for _, _, curve in curves if curve.size)]
    top = 1.08 * min(max(tops), 1.6 * density.max())
    floor = _HEIGHT - _BOTTOM

    def x(value: FloatArray | float) -> FloatArray:
        return np.asarray(np.asarray(value) / right * _WIDTH)

    def y(value: FloatArray | float) -> FloatArray:
        share = np.minimum(np.asarray(value) / top, 9)  # 9 is out of sight
        return np.asarray(floor - share * (floor - _TOP))

    words = "; ".join(
        f"{fit.n_signal} of {spectrum.p} above {fit.threshold:.3g}" for _, fit in fits
    )
    label = (
        f"Histogram of the singular values of {layer.name}, from {values[-1]:.3g} to {values[0]:.3g}, "
        f"with the fitted noise law and thresholds: {words}"
    )
    return "\n".join(
        [
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{_safe(label)}">',
            f'<path class="data" d="{_bars(x(edges), y(density), floor)}"/>',
            *(
                f'<path class="law m{at}" d="{_line(x(nu), y(curve))}"/>'
                for at, nu, curve in curves
                if nu.size
            ),
            *(
                f'<path class="cut m{at}" d="M{_round(x(fit.threshold))} {floor}V{_TOP}"/>'
                for at, fit in fits
            ),
            *_rug(values, min(fit.threshold for _, fit in fits), right, floor),
            f'<path class="axis" d="M0 {floor}H{_WIDTH}"/>',
            *_ticks(right, floor),
            "</svg>",
        ]
    )


def _grid(low: float, high: float) -> FloatArray:
    """Densely near both ends, where the density rises like a square root."""
    return np.asarray(low + (high - low) * (1 - np.cos(np.linspace(0, np.pi, 121))) / 2)


def _bars(x: FloatArray, y: FloatArray, floor: float) -> str:
    steps = (f"V{_round(top)}H{_round(end)}" for top, end in zip(y, x[1:], strict=True))
    return f"M{_round(x[0])} {floor}{''.join(steps)}V{floor}Z"


def _line(x: FloatArray, y: FloatArray) -> str:
    return "M" + "L".join(f"{_round(a)} {_round(b)}" for a, b in zip(x, y, strict=True))


def _rug(values: FloatArray, threshold: float, right: float, floor: float) -> Iterator[str]:
    signal = values[values > threshold]
    seen = signal[signal <= right]
    if seen.size:
        marks = "".join(f"M{_round(v / right * _WIDTH)} {floor}v-9" for v in seen)
        yield f'<path class="rug" d="{marks}"/>'
    if beyond := int(signal.size - seen.size):
        text = f"{beyond} beyond, up to {values[0]:.3g} →"
        yield f'<text x="{_WIDTH}" y="{_TOP + 12}" text-anchor="end">{text}</text>'


def _ticks(right: float, floor: float) -> Iterator[str]:
    raw = right / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw)
    for k in range(int(right / step) + 1):
        place = k * step / right * _WIDTH
        anchor = "start" if k == 0 else "end" if place > _WIDTH - 20 else "middle"
        yield f'<path class="axis" d="M{_round(place)} {floor}v5"/>'
        yield f'<text x="{_round(place)}" y="{floor + 20}" text-anchor="{anchor}">{k * step:.6g}</text>'


def _round(value: FloatArray | float) -> str:
    return f"{float(value):.1f}".removesuffix(".0")
