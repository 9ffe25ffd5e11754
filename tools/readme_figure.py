"""Take the README's picture from the built book: Figure 2 on white paper, into book/_static/figure-2.svg.

    python tools/readme_figure.py

A page shows its figures transparent and inverts them in dark mode; a README cannot, so the picture brings its paper.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "_build" / "html" / "chapters" / "networks" / "figure-2.html"
PICTURE = ROOT / "book" / "_static" / "figure-2.svg"


def main() -> None:
    figure = re.search(r'<figure[^>]*id="fig-two".*?</figure>', PAGE.read_text("utf8"), re.S)
    if figure is None:
        raise SystemExit(f"{PAGE.relative_to(ROOT)} has no figure fig-two: build the book first")
    source = re.search(r'<img[^>]*src="([^"]+\.svg)"', figure[0])
    assert source is not None
    svg = (PAGE.parent / source[1]).read_text("utf8")
    # The document type and the metadata name hosts.
    svg = re.sub(r"<!DOCTYPE.*?>\s*|\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    PICTURE.write_text(re.sub(r"(<svg\b[^>]*>)", rf"\1\n {paper}", svg, count=1), "utf8")


if __name__ == "__main__":
    main()
