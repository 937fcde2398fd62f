# SPDX-License-Identifier: Apache-2.0
# The short names for what CMake, CTest and the scripts in tools/ do. `make help` lists them.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# What CTest and Ninja are told besides, e.g. make test CTEST_ARGS='-R unit.base'
CTEST_ARGS ?=

.DELETE_ON_ERROR:
.PHONY: all setup setup-ci configure demo run test bench format lint install clean distclean help

## make          sets up what is missing and builds build/concordance and the bank's components
all: configure
	cmake --build build -j $(JOBS)

setup:
	@tools/setup

setup-ci:
	@tools/setup --ci

configure: setup
	@cmake --preset release --log-level=NOTICE >/dev/null

## make demo     the tour: a bank account from the first deposit to kill -9 and back
demo: all
	tools/demo

## make run      the bank on 127.0.0.1:8080 until interrupted
run: all
	build/concordance run -f examples/bank/concordance.yaml --listen 127.0.0.1:8080

## make test     all tests, on the release build
test: all
	ctest --test-dir build --output-on-failure -j $(JOBS) $(CTEST_ARGS)

## make bench    the figures, beside Redis on the same machine
bench: all
	@tools/setup --bench
	python3 bench/run.py

## make format   lays out all C by .clang-format
format: setup-ci
	tools/lint fix

## make lint     format, clang-tidy, headers alone, foreign includes
lint: setup-ci
	tools/lint

## make install  into PREFIX (/usr/local)
install: all
	cmake --install build --prefix "$(PREFIX)"

## make clean    removes what was built; distclean also what was fetched
clean:
	rm -rf build out examples/bank/build

distclean: clean
	rm -rf .deps

help:
	@sed -n 's/^## //p' Makefile
