#!/usr/bin/env bash
# KaTeX's style sheet and fonts, of the version that renders the book's mathematics, into .cache/site/vendor/katex.
# They come from the package registry through the npm of the nodejs wheel. Does nothing where they already lie.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -nE "s/^katex_version = '(.*)'$/\1/p" .venv/lib/python3.*/site-packages/sphinxcontrib/katex.py)
target=.cache/site/vendor/katex
[ "$(cat "$target/VERSION" 2>/dev/null)" = "$version" ] && exit

mkdir -p "$(dirname "$target")"
new=$(mktemp -d .cache/katex.XXXXXX)
trap 'rm -rf "$new"' EXIT
(cd "$new" && ../../.venv/bin/npm pack --silent "katex@$version" >/dev/null && tar -xzf katex-*.tgz)
mkdir -p "$new/katex/fonts"
# Every browser of the last ten years takes woff2; the other formats stay out, of the folder and of the style sheet.
sed -E 's/,url\([^)]*\) format\("(woff|truetype)"\)//g' "$new/package/dist/katex.min.css" >"$new/katex/katex.min.css"
cp "$new"/package/dist/fonts/*.woff2 "$new/katex/fonts/"
cp "$new/package/LICENSE" "$new/katex/"
echo "$version" >"$new/katex/VERSION"
rm -rf "$target"
mv "$new/katex" "$target"
