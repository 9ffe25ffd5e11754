// The book's formulas once more, for the pictures that move: laws, spikes, score, and the linear algebra that they
// need. No page element is touched here. tests/book/test_explorers.py holds every function against rmt_helpers.
"use strict";

const numerics = (() => {
  // Random numbers ------------------------------------------------------------------------------------------------

  /** sfc32 with a seed: a function that returns numbers in (0, 1). The same seed gives the same picture everywhere. */
  function generator(seed) {
    let a = 0x9e3779b9, b = 0x243f6a88, c = 0xb7e15162, d = seed >>> 0;
    const next = () => {
      const t = (a + b + d) | 0;
      d = (d + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + t) | 0;
      return ((t >>> 0) + 0.5) / 4294967296;
    };
    for (let i = 0; i < 15; i++) next();
    return next;
  }

  // Bailey's polar method: as df → ∞ it becomes Box and Muller's. Scaled to variance 1.
  const student = (df) => (random) =>
    Math.sqrt((df - 2) * (random() ** (-2 / df) - 1)) * Math.cos(2 * Math.PI * random());

  /** Entries of mean 0 and variance 1, by name. */
  const entries = {
    normal: (random) => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()),
    uniform: (random) => Math.sqrt(12) * (random() - 0.5),
    signs: (random) => (random() < 0.5 ? -1 : 1),
    sparse: (random) => (random() < 0.1 ? Math.sqrt(10) * entries.normal(random) : 0),
    student5: student(5),
    student3: student(3),
  };

  /** `count` entries of the law `name`. */
  function draw(name, count, random) {
    const law = entries[name], x = new Float64Array(count);
    for (let i = 0; i < count; i++) x[i] = law(random);
    return x;
  }

  // The law of noise, in units in which a singular value is y = ν/√n and an eigenvalue y² ---------------------------

  /** Edges σ(1 ∓ √c) of the singular values ν/√n. */
  function edges(c, sigma) {
    return [sigma * (1 - Math.sqrt(c)), sigma * (1 + Math.sqrt(c))];
  }

  /** Density of ν/√n. */
  function valuePdf(y, c, sigma) {
    const [low, high] = edges(c, sigma);
    if (y < low || y > high) return 0;
    const square = low === 0 ? 1 : Math.sqrt((y - low) * (y + low)) / y;
    return (square * Math.sqrt((high - y) * (high + y))) / (Math.PI * c * sigma * sigma);
  }

  /** Density of the eigenvalue λ = ν²/n: infinite at 0 when c = 1. */
  function eigenvaluePdf(lambda, c, sigma) {
    const [low, high] = edges(c, sigma).map((y) => y * y);
    if (lambda === 0 && low === 0) return Infinity;
    if (lambda <= low || lambda >= high) return 0;
    return Math.sqrt((high - lambda) * (lambda - low)) / (2 * Math.PI * c * sigma * sigma * lambda);
  }

  /** Share of the singular values ν/√n up to y. */
  function cdf(y, c, sigma) {
    const [low, high] = edges(c, sigma), r = Math.sqrt(c);
    if (y <= low) return 0;
    if (y >= high) return 1;
    // λ = (1 − r)² + 4rv² in units of σ².
    const v2 = ((y - low) * (y + low)) / (4 * r * sigma * sigma), v = Math.sqrt(v2), w = Math.sqrt(1 - v2);
    const phi = Math.atan2((1 + r) * v, (1 - r) * w);
    return ((1 + c) * Math.asin(v) + 2 * r * v * w - (1 - c) * phi) / (Math.PI * c);
  }

  /** Largest distance between the law and the share of the values (ascending) up to each point. */
  function distance(values, c, sigma) {
    let worst = 0;
    values.forEach((y, i) => {
      const f = cdf(y, c, sigma);
      worst = Math.max(worst, f - i / values.length, (i + 1) / values.length - f);
    });
    return worst;
  }

  // Spikes ----------------------------------------------------------------------------------------------------------

  const transition = (c) => Math.sqrt(Math.sqrt(c));

  /** Where a spike of strength theta is observed, in units of σ√n. */
  function spikedValue(theta, c) {
    if (theta <= transition(c)) return 1 + Math.sqrt(c);
    return Math.hypot(1, theta) * Math.hypot(1, Math.sqrt(c) / theta);
  }

  /** The strength of a spike observed at y: 0 at and below the edge. */
  function signalStrength(y, c) {
    const r = Math.sqrt(c), edge = 1 + r;
    if (y <= edge) return 0;
    return 0.5 * (Math.sqrt((y - edge) * (y + edge)) + Math.sqrt((y - 1 + r) * (y + 1 - r)));
  }

  /** |cos| between true and observed vector: [short side, long side]. */
  function cosines(theta, c) {
    if (theta <= transition(c)) return [0, 0];
    const r = Math.sqrt(c) / (theta * theta), common = (1 - r) * (1 + r);
    return [Math.sqrt(common / (1 + r * Math.sqrt(c))), Math.sqrt(common / (1 + 1 / (theta * theta)))];
  }

  /** Ave_w(φ̂) with the largest 1, 2, … values kept; `values` fall, `unit` is σ√n. */
  function averageAlignments(values, c, unit) {
    let weights = 0, sum = 0;
    return values.map((nu) => {
      const [short, long] = cosines(signalStrength(nu / unit, c), c);
      weights += nu;
      sum += nu * ((short + long) / 2);
      return sum / weights;
    });
  }

  // Linear algebra --------------------------------------------------------------------------------------------------

  /** XXᵀ/n of a p × n matrix that is stored row by row. */
  function gram(x, p, n) {
    const a = new Float64Array(p * p);
    for (let i = 0; i < p; i++) {
      const row = x.subarray(i * n, (i + 1) * n);
      for (let j = 0; j <= i; j++) {
        const other = x.subarray(j * n, (j + 1) * n);
        // Two sums, so that no addition waits for the one before.
        let s = 0, t = 0, k = 0;
        for (; k + 1 < n; k += 2) {
          s += row[k] * other[k];
          t += row[k + 1] * other[k + 1];
        }
        if (k < n) s += row[k] * other[k];
        a[i * p + j] = a[j * p + i] = (s + t) / n;
      }
    }
    return a;
  }

  /** Eigenvalues, ascending, of a symmetric p × p matrix: Householder's tridiagonal form, then QL with shifts. */
  function eigenvalues(matrix, p) {
    const a = Float64Array.from(matrix), d = new Float64Array(p), e = new Float64Array(p);
    const v = new Float64Array(p), w = new Float64Array(p);
    // Step k clears row and column k beyond the neighbour of the diagonal, by a reflection of what follows.
    for (let k = 0; k < p - 1; k++) {
      let norm = 0;
      for (let i = k + 1; i < p; i++) norm += a[k * p + i] ** 2;
      norm = Math.sqrt(norm);
      d[k] = a[k * p + k];
      const first = a[k * p + k + 1];
      e[k] = first > 0 ? -norm : norm;
      if (norm === 0 || k === p - 2) {
        if (k === p - 2) e[k] = first;
        continue;
      }
      let square = 0;
      for (let i = k + 1; i < p; i++) {
        v[i] = a[k * p + i] - (i === k + 1 ? e[k] : 0);
        square += v[i] ** 2;
      }
      // A ← A − v wᵀ − w vᵀ with w = βAv − ½β²(vᵀAv)v and β = 2/|v|².
      const beta = 2 / square;
      let inner = 0;
      for (let i = k + 1; i < p; i++) {
        let s = 0;
        for (let j = k + 1, at = i * p + k + 1; j < p; j++, at++) s += a[at] * v[j];
        w[i] = beta * s;
        inner += w[i] * v[i];
      }
      for (let i = k + 1; i < p; i++) w[i] -= 0.5 * beta * inner * v[i];
      for (let i = k + 1; i < p; i++) {
        const vi = v[i], wi = w[i];
        for (let j = k + 1, at = i * p + k + 1; j < p; j++, at++) a[at] -= vi * w[j] + wi * v[j];
      }
    }
    d[p - 1] = a[p * p - 1];
    for (let l = 0; l < p; l++) {
      for (let turn = 0; turn < 60; turn++) {
        let m = l;
        while (m < p - 1 && Math.abs(e[m]) > 2.3e-16 * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++;
        if (m === l) break;
        let g = (d[l + 1] - d[l]) / (2 * e[l]), r = Math.hypot(g, 1);
        g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r));
        let s = 1, c = 1, shift = 0, i = m - 1;
        for (; i >= l; i--) {
          const f = s * e[i], b = c * e[i];
          r = Math.hypot(f, g);
          e[i + 1] = r;
          if (r === 0) {
            d[i + 1] -= shift;
            e[m] = 0;
            break;
          }
          s = f / r;
          c = g / r;
          g = d[i + 1] - shift;
          r = (d[i] - g) * s + 2 * c * b;
          shift = s * r;
          d[i + 1] = g + shift;
          g = c * r - b;
        }
        if (r === 0 && i >= l) continue;
        d[l] -= shift;
        e[l] = g;
        e[m] = 0;
      }
    }
    return d.sort();
  }

  /** Unit eigenvector of the largest eigenvalue `top`: inverse iteration, by Cholesky's factors just above it. */
  function topVector(matrix, p, top) {
    const l = new Float64Array(p * p), shift = top * (1 + 1e-9);
    for (let i = 0; i < p; i++) {
      for (let j = 0; j <= i; j++) {
        let s = (i === j ? shift : 0) - matrix[i * p + j];
        for (let k = 0; k < j; k++) s -= l[i * p + k] * l[j * p + k];
        l[i * p + j] = i === j ? Math.sqrt(Math.max(s, 1e-16 * top)) : s / l[j * p + j];
      }
    }
    const random = generator(1);
    let x = Float64Array.from({ length: p }, () => random() - 0.5);
    for (let turn = 0; turn < 4; turn++) {
      for (let i = 0; i < p; i++) {
        for (let k = 0; k < i; k++) x[i] -= l[i * p + k] * x[k];
        x[i] /= l[i * p + i];
      }
      for (let i = p - 1; i >= 0; i--) {
        for (let k = i + 1; k < p; k++) x[i] -= l[k * p + i] * x[k];
        x[i] /= l[i * p + i];
      }
      const norm = Math.hypot(...x);
      x = x.map((value) => value / norm);
    }
    return x;
  }

  // The two simulations ---------------------------------------------------------------------------------------------

  const ascendingRoots = (values) => Array.from(values, (value) => Math.sqrt(Math.max(value, 0)));

  /** Singular values ν/√n, ascending, of one p × n matrix with entries of the law `name`. */
  function noiseValues(name, p, n, seed) {
    return ascendingRoots(eigenvalues(gram(draw(name, p * n, generator(seed)), p, n), p));
  }

  /** A unit vector of uniformly random direction. */
  function direction(length, random) {
    const x = draw("normal", length, random), norm = Math.hypot(...x);
    return x.map((value) => value / norm);
  }

  /**
   * One noise matrix R, σ = 1, and one pair of directions u, v. The result is a function of the strength: it adds
   * θ√n uvᵀ and returns the singular values ν/√n, ascending, with the cosines of the top pair of vectors.
   * W Wᵀ/n = RRᵀ/n + θ(ubᵀ + buᵀ) + θ²uuᵀ with b = Rv/√n, so R itself is needed only once.
   */
  function spikedModel(p, n, seed) {
    const random = generator(seed), u = direction(p, random), v = direction(n, random);
    const noise = draw("normal", p * n, random), base = gram(noise, p, n), b = new Float64Array(p);
    for (let i = 0; i < p; i++) {
      for (let k = 0; k < n; k++) b[i] += noise[i * n + k] * v[k];
      b[i] /= Math.sqrt(n);
    }
    return (theta) => {
      const a = Float64Array.from(base);
      for (let i = 0; i < p; i++) {
        for (let j = 0; j < p; j++) a[i * p + j] += theta * (u[i] * b[j] + b[i] * u[j] + theta * u[i] * u[j]);
      }
      const lambda = eigenvalues(a, p), top = lambda[p - 1], seen = topVector(a, p, top);
      let short = 0, cross = 0;
      for (let i = 0; i < p; i++) {
        short += u[i] * seen[i];
        cross += b[i] * seen[i];
      }
      // The observed long vector is Wᵀû/ν, and vᵀWᵀû = √n(θ uᵀû + bᵀû).
      return {
        values: ascendingRoots(lambda),
        short: Math.abs(short),
        long: Math.abs(theta * short + cross) / Math.sqrt(top),
      };
    };
  }

  return {
    generator, entries, draw, edges, valuePdf, eigenvaluePdf, cdf, distance, transition, spikedValue,
    signalStrength, cosines, averageAlignments, gram, eigenvalues, topVector, noiseValues, direction, spikedModel,
  };
})();

if (typeof module !== "undefined") module.exports = numerics;
