/* What tools/check_browser.py asks of a page that is open in a browser. Each function returns a list of problems. */
window.bookChecks = (() => {
  const name = (element) => {
    const text = (element.getAttribute("aria-label") || element.textContent || "").trim().replace(/\s+/g, " ");
    const id = element.id ? `#${element.id}` : "";
    const classes = [...element.classList].slice(0, 2).map((c) => `.${c}`).join("");
    return `<${element.tagName.toLowerCase()}${id}${classes}> ${text.slice(0, 40)}`.trim();
  };
  const shown = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && element.getClientRects().length > 0;

  // Colours, as the browser computes them ---------------------------------------------------------------------------
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  /** Red, green, blue and opacity of a colour, after a CSS filter. */
  const rgba = (colour, filter = "none") => {
    brush.clearRect(0, 0, 1, 1);
    brush.filter = filter;
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below, opacity = 1) => {
    const a = top[3] * opacity;
    return [0, 1, 2].map((k) => a * top[k] + (1 - a) * below[k]).concat(1);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  /** What lies behind an element. */
  const paper = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };

  // Layout ----------------------------------------------------------------------------------------------------------
  /** Load and lay out what waits until a reader comes near, so that the other checks see all of the page. */
  const unfold = async () => {
    const style = document.createElement("style");
    style.textContent = "* { content-visibility: visible !important }";
    document.head.append(style);
    const waiting = [...document.querySelectorAll("img[loading=lazy]")];
    const settled = (image) => new Promise((done) => image.complete ? done() : (image.onload = image.onerror = () => done()));
    for (const image of waiting) image.loading = "eager";
    await Promise.all(waiting.map(settled));
  };
  /** The page does not scroll sideways, and nothing of the article is cut off at its side. */
  const overflow = () => {
    const found = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width || document.body.scrollWidth > width)
      found.push(`scrolls sideways: ${document.documentElement.scrollWidth} px wide in a window of ${width}`);
    const scrolls = (e) => ["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(e).overflowX);
    for (const formula of document.querySelectorAll("article .katex-display")) {
      const bases = [...formula.querySelectorAll(".base")].map((e) => e.getBoundingClientRect().left);
      if (Math.min(...bases) < formula.closest("div.math, article").getBoundingClientRect().left - 2)
        found.push(`a formula begins out of reach in a window of ${width}: ${formula.textContent.slice(0, 30)}`);
    }
    const cut = [];
    for (const element of document.querySelectorAll("article *")) {
      const box = element.getBoundingClientRect();
      if (box.width === 0 || (box.right <= width + 1 && box.left >= -1)) continue;
      let inside = false;
      for (let e = element; e && e.tagName !== "ARTICLE" && !inside; e = e.parentElement) inside = scrolls(e);
      // For screen readers alone.
      if (!inside && shown(element) && !element.closest(".katex-mathml, .visually-hidden") && !cut.some((e) => e.contains(element)))
        cut.push(element);
    }
    return found.concat(cut.slice(0, 5).map((e) => `sticks out of a window of ${width}: ${name(e)}`));
  };

  // Mathematics -----------------------------------------------------------------------------------------------------
  const mathematics = () => {
    const found = [];
    const sources = [...document.querySelectorAll("article span.math, article div.math")];
    const bare = sources.filter((e) => !e.querySelector(".katex .katex-html"));
    if (bare.length) found.push(`mathematics not rendered: ${bare.slice(0, 3).map((e) => e.textContent.trim().slice(0, 40)).join("; ")}`);
    if (document.querySelector(".katex-error")) found.push("mathematics that KaTeX does not know");
    const sample = document.querySelector("article .katex .katex-html");
    if (sample && ![...document.fonts].some((f) => f.family.replaceAll('"', "").startsWith("KaTeX") && f.status === "loaded"))
      found.push("the fonts of the mathematics did not load");
    // Without its style sheet, the copy for screen readers shows beside the formula.
    const copy = document.querySelector("article .katex-mathml");
    if (copy && copy.getBoundingClientRect().width > 2) found.push("the style sheet of the mathematics did not load");
    const styled = getComputedStyle(document.documentElement).getPropertyValue("--book-paper").trim();
    if (!styled) found.push("the book's style sheet did not load");
    return found;
  };

  // Figures ---------------------------------------------------------------------------------------------------------
  const ATTRIBUTES = ["fill", "stroke", "opacity", "fill-opacity", "stroke-opacity"];
  /** Every mark of a drawing by Matplotlib, with what it inherits: its kind, group, colour and opacity. */
  const marks = (svg) => {
    const found = [];
    const visit = (element, inherited, group) => {
      if (["defs", "metadata", "clipPath", "style"].includes(element.tagName)) return;
      const style = { ...inherited };
      for (const key of ATTRIBUTES) {
        const value = element.style?.getPropertyValue(key) || element.getAttribute(key);
        if (!value) continue;
        style[key] = key === "opacity" ? String(Number(value) * Number(inherited.opacity)) : value;
      }
      const id = element.id.replace(/_\d+$/, "");
      // The innermost group that says what is drawn; a tick's mark and label stand inside the tick's group.
      const here = /^(text|line2d|patch|legend|xtick|ytick|\w*Collection|axes|figure|matplotlib.axis)$/.test(id) ? [...group, id] : group;
      if (["path", "use", "text"].includes(element.tagName)) {
        const kind = here.includes("text") ? "text" : here.at(-1) ?? "";
        for (const paint of ["fill", "stroke"]) {
          if (!style[paint] || style[paint] === "none" || style[paint].startsWith("url")) continue;
          // A filled area, such as a band around a curve, is background.
          if (paint === "fill" && /Poly|FillBetween/.test(kind)) continue;
          found.push({
            kind, paint, colour: style[paint], group: here.join("/"),
            opacity: Number(style.opacity) * Number(style[`${paint}-opacity`] ?? 1),
          });
        }
      }
      for (const child of element.children) visit(child, style, here);
    };
    visit(svg, { fill: "#000", opacity: "1" }, []);
    return found;
  };
  const drawings = {};
  /** Contrast of the text and of every line colour of every drawing with the page behind it, in the present mode. */
  const figures = async ({ text, line }) => {
    const found = [];
    for (const image of document.querySelectorAll("article img")) {
      if (!image.complete || image.naturalWidth === 0) {
        found.push(`image ${image.getAttribute("src")} did not load`);
        continue;
      }
      if (!image.src.endsWith(".svg") || !shown(image)) continue;
      drawings[image.src] ??= marks(new DOMParser().parseFromString(await (await fetch(image.src)).text(), "image/svg+xml").documentElement);
      const [filter, below] = [getComputedStyle(image).filter, paper(image)];
      const best = new Map();
      for (const mark of drawings[image.src]) {
        const kind = mark.kind === "text" ? "text" : "line";
        if (kind === "line" && !(mark.kind === "line2d" || mark.kind.endsWith("Collection"))) continue;
        // White halos around text, and marks without a filling, are not seen.
        if (mark.opacity < 0.02 || luminance(rgba(mark.colour)) > 0.9) continue;
        const value = contrast(over(rgba(mark.colour, filter), below, mark.opacity), below);
        // Of the strokes of one colour, such as a curve and its grid, the strongest counts.
        const key = `${kind} ${mark.colour}`;
        const keep = kind === "text" ? Math.min : Math.max;
        best.set(key, best.has(key) ? keep(best.get(key), value) : value);
      }
      const here = image.closest("figure")?.id || image.getAttribute("src").slice(-24);
      for (const [key, value] of best)
        if (value < (key.startsWith("text") ? text : line))
          found.push(`figure ${here}: ${key} has contrast ${value.toFixed(2)} with the page`);
    }
    return found;
  };
  /** Where each image lies, and the colour of the page behind it. */
  const images = () =>
    [...document.querySelectorAll("article figure img, article .figure-from img")].filter(shown).map((image) => {
      const box = image.getBoundingClientRect();
      return {
        name: image.closest("figure")?.id || image.getAttribute("src").slice(-24),
        box: { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height },
        paper: paper(image).slice(0, 3),
      };
    });

  // Keyboard --------------------------------------------------------------------------------------------------------
  const STOPS = "a[href], button, input, select, textarea, summary, audio[controls], video[controls], [tabindex]";
  const reachable = (e) => e.tabIndex >= 0 && !e.disabled && !e.closest("[inert]");
  /** What a reader who uses the keyboard alone should be able to stop at. */
  const stops = () => [...document.querySelectorAll(STOPS)].filter((e) => reachable(e) && shown(e) && e.type !== "hidden");
  /** Does the focus show? A solid line of two pixels or more, of contrast 3 with what lies around it. */
  const marked = (element) => {
    const style = getComputedStyle(element);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return false;
    const below = paper(element.parentElement ?? element);
    return contrast(over(rgba(style.outlineColor), below), below) >= 3;
  };
  const focus = () => {
    const found = [];
    const before = [scrollX, scrollY];
    for (const element of stops()) {
      if (element.getAttribute("tabindex") > 0) found.push(`breaks the order of the Tab key: ${name(element)}`);
      element.focus({ preventScroll: true, focusVisible: true });
      if (document.activeElement !== element) found.push(`takes no focus: ${name(element)}`);
      else if (!marked(element)) found.push(`focus does not show: ${name(element)}`);
    }
    document.activeElement?.blur?.();
    scrollTo(...before);
    return found;
  };
  /** What answers to a mouse must answer to a keyboard; what scrolls must be reached by one. */
  const mouseOnly = () => {
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      const style = getComputedStyle(element);
      const hand = style.cursor === "pointer" && getComputedStyle(element.parentElement).cursor !== "pointer";
      const clicks = hand || element.hasAttribute("onclick") || element.getAttribute("role") === "button";
      const inside = element.closest(`${STOPS}, label`);
      if (clicks && shown(element) && !(inside && (inside.tagName === "LABEL" || inside.tabIndex >= 0)) && !element.querySelector(STOPS))
        found.push(`only a mouse can use it: ${name(element)}`);
    }
    return found;
  };
  let walked = new Set();
  /** One stop of a walk with the Tab key: null at the end of the page, else what is wrong with it. */
  const step = async () => {
    const moving = document.getAnimations().filter((a) => a instanceof CSSTransition);
    await Promise.all(moving.map((a) => a.finished.catch(() => null)));
    const element = document.activeElement;
    if (!element || element === document.body || walked.has(element)) return null;
    walked.add(element);
    const found = [];
    if (!marked(element)) found.push(`focus does not show: ${name(element)}`);
    const box = element.getBoundingClientRect();
    if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth)
      found.push(`the Tab key leads out of sight: ${name(element)}`);
    return found;
  };
  /** A radio group is one stop. */
  const missed = () => stops().filter((e) => !walked.has(e) && e.type !== "radio").map((e) => `the Tab key does not reach: ${name(e)}`);
  const walk = () => { walked = new Set(); scrollTo(0, 0); };

  return { unfold, overflow, mathematics, figures, images, focus, mouseOnly, walk, step, missed };
})();
