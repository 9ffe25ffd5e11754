// Panels with axes, as text of SVG: what the pictures that move share. Colours come from explorers.css.
"use strict";

const drawing = (() => {
  /** Round steps (1, 2 or 5 times a power of ten) between two ends. */
  function ticks(from, to, about) {
    const rough = (to - from) / about, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
    const found = [];
    for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9; k++) found.push(+(k * step).toPrecision(12));
    return found;
  }

  /**
   * A panel in a box of pixels. `x` and `y` are {from, to, label, ticks?, log?}. Returns scales X and Y and its frame;
   * `rug` leaves room for marks between the axis and its numbers.
   */
  function panel(box, x, y, { rug = 0, right = false } = {}) {
    const scale = (axis, low, high) => {
      const f = axis.log ? Math.log : (value) => value, a = f(axis.from), b = f(axis.to);
      return (value) => low + ((f(value) - a) / (b - a)) * (high - low);
    };
    const bottom = box.top + box.height, end = box.left + box.width;
    const X = scale(x, box.left, end), Y = scale(y, bottom, box.top);
    const marks = [`<path class="axis" d="M${box.left},${box.top}V${bottom}H${end}${right ? `V${box.top}` : ""}"/>`];
    for (const tick of x.ticks ?? ticks(x.from, x.to, box.width / 70)) {
      marks.push(`<text class="tick" x="${round(X(tick))}" y="${bottom + rug + 18}" text-anchor="middle">${tick}</text>`);
    }
    for (const tick of y.ticks ?? ticks(y.from, y.to, box.height / 45)) {
      const at = round(Y(tick));
      marks.push(`<path class="axis" d="M${box.left - 4},${at}h4"/>`);
      marks.push(`<text class="tick" x="${box.left - 7}" y="${at + 4}" text-anchor="end">${tick}</text>`);
    }
    marks.push(`<text class="name" x="${box.left + box.width / 2}" y="${bottom + rug + 38}" text-anchor="middle">${x.label}</text>`);
    if (y.label) marks.push(`<text class="name" x="${Math.max(2, box.left - 34)}" y="${box.top - 12}">${y.label}</text>`);
    return { X, Y, box, bottom, end, frame: marks.join("") };
  }

  const round = (value) => Math.round(value * 10) / 10;

  /** A line through points; those outside the panel's height are held at its rim. */
  function line({ X, Y, box, bottom }, points, name) {
    const at = points.map(([x, y]) => `${round(X(x))},${round(Math.min(bottom, Math.max(box.top, Y(y))))}`);
    return `<path class="${name}" d="M${at.join("L")}"/>`;
  }

  /** A vertical line through the panel, with a word at its head. */
  function upright({ X, box, bottom }, x, name, word = "", anchor = "start") {
    const at = round(X(x)), shift = anchor === "start" ? 4 : anchor === "end" ? -4 : 0;
    const text = word && `<text class="word" x="${at + shift}" y="${box.top + 10}" text-anchor="${anchor}">${word}</text>`;
    return `<path class="${name}" d="M${at},${box.top}V${bottom}"/>${text}`;
  }

  /** Bars of unit area over bins of one width that begin at `start` (some may lie before it). */
  function histogram({ X, Y, box, bottom, end }, values, start, width) {
    const counts = new Map();
    for (const value of values) {
      const bin = Math.floor((value - start) / width);
      counts.set(bin, (counts.get(bin) ?? 0) + 1);
    }
    // One outline around all of them, as in the still figures: it is what stands out from the page.
    const first = Math.min(...counts.keys()), last = Math.max(...counts.keys()), steps = [];
    for (let bin = first; bin <= last; bin++) {
      const left = Math.max(X(start + bin * width), box.left), right = Math.min(X(start + (bin + 1) * width), end);
      const top = Math.max(Y((counts.get(bin) ?? 0) / (values.length * width)), box.top);
      if (right > left) steps.push(`${steps.length ? "" : `M${round(left)},${round(bottom)}`}V${round(top)}H${round(right)}`);
    }
    return `<path class="bars" d="${steps.join("")}${steps.length ? `V${round(bottom)}Z` : ""}"/>`;
  }

  /** One short mark for each value, below the axis. */
  function rug({ X, bottom, end }, values, name, height = 8) {
    const marks = values.filter((value) => X(value) <= end).map((value) => `M${round(X(value))},${bottom + 3}v${height}`);
    return `<path class="${name}" d="${marks.join("")}"/>`;
  }

  const dot = ({ X, Y }, x, y, name, r = 4) => `<circle class="${name}" cx="${round(X(x))}" cy="${round(Y(y))}" r="${r}"/>`;

  const square = ({ X, Y }, x, y, name, r = 3) =>
    `<rect class="${name}" x="${round(X(x) - r)}" y="${round(Y(y) - r)}" width="${2 * r}" height="${2 * r}"/>`;

  return { panel, line, upright, histogram, rug, dot, square, ticks, round };
})();

if (typeof module !== "undefined") module.exports = drawing;
