/* What scrolls is reached by the keyboard and, where it is no code, named; what fits is no stop. */
(() => {
  const CODE = "pre, .cell_output > .output";
  const NAMED = [
    [".pst-scrollable-table-container", "Wide table"],
    ["div.math, div.math .katex-display", "Long formula"],
    [".cell_output .text_html", "Wide output"],
  ];
  // To measure what is not laid out yet (book.css) would lay it out.
  const laidOut = (part, selector) =>
    [...part.querySelectorAll(`article :is(${selector})`)].filter((e) => e.checkVisibility({ contentVisibilityAuto: true }));
  const mark = (part) => {
    for (const element of laidOut(part, CODE))
      element.tabIndex = element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight ? 0 : -1;
    for (const [selector, label] of NAMED)
      for (const element of laidOut(part, selector)) {
        const scrolls =
          element.scrollWidth > element.clientWidth && ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
        if (scrolls) {
          element.tabIndex = 0;
          element.setAttribute("role", "region");
          element.setAttribute("aria-label", label);
        } else if (element.getAttribute("aria-label") === label) {
          for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
        }
      }
  };
  addEventListener("load", () => document.fonts.ready.then(() => mark(document)));
  addEventListener("resize", () => mark(document));
  // Folded code is measured when it unfolds, a section when the reader comes near; neither event bubbles.
  document.addEventListener("toggle", ({ target }) => mark(target), true);
  document.addEventListener("click", ({ target }) => {
    const box = target.closest?.(".toggle-button, .admonition.toggle")?.closest(".admonition");
    if (box) requestAnimationFrame(() => mark(box));
  });
  for (const section of document.querySelectorAll("article > section > section"))
    section.addEventListener("contentvisibilityautostatechange", ({ skipped }) => skipped || requestAnimationFrame(() => mark(section)));
})();
