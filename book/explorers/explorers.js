// The three pictures that move. Each reads its controls, computes with numerics.js, draws with drawing.js, and says in
// one sentence what is seen. Nothing moves by itself.
"use strict";

(() => {
  const { panel, line, upright, histogram, rug, dot, square, round } = drawing;
  const fixed = (value, digits = 2) => value.toFixed(digits);

  /** Points between two ends, densely near both, where a density rises like a square root. */
  const between = (low, high, count = 160) =>
    Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * (1 - Math.cos((Math.PI * i) / count))) / 2);

  /** Compute once for each set of arguments; the last few are kept. */
  function remember(compute, most = 8) {
    const known = new Map();
    return (...args) => {
      const key = args.join();
      if (!known.has(key)) {
        if (known.size >= most) known.delete(known.keys().next().value);
        known.set(key, compute(...args));
      }
      return known.get(key);
    };
  }

  // The Marchenko–Pastur law ------------------------------------------------------------------------------------------

  function marchenkoPastur() {
    const sample = remember(numerics.noiseValues);
    const names = {
      normal: "normal entries", uniform: "uniform entries", signs: "random signs", sparse: "entries that are mostly 0",
      student5: "Student entries, 5 degrees of freedom", student3: "Student entries, 3 degrees of freedom",
    };
    return {
      show: { c: (c) => fixed(c), sigma: (sigma) => fixed(sigma) },
      draw({ c, sigma, entries, size, scale, seed }, width, height) {
        const p = size, n = Math.round(p / c), ratio = p / n;
        const values = sample(entries, p, n, seed).map((y) => sigma * y);
        const [low, high] = numerics.edges(ratio, sigma);
        const eigen = scale === "lambda", map = eigen ? (y) => y * y : (y) => y;
        const density = eigen ? numerics.eigenvaluePdf : numerics.valuePdf;
        const curve = between(map(low), map(high)).map((x) => [x, density(x, ratio, sigma)]);
        // At c = 1 the density of λ has no highest point: the picture ends at five times its mean height.
        const top = Math.min(1.3 * Math.max(...curve.map((point) => point[1])), 5 / (map(high) - map(low)));
        const narrow = width < 480;
        const frame = panel(
          { left: 46, top: 34, width: width - 58, height: height - 34 - 62 },
          { from: 0, to: eigen ? 6.8 : 2.7, label: eigen ? "eigenvalue λ = ν² / n" : "singular value ν / √n" },
          { from: 0, to: top, label: "density" },
          { rug: 16 },
        );
        const shown = values.map(map), beyond = shown.filter((x) => x > map(high));
        const off = shown.filter((x) => frame.X(x) > frame.end).length;
        const drawn = [
          histogram(frame, shown, map(low), (map(high) - map(low)) / 16),
          upright(frame, map(low), "edge"),
          upright(frame, map(high), "edge", narrow ? "edge" : eigen ? "edge σ²(1 + √c)²" : "edge σ(1 + √c)"),
          line(frame, curve.filter((point) => Number.isFinite(point[1])), "theory"),
          rug(frame, shown.filter((x) => x <= map(high)), "rug"),
          rug(frame, beyond, "rug beyond", 12),
          off ? `<text class="word" x="${frame.end}" y="${frame.bottom - 8}" text-anchor="end">${off} more ▸</text>` : "",
          frame.frame,
        ];
        const count = beyond.length === 0 ? "no value lies" : beyond.length === 1 ? "one value lies" : `${beyond.length} values lie`;
        return {
          svg: drawn.join(""),
          text:
            `A ${p} × ${n} matrix, ${names[entries]}, σ\u00a0=\u00a0${fixed(sigma)}. The law fills ${fixed(map(low))} to ${fixed(map(high))}; ` +
            `the largest of the ${p} values is ${fixed(shown[p - 1])}, and ${count} beyond the edge. ` +
            `Distance of the values from the law: D\u00a0=\u00a0${fixed(numerics.distance(values, ratio, sigma), 3)}.`,
        };
      },
    };
  }

  // A spike that crosses the transition ---------------------------------------------------------------------------------

  function spike() {
    const model = remember(numerics.spikedModel, 2);
    const seen = new Map(); // what was seen of the present matrix, by strength: a trail along the formula
    let matrix = "";
    return {
      show: { theta: (theta) => fixed(theta) },
      draw({ theta, shape, seed }, width, height) {
        const [p, n] = shape.split("x").map(Number), c = p / n, key = `${p},${n},${seed}`;
        if (key !== matrix) seen.clear();
        matrix = key;
        if (!seen.has(theta)) seen.set(theta, model(p, n, seed)(theta));
        const found = seen.get(theta), critical = numerics.transition(c), above = theta > critical;
        const [low, high] = numerics.edges(c, 1), expected = numerics.spikedValue(theta, c), top = found.values[p - 1];
        const [short, long] = numerics.cosines(theta, c);

        const stacked = width < 560, gap = stacked ? 0 : 58, first = stacked ? width : Math.round(0.55 * width);
        const tall = stacked ? height / 2 : height;
        const curve = between(low, high).map((y) => [y, numerics.valuePdf(y, c, 1)]);
        const left = panel(
          { left: 40, top: 34, width: first - 52, height: tall - 34 - 62 },
          { from: 0, to: 3.6, label: "singular value ν / (σ√n)" },
          { from: 0, to: 1.35 * Math.max(...curve.map((point) => point[1])), label: "density" },
          { rug: 16 },
        );
        const at = round(left.X(top)), foretold = round(left.X(expected)), floor = left.bottom;
        const drawn = [
          histogram(left, found.values, low, (high - low) / 12),
          upright(left, high, "edge", "edge"),
          line(left, curve, "theory"),
          rug(left, found.values.slice(0, -1), "rug"),
          // Where the formula puts the outlier: a dashed line; where this matrix has it: a pin.
          `<path class="theory dashed" d="M${foretold},${floor}V${left.box.top + 26}"/>`,
          `<path class="oracle" d="M${at},${floor + 13}V${floor - 46}"/><circle class="oracle-dot" cx="${at}" cy="${floor - 50}" r="5"/>`,
          left.frame,
        ];

        const right = panel(
          stacked
            ? { left: 40, top: tall + 38, width: width - 52, height: tall - 38 - 48 }
            : { left: first + gap - 12, top: 34, width: width - first - gap, height: tall - 34 - 62 },
          { from: 0, to: 3, label: "strength θ", ticks: [0, 1, 2, 3] },
          { from: 0, to: 1, label: "cosine, true · observed", ticks: [0, 0.5, 1] },
          { rug: stacked ? 0 : 16 },
        );
        const steps = between(critical, 3, 120), sides = [0, 1].map((side) => [[0, 0], [critical, 0], ...steps.map((t) => [t, numerics.cosines(t, c)[side]])]);
        drawn.push(
          upright(right, critical, "edge", `θ<tspan dy="3" font-size="10">c</tspan>`, "end"),
          `<path class="cursor" d="M${round(right.X(theta))},${right.box.top}V${right.bottom}"/>`,
          line(right, sides[0], "theory"),
          c < 1 ? line(right, sides[1], "theory dashed") : "",
        );
        for (const [t, { short: a, long: b }] of seen) {
          if (t !== theta) drawn.push(dot(right, t, b, "trail ring", 2.5), dot(right, t, a, "trail", 2.5));
        }
        drawn.push(dot(right, theta, found.long, "oracle-ring", 5), dot(right, theta, found.short, "oracle-dot", 5), right.frame);
        return {
          svg: drawn.join(""),
          text:
            `θ\u00a0=\u00a0${fixed(theta)}, ${above ? "above" : "not above"} the transition at ${fixed(critical, 3)}. ` +
            (above
              ? `The largest value should stand at ${fixed(expected)}; here it stands at ${fixed(top)}. `
              : `The formula puts nothing beyond the edge at ${fixed(high)}; here the largest value stands at ${fixed(top)}. `) +
            `Cosine of the vectors of length ${p}: ${fixed(found.short)}, formula ${fixed(short)}; ` +
            `of length ${n}: ${fixed(found.long)}, formula ${fixed(long)}.`,
        };
      },
    };
  }

  // Figure 2 --------------------------------------------------------------------------------------------------------------

  function figureTwo(data) {
    const score = remember((network, layer) => {
      const { values, p, n, sigma } = data.networks[network].layers[layer];
      return numerics.averageAlignments(values, p / n, sigma * Math.sqrt(n));
    });
    const layerOf = ({ network, layer }) => data.networks[network].layers[layer];
    const rankOf = (state) => layerOf(state).ranks[state.kept];
    const percent = (value) => `${fixed(100 * value)}\u00a0%`;
    return {
      prepare(root) {
        const network = root.querySelector("[name=network]"), kept = root.querySelector("[name=kept]");
        network.replaceChildren(...data.networks.map(({ label }, i) => new Option(label, i)));
        kept.max = layerOf({ network: 0, layer: "fc1" }).ranks.length - 1;
      },
      show: { kept: (_, state) => `${rankOf(state)} of ${layerOf(state).p}` },
      draw(state, width, height) {
        const { label, full } = data.networks[state.network], layer = layerOf(state);
        const { values, ranks, accuracy, p, thresholds } = layer;
        const s = rankOf(state), scores = score(state.network, state.layer), at = accuracy[state.kept];
        const x = { from: 0.85, to: 1.25 * p, log: true, ticks: width < 480 ? [1, 10, 100] : [1, 3, 10, 30, 100, 300] };
        const half = Math.round(height / 2), box = { left: 46, width: width - 46 - 50 };
        const upper = panel(
          { ...box, top: 34, height: half - 34 - 24 },
          { ...x, ticks: [], label: "" },
          { from: 0, to: 1.08 * values[0], label: "singular value ν" },
        );
        const lower = panel(
          { ...box, top: half + 24, height: height - half - 24 - 48 },
          { ...x, label: "number of values kept, ŝ" },
          { from: 0, to: 1.03, label: "", ticks: [0, 0.25, 0.5, 0.75, 1] },
          { right: true },
        );
        // The cut lies between the last value that is kept and the first that is not.
        const cut = s < p ? Math.sqrt(values[s - 1] * values[s]) : values[s - 1] * 0.97, cutAt = round(upper.Y(cut));
        const here = round(upper.X(s));
        const spectrum = (from, to, name) => {
          const marks = [];
          for (let i = from; i < to; i++) marks.push(`M${round(upper.X(i + 1))},${round(upper.Y(values[i]))}h0`);
          return `<path class="${name}" d="${marks.join("")}"/>`;
        };
        const drawn = [
          upper.frame,
          lower.frame,
          `<rect class="background dropped" x="${upper.box.left}" y="${cutAt}" width="${upper.box.width}" height="${round(upper.bottom - cutAt)}"/>`,
          `<path class="cut" d="M${upper.box.left},${cutAt}H${upper.end}"/>`,
          `<path class="cursor" d="M${here},${upper.box.top}V${lower.bottom}"/>`,
        ];
        for (const { key, kept, threshold } of thresholds) {
          const y = round(upper.Y(threshold));
          drawn.push(`<path class="${key}" d="M${upper.box.left},${y}H${upper.end}"/>`, upright(lower, kept, key));
        }
        drawn.push(spectrum(0, s, "points kept"), spectrum(s, p, "points"));
        ranks.forEach((rank, i) => {
          if (i % 2 && rank > 24 && rank < p) return; // thinned where they would touch
          drawn.push(dot(lower, rank, scores[rank - 1], "alignment", 2.6), square(lower, rank, accuracy[i], "accuracy", 2.3));
        });
        drawn.push(dot(lower, s, scores[s - 1], "alignment now", 6), square(lower, s, at, "accuracy now", 5));
        drawn.push(`<text class="name alignment-name" x="12" y="${lower.box.top - 12}">score</text>`);
        drawn.push(`<text class="name accuracy-name" x="${width - 4}" y="${lower.box.top - 12}" text-anchor="end">accuracy (%)</text>`);
        for (const tick of [0, 25, 50, 75, 100]) {
          drawn.push(`<text class="tick" x="${lower.end + 6}" y="${round(lower.Y(tick / 100)) + 4}">${tick}</text>`);
        }
        const cost = 100 * (full - at), ours = fixed(Math.abs(cost));
        return {
          svg: drawn.join(""),
          text:
            `${label}, ${layer.label}: ${s} of ${p} values kept, those above ${fixed(cut)}. Score ${fixed(scores[s - 1], 3)}; ` +
            `test accuracy ${percent(at)}, ` +
            (ours === "0.00" ? "as that of the whole network" : `${ours} points ${cost > 0 ? "below" : "above"} the whole network's ${percent(full)}`) +
            `. ${thresholds.map(({ name, kept }) => `${name} keeps ${kept}`).join(", ")}.`,
        };
      },
    };
  }

  // Controls ----------------------------------------------------------------------------------------------------------------

  const makers = { "marchenko-pastur": marchenkoPastur, spike, "figure-2": figureTwo };
  if (typeof document === "undefined") {
    module.exports = makers;
    return;
  }

  function start(root) {
    const source = document.querySelector(`script[data-explorer-data="${root.dataset.explorer}"]`);
    const explorer = makers[root.dataset.explorer](source && JSON.parse(source.textContent));
    const svg = root.querySelector("svg"), canvas = svg.querySelector("g");
    const sentence = root.querySelector(".explorer-sentence"), spoken = root.querySelector(".explorer-spoken");
    const controls = [...root.querySelectorAll("input, select")];
    let seed = 1, frame = 0, speech = 0;
    explorer.prepare?.(root);

    const state = () => {
      const values = { seed };
      for (const control of controls) {
        values[control.name] = control.dataset.text === undefined ? Number(control.value) : control.value;
      }
      return values;
    };

    function update() {
      frame = 0;
      const now = state();
      for (const control of controls) {
        const text = explorer.show[control.name]?.(now[control.name], now);
        if (text === undefined) continue;
        control.setAttribute("aria-valuetext", text);
        root.querySelector(`output[for="${control.id}"]`).textContent = text;
      }
      const width = Math.round(svg.clientWidth), height = Math.round(svg.clientHeight);
      if (!width) return; // not shown, as when printed
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const { svg: drawn, text } = explorer.draw(now, width, height);
      canvas.innerHTML = drawn;
      sentence.textContent = text;
      // Said when the hand rests: a sentence for every step of a slider would never end.
      clearTimeout(speech);
      if (root.contains(document.activeElement)) speech = setTimeout(() => (spoken.textContent = text), 700);
    }

    const request = () => (frame ||= requestAnimationFrame(update));
    for (const control of controls) control.addEventListener("input", request);
    root.querySelector("button")?.addEventListener("click", () => {
      seed += 1;
      request();
    });
    new ResizeObserver(request).observe(svg);
  }

  /** Fold the still picture that stands below an explorer; print shows it in the explorer's place. */
  function fold(root) {
    const still = document.getElementById(root.dataset.still)?.closest(".cell");
    if (!still) return;
    const details = document.createElement("details"), summary = document.createElement("summary");
    details.className = "explorer-still";
    summary.textContent = "A still picture of this, and the code that draws it";
    still.before(details);
    details.append(summary, still);
    if (details.contains(document.getElementById(location.hash.slice(1)))) details.open = true;
    window.addEventListener("beforeprint", () => (details.open = true));
  }

  // Each begins when it comes near the window, so that a page opens at once.
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        start(target);
      }
    },
    { rootMargin: "400px" },
  );
  for (const root of document.querySelectorAll(".explorer")) {
    fold(root);
    near.observe(root);
  }
})();
