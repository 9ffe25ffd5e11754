// Shows a term's definition beside the term: on hover, on keyboard focus, and on the first tap where there is no hover.
// It goes on Escape, stays while the pointer is on it, and never moves the page.
(() => {
  const LINK = 'a[aria-describedby^="tip-"]';
  let link = null;
  let tip = null;
  let leaving = 0;
  let pointer = "mouse";

  function hide() {
    clearTimeout(leaving);
    if (tip) tip.hidden = true;
    link = tip = null;
  }

  function show(target) {
    clearTimeout(leaving);
    if (target === link) return;
    hide();
    tip = document.getElementById(target.getAttribute("aria-describedby"));
    if (!tip) return;
    link = target;
    document.body.append(tip);
    tip.hidden = false;
    // A term may break over two lines: its first box is where the eye is.
    const at = target.getClientRects()[0];
    const size = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth;
    const below = at.bottom + size.height + 12 < window.innerHeight || at.top < size.height + 12;
    tip.style.left = `${window.scrollX + Math.max(8, Math.min(at.left, room - size.width - 8))}px`;
    tip.style.top = `${window.scrollY + (below ? at.bottom + 6 : at.top - size.height - 6)}px`;
  }

  const on = (event, act) => document.addEventListener(event, act);
  const found = (event, selector) => event.target instanceof Element && event.target.closest(selector);

  on("pointerdown", (event) => {
    pointer = event.pointerType;
    if (!found(event, `${LINK}, .term-tip`)) hide();
  });
  on("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const target = found(event, LINK);
    if (target) show(target);
    else if (found(event, ".term-tip")) clearTimeout(leaving);
  });
  on("pointerout", (event) => {
    if (event.pointerType === "touch" || !found(event, `${LINK}, .term-tip`)) return;
    clearTimeout(leaving);
    leaving = setTimeout(hide, 200);
  });
  on("focusin", (event) => {
    const target = found(event, LINK);
    if (target && target.matches(":focus-visible")) show(target);
    else if (link) hide();
  });
  on("focusout", hide);
  on("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  on("click", (event) => {
    const target = found(event, LINK);
    if (target && pointer === "touch" && target !== link) {
      event.preventDefault();
      show(target);
    }
  });
})();
