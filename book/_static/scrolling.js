/* What scrolls sideways is reached by the keyboard and named; what fits is no stop. */
(() => {
  const kinds = [
    [".pst-scrollable-table-container", "Wide table"],
    ["div.math, div.math .katex-display", "Long formula"],
    [".cell_output .text_html", "Wide output"],
  ];
  const mark = () => {
    for (const [selector, label] of kinds)
      for (const element of document.querySelectorAll(`article :is(${selector})`)) {
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
  addEventListener("load", () => document.fonts.ready.then(mark));
  addEventListener("resize", mark);
})();
