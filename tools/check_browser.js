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
  /** Load, lay out and draw what waits until a reader comes near, so that the other checks see all of the page; and let
      nothing move by and by, so that they see where it ends. */
  const unfold = async () => {
    const style = document.createElement("style");
    style.textContent = `* { content-visibility: visible !important }
      *, ::before, ::after { transition: none !important; scroll-behavior: auto !important }`;
    document.head.append(style);
    const waiting = [...document.querySelectorAll("img[loading=lazy]")];
    const settled = (image) => new Promise((done) => image.complete ? done() : (image.onload = image.onerror = () => done()));
    for (const image of waiting) image.loading = "eager";
    await Promise.all(waiting.map(settled));
    for (const picture of pictures()) {
      picture.scrollIntoView({ block: "center" });
      for (let frames = 0; frames < 120 && !picture.querySelector(SHAPES); frames++) await new Promise(requestAnimationFrame);
    }
    scrollTo(0, 0);
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
  const SHAPES = "path, circle, rect, text";
  /** Pictures that a script draws, and the map of the chapters. KaTeX's strokes are letters. */
  const pictures = () => [...document.querySelectorAll("article svg[role]")].filter(shown);
  /** Every mark of a drawing by Matplotlib: its kind and, with what they inherit, the colours and opacities that paint it. */
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
      const here = /^(text|line2d|patch|background|\w*Collection|axes|figure)$/.test(id) ? [...group, id] : group;
      if (["path", "use", "text"].includes(element.tagName)) {
        const kind = here.includes("text") ? "text" : here.at(-1) ?? "";
        // A band between two curves is background to them, and so is an area that the figure calls so (its gid).
        const filled = !/FillBetween|background/.test(kind);
        const paints = [...(filled ? ["fill"] : []), "stroke"]
          .filter((paint) => style[paint] && style[paint] !== "none" && !style[paint].startsWith("url"))
          .map((paint) => [style[paint], Number(style.opacity) * Number(style[`${paint}-opacity`] ?? 1)]);
        found.push({ kind, paints });
      }
      for (const child of element.children) visit(child, style, here);
    };
    visit(svg, { fill: "#000", opacity: "1" }, []);
    return found;
  };
  /** The same of a picture in the page itself; there the style sheets say how a mark is painted. */
  const drawn = (svg) =>
    [...svg.querySelectorAll(SHAPES)].filter((e) => !e.closest("defs, .background") && shown(e)).map((element) => {
      const style = getComputedStyle(element);
      let opacity = 1;
      for (let e = element; e !== svg.parentElement; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
      const paints = ["fill", "stroke"].filter((paint) => style[paint] !== "none" && (paint === "fill" || parseFloat(style.strokeWidth) > 0));
      return {
        kind: element.tagName === "text" ? "text" : "mark",
        paints: paints.map((paint) => [style[paint], opacity * Number(style[`${paint}Opacity`])]),
      };
    });
  /** Colours that stand out too little: of text each that paints it, of a mark the strongest, its filling or its outline. */
  const faint = (marks, limits, below, filter) => {
    const found = new Map();
    for (const { kind, paints } of marks) {
      if (!/^(text|line2d|patch|mark|\w*Collection)$/.test(kind)) continue;
      const sort = kind === "text" ? "text" : /patch|mark/.test(kind) ? "mark" : "line";
      const values = paints
        // A figure's white halos around text, and marks without a filling, are not seen.
        .filter(([colour, opacity]) => opacity >= 0.02 && !(filter && luminance(rgba(colour)) === 1))
        .map(([colour, opacity]) => [contrast(over(rgba(colour, filter), below, opacity), below), colour, opacity])
        .sort((one, other) => other[0] - one[0]);
      for (const [value, colour, opacity] of sort === "text" ? values : values.slice(0, 1))
        if (value < limits[sort === "text" ? "text" : "mark"])
          found.set(`${sort} ${colour}${opacity < 1 ? ` at opacity ${opacity.toFixed(2)}` : ""}`, value);
    }
    return [...found].map(([key, value]) => `${key} has contrast ${value.toFixed(2)} with the page`);
  };
  const drawings = {};
  /** The drawing that an image shows. */
  const drawing = async (image) => {
    drawings[image.src] ??= new DOMParser().parseFromString(await (await fetch(image.src)).text(), "image/svg+xml").documentElement;
    return drawings[image.src];
  };
  /** Contrast with the page behind it, in the present mode, of the text and of every mark of every drawing. */
  const figures = async (limits) => {
    const found = [];
    for (const picture of pictures()) {
      const here = picture.querySelector("title")?.textContent.slice(0, 30) || picture.getAttribute("aria-label").slice(0, 30);
      const marks = drawn(picture);
      if (!marks.length) found.push(`picture ${here} stays empty`);
      found.push(...faint(marks, limits, paper(picture)).map((line) => `picture ${here}: ${line}`));
    }
    for (const image of document.querySelectorAll("article img")) {
      if (!image.complete || image.naturalWidth === 0) {
        found.push(`image ${image.getAttribute("src")} did not load`);
        continue;
      }
      if (!image.src.endsWith(".svg") || !shown(image)) continue;
      const here = image.closest("figure")?.id || image.getAttribute("src").slice(-24);
      const lines = faint(marks(await drawing(image)), limits, paper(image), getComputedStyle(image).filter);
      found.push(...lines.map((line) => `figure ${here}: ${line}`));
    }
    return found;
  };
  /** Drawings with letters smaller than `limit` pixels of the screen, indices apart. */
  const smallText = async (limit) => {
    const found = [];
    const report = (what, sizes) => {
      const least = Math.min(...sizes);
      if (least < limit) found.push(`${what}: letters of ${least.toFixed(1)} px in a window of ${innerWidth}`);
    };
    for (const picture of pictures()) {
      const here = picture.querySelector("title")?.textContent.slice(0, 30) || picture.getAttribute("aria-label").slice(0, 30);
      const texts = [...picture.querySelectorAll("text")].filter(shown);
      report(`picture ${here}`, texts.map((e) => parseFloat(getComputedStyle(e).fontSize) * Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b)));
    }
    for (const image of document.querySelectorAll("article img")) {
      if (!image.src.endsWith(".svg") || !image.naturalWidth || !shown(image)) continue;
      const svg = await drawing(image);
      const pixels = image.getBoundingClientRect().width / Number(svg.getAttribute("viewBox")?.split(" ")[2]);
      // Matplotlib draws a letter 100 units high and scales it to its size.
      const scales = [...svg.querySelectorAll('[id^="text_"] > g')].map((e) => /scale\(([\d.]+)/.exec(e.getAttribute("transform"))?.[1]);
      report(`figure ${image.closest("figure")?.id || image.getAttribute("src").slice(-24)}`, scales.filter(Boolean).map((scale) => 100 * scale * pixels));
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
  /** Can the words of a focused element be read? Some, such as those of the skip link, show only then. */
  const words = (element) => {
    const found = [];
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const parent = texts.currentNode.parentElement;
      if (!texts.currentNode.textContent.trim() || !shown(parent) || parent.closest("svg, .katex-mathml, .visually-hidden")) continue;
      const style = getComputedStyle(parent), below = paper(parent), size = parseFloat(style.fontSize);
      const value = contrast(over(rgba(style.color), below), below);
      if (value < (size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5))
        found.push(`words of contrast ${value.toFixed(2)} where the focus is: ${name(element)}`);
    }
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
  let ended = false;
  let nowhere = 0;
  let stumbles = [];
  /** Look at where the focus is just before the Tab key leads on. */
  const step = () => {
    const element = document.activeElement ?? document.body;
    if (ended) return;
    // The page itself has the focus before the first stop, after the last, and where a script has hidden what had it
    // (the contents beside the text open and close as the page moves): the next press goes on from there.
    nowhere = element === document.body ? nowhere + 1 : 0;
    ended = walked.size > 0 && (nowhere > 2 || walked.has(element));
    if (ended || nowhere > 0) return;
    walked.add(element);
    if (!marked(element)) stumbles.push(`focus does not show: ${name(element)}`);
    const box = element.getBoundingClientRect();
    if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth)
      stumbles.push(`the Tab key leads out of sight: ${name(element)}`);
    stumbles.push(...words(element));
  };
  const walk = () => {
    scrollTo(0, 0);
    addEventListener("keydown", (event) => event.key === "Tab" && step(), true);
  };
  /** What the walk met with and what it did not come to, once it has ended. A radio group is one stop. */
  const met = () => {
    if (!ended) return null;
    const missed = stops().filter((e) => !walked.has(e) && e.type !== "radio");
    const first = stops().filter((e) => e.getAttribute("tabindex") > 0);
    return [
      ...stumbles,
      ...missed.map((e) => `the Tab key does not reach: ${name(e)}`),
      ...first.map((e) => `breaks the order of the Tab key: ${name(e)}`),
    ];
  };

  return { unfold, overflow, mathematics, figures, smallText, images, mouseOnly, walk, met };
})();
