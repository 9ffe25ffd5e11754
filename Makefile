# Two commands matter: `make book` and `make test`. Each sets up everything it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CPU wheels of torch: make env TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PORT ?= 8000

# The real Node comes first on the PATH (the wheel's own launcher leaves a Node behind after each build).
export PATH := $(CURDIR)/$(VENV)/node:$(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help env book student instructor serve check-site lighthouse lab test lint format notebooks pdf release experiments \
	reproduce bench lock clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(VENV)/.installed ## make .venv with everything in requirements.txt

$(VENV)/.installed: requirements.txt pyproject.toml tools/install.sh
	PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" bash tools/install.sh

book: env ## execute what has changed, build the book, check it
	$(BIN)/python tools/build.py

student: env ## the edition without solutions, from the built book: _build/student
	$(BIN)/python tools/editions.py student

instructor: env ## the edition with solutions open and marking notes: _build/instructor
	$(BIN)/python tools/editions.py instructor

serve: env ## show the built book on 127.0.0.1 (PORT=8000)
	@test -f _build/html/index.html || { echo "Nothing to show yet: run make book first." >&2; exit 1; }
	@echo "http://127.0.0.1:$(PORT)/  (Ctrl-C stops)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

check-site: env ## open every built page in a browser: access, layout, figures, search
	$(BIN)/python tools/check_browser.py

lighthouse: env ## measure a few built pages with Lighthouse; the book shows the table
	$(BIN)/python tools/lighthouse.py

lab: env ## run every chapter in JupyterLab, in Binder's environment (an hour); the book shows the table
	$(BIN)/python tools/try_lab.py

test: env ## run the tests
	$(BIN)/python -m pytest

lint: env ## errors, layout, types, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell

format: env ## put the code into the layout that lint asks for
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

notebooks: env ## write each chapter's .ipynb anew from its .md
	$(BIN)/python tools/notebooks.py

pdf: book ## print the book, by way of LaTeX, into _build/pdf
	$(BIN)/python tools/pdf.py

release: book ## write what readers download into _build/release (PDF=no leaves the PDF out)
	$(BIN)/python tools/release.py $(if $(filter no,$(PDF)),--without-pdf)

experiments: env ## run every stored result that is missing or stale (hours, if all are)
	$(BIN)/python -m rmt_helpers.experiments run

reproduce: env ## repeat stored runs and keep what came out again (ALL=yes repeats every one: an hour or more)
	$(BIN)/python -m rmt_helpers.experiments reproduce $(if $(filter yes,$(ALL)),--all)

bench: env ## measure speed; the book shows the table
	@mkdir -p .benchmarks
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest benchmarks \
		-W default --benchmark-timer=time.process_time --benchmark-json=.benchmarks/run.json
	$(BIN)/python benchmarks/report.py .benchmarks/run.json results/benchmarks.json

lock: env ## compile requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra dev --no-emit-index-url --no-header -q -o requirements.txt pyproject.toml

clean: ## remove what builds and tests left, the executed chapters too
	rm -rf _build .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache

distclean: clean ## remove the environment and downloads as well
	rm -rf .venv .cache rmt_helpers.egg-info
