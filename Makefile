# Everything starts from a bare machine with a Swift 6.2 toolchain; each target does its own set-up.
.DEFAULT_GOAL := help
.PHONY: help demo compare test test-benchmarks check-onnx check-serve check-package build serve package setup install bench fuzz goldens docs lint format clean

SWIFT ?= swift
PREFIX ?= $(HOME)/.local
RUNS ?= 20000
# Package traits that are built in, such as Serve. A trait changes every module, so that products with and
# without it are kept apart: make test and make build in .build, make serve in .build-serve.
TRAITS ?=
TRAIT_FLAGS = $(if $(TRAITS),--traits $(TRAITS))
SERVE = --traits Serve --scratch-path .build-serve
# Where make docs builds, with the server, and the path at which its site will be served.
DOCS_BUILD ?= .build-serve
DOCS_BASE ?= /
SWIFT_FILES = Sources Tests Package.swift Fuzz/Sources Fuzz/Package.swift \
	Benchmarks/Sources Benchmarks/Tests Benchmarks/Package.swift

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: build ## Pre-train on Fashion-MNIST, fine-tune with few labels (about 11 minutes on two cores)
	@scripts/demo

compare: build ## Every protocol of the paper on Fashion-MNIST, in one report (within an hour)
	@scripts/compare

test: setup ## Build and run all tests (about 10 minutes the first time)
	@echo "Building and running the tests"
	$(SWIFT) build --build-tests $(TRAIT_FLAGS)
	@scripts/test $(SWIFT) test --skip-build $(TRAIT_FLAGS)

test-benchmarks: ## Build the package of benchmarks and test its harness (two minutes the first time)
	$(SWIFT) test --package-path Benchmarks --scratch-path .build-benchmarks

check-onnx: ## Run exported models with onnxruntime, where pip can get it
	@scripts/check-onnx

build: setup ## Build the program: .build/release/mae
	@echo "Building mae (two to four minutes the first time)"
	@$(SWIFT) build -c release --product mae

serve: setup ## Build the program with its server: .build-serve/release/mae
	@echo "Building mae with its server (four to eight minutes the first time)"
	@$(SWIFT) build -c release $(SERVE) --product mae

check-serve: serve ## Use and abuse the server: its page in Chromium, wrk, broken clients, schemathesis
	@scripts/check-serve page
	@scripts/check-serve load

package: ## Make a .deb and a tar.gz that need no toolchain, in .package (ten to twenty minutes the first time)
	@scripts/package

check-package: ## Install and use both packages in a bare Debian made by debootstrap (root)
	@scripts/check-package

setup: ## Fetch libtorch and compile the bridge to it
	@scripts/bootstrap

install: serve ## Install mae with its server, and its bridge, under PREFIX (~/.local)
	install -d $(PREFIX)/bin $(PREFIX)/lib/swift-mae
	install .build-serve/release/mae $(PREFIX)/bin/mae
	install .torch/libCTorch.* $(PREFIX)/lib/swift-mae/

bench: build ## Compare speed with published peers, in turn (makes a Python environment the first time)
	@Benchmarks/run

fuzz: setup ## Feed mutated files to every reader of files (minutes; RUNS=20000 each)
	@Fuzz/run --runs $(RUNS)

goldens: ## Make the golden files again from published packages (needs Python)
	@scripts/goldens/make

docs: setup ## Build the documentation, a static site: .build-docs/site (a debug build the first time)
	@echo "Building mae for its symbols and its help (ten minutes the first time on two cores)"
	@$(SWIFT) build --traits Serve --scratch-path $(DOCS_BUILD) --product mae
	@scripts/docs --build $(DOCS_BUILD)/debug --out .build-docs/site --base $(DOCS_BASE)

lint: ## Check the format, and the links between pages
	$(SWIFT) format lint --strict --recursive $(SWIFT_FILES)
	@scripts/check-links

format: ## Apply the format
	$(SWIFT) format --in-place --recursive $(SWIFT_FILES)

clean: ## Remove what builds made; libtorch stays under .torch
	rm -rf .build .build-* .package
