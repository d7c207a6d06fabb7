PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: report test test-fast trials benchmark clean

report: $(INSTALLED)
	$(BIN)/promotion report

# The files of one folder share what takes long to make, so that a worker takes a folder whole.
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

test-fast: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 -m "not end_to_end and not slow"

trials: $(INSTALLED)
	$(BIN)/python benchmarks/calibration.py
	$(BIN)/python benchmarks/bootstrap.py
	$(BIN)/python benchmarks/batch.py

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/batch.py

clean:
	rm -rf .venv .promotion

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $@
