# Two commands: `make lab` opens the course, `make test` runs every test.
# All work is done by kit/bootstrap.py with the Python standard library alone,
# so no other program than make and Python 3.11 or newer is needed.
PYTHON ?= python3
BOOT = $(PYTHON) -I kit/bootstrap.py

.PHONY: help lab test clean
help:
	@echo "make lab    set up .venv and open JupyterLab  (ARGS=--no-browser prints the address only)"
	@echo "make test   set up .venv and run every test   (ARGS='-k gravity' is handed to pytest)"
	@echo "make clean  remove .venv and build/"
lab:
	@$(BOOT) lab $(ARGS)
test:
	@$(BOOT) test $(ARGS)
clean:
	@$(BOOT) clean
