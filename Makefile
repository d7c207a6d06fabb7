PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: report test test-fast trials benchmark catalogue clean locked lock

report: $(INSTALLED)
	$(BIN)/promotion report

# A file goes to one worker whole, for what its tests share; tests/conftest.py puts long files first.
# Tests wait for servers and processes: on two cores a third worker has what these leave.
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m "not trial"

test-fast: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not end_to_end and not slow and not trial"

trials: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m trial
	$(BIN)/python benchmarks/calibration.py
	$(BIN)/python benchmarks/bootstrap.py
	$(BIN)/python benchmarks/batch.py

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/batch.py

# The same set, each file checked by its hash; the set is that of 64-bit Linux.
locked:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	touch $(INSTALLED)

lock:
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install uv==0.13.9
	.tools/bin/uv pip compile constraints.txt --no-deps --generate-hashes --no-annotate \
		--python-version 3.11 --python-platform linux --custom-compile-command "make lock" \
		--output-file requirements.lock

# What a template or words.py says anew stands in the catalogues, to be translated.
catalogue: $(INSTALLED)
	$(BIN)/python -m promotion.report.catalogue

clean:
	rm -rf .venv .tools .promotion

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $@
