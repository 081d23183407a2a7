# What a developer does here. `make` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# More arguments for `make run`, for example: make run ARGS='--listen 127.0.0.1:9000'
ARGS ?=

DENY_VERSION := 0.20.2
CYCLONEDX_VERSION := 0.5.9
CYCLONEDX := .tools/bin/cargo-cyclonedx
DENY := $(shell command -v cargo-deny || echo .tools/bin/cargo-deny)

WEB_MODULES := web/node_modules/.package-lock.json
WEB_PAGE := web/dist/index.html
CLIENT_MODULES := sdk/node_modules/.package-lock.json
SDK_JS := tests/sdk/js/node_modules/.package-lock.json
SDK_APP := tests/sdk/app/node_modules/.package-lock.json
SDK_PYTHON := .tools/venv/ready
SDK_GO := .tools/sdk-go
SDK_JAVA := .tools/sdk-java/ready
CLIENT_GO := .tools/clients/go
CLIENT_JVM := .tools/clients/ready
AXE := tests/axe/node_modules/.package-lock.json
README_JS := tests/readme/node_modules/.package-lock.json
OPENAPI_LINT := tests/openapi/node_modules/.package-lock.json
OPENAPI_TOOLS := .tools/openapi/ready
SPRING := .tools/spring/ready
DEPLOY_TOOLS := .tools/deploy/ready
DEPLOY_JS := tests/deploy/node_modules/.package-lock.json
COMPOSE_SPEC := github.com/compose-spec/compose-go/v2@v2.16.2

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: export HUBBUB_API_KEY_FILE ?= .dev/api-key
run: export HUBBUB_TOKEN_SECRET_FILE ?= .dev/token-secret
run: need-rust web .dev/api-key .dev/token-secret ## start a server for trying out: SQLite, no Redis, people ana and ben, a room "general"
	@echo "Building: minutes the first time, then seconds. The server says which two windows to open once it serves."
	cargo run --profile quick -p hubbub --no-default-features -- serve --dev $(ARGS)

.PHONY: desk
desk: export HUBBUB_API_KEY_FILE ?= .dev/api-key
desk: .dev/api-key ## an agent's desk beside `make run`, in a second terminal
	@test -x target/quick/hubbub || { echo "target/quick/hubbub is missing: \`make run\` builds it" >&2; exit 1; }
	target/quick/hubbub demo-portal $(ARGS)

# Kept, so that both terminals have the same key, and tokens are good after a restart. For nobody else to read.
.dev/api-key .dev/token-secret:
	@umask 077 && mkdir -p .dev && head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >$@

# The suites on the other stores and buses, and the stories, are `make test`.
.PHONY: check
check: need-rust ## formatting, clippy, unit tests, tidy, simulation, suites on SQLite and in one process: needs Rust alone
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test -q -p hubbub-core -p hubbub --lib --bins --test tidy --test simulation --test conformance --no-run
	cargo test -q -p hubbub-core -p hubbub --lib --bins --test tidy --test simulation
	cargo test -q -p hubbub --test conformance -- sqlite on_one_process an_instance_alone a_file_that_is_no_database

.PHONY: test
test: need-rust services web sdk client $(DEPLOY_TOOLS) $(DEPLOY_JS) ## everything that must pass before a change goes in (lint is separate)
	cd web && npm test --silent
	cd sdk && npm test --silent
	@# Stories wait more than they compute, so four run side by side on two cores. The others keep a core busy each.
	cargo test --workspace --lib --bins --test conformance --test fold --test history --test moving --test payloads --test simulation --test tidy
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} cargo test --workspace --test stories
	tests/services/run.sh
	@# Modules are compiled when they are first used, and kept: cfn-lint alone would compile for six seconds each time.
	cd tests/deploy && PYTHONDONTWRITEBYTECODE= $(CURDIR)/.tools/deploy/bin/python -m unittest
	scripts/picture --check
	node tests/readme/run.js target/debug/hubbub
	node tests/readme/sdk.js target/debug/hubbub
	HUBBUB_PROGRAM=target/debug/hubbub node --test tests/page/*.test.js
	HUBBUB_PROGRAM=target/debug/hubbub node --test tests/sdk/browser.test.js
	HUBBUB_PROGRAM=target/debug/hubbub node --test tests/cluster/side-by-side.test.js
	HUBBUB_PROGRAM=target/debug/hubbub node --test tests/clients/*.test.js
	scripts/first-message --program target/debug/hubbub

.PHONY: test-long
test-long: export HUBBUB_LONG = 1
test-long: long-services $(SDK_JAVA) $(CLIENT_GO) $(CLIENT_JVM) $(OPENAPI_TOOLS) $(SPRING) test ## the same with the long stories, more random cases, and what is behind a feature
	@# As `make run` builds it, and with what only the form without `otel` has, which `make lint` does not see.
	cargo clippy -p hubbub --no-default-features -- -D warnings
	promtool check rules deploy/prometheus/hubbub.rules.yml
	promtool check rules <(node tests/prometheus/board.mjs)
	promtool test rules tests/prometheus/rules.yml
	scripts/go tests/grafana test .
	cargo test -p hubbub --features otel --test traces
	HUBBUB_PROGRAM=target/debug/hubbub examples/spring/test
	@# What stores do, behind a pooler that spreads transactions.
	HUBBUB_POOLED=1 cargo test -p hubbub --test conformance -- store:: portals::

# What only the long tests start.
.PHONY: long-services
long-services:
	scripts/install-services promtool mariadb

.PHONY: rolling-restart
rolling-restart: export HUBBUB_LONG = 1
rolling-restart: need-rust services ## three instances under load, from the first version to this one and back, with a plot
	cargo test -p hubbub --test stories rolling_restart -- --nocapture

.PHONY: release
release: export HUBBUB_COMMIT ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# Paths of the machine that builds say nothing, and would make the program another on each.
release: export RUSTFLAGS ?= --remap-path-prefix=$(CURDIR)=hubbub --remap-path-prefix=$(HOME)/.cargo=cargo
# So apart from other builds, which have other flags.
release: export CARGO_TARGET_DIR ?= target/packaged
release: need-rust web $(CYCLONEDX) ## archive, Debian package, symbols, lists of parts and sums in target/release/dist; the program alone in …/dist/hubbub
	cargo build --release --locked -p hubbub
	mkdir -p target/release/dist
	objcopy --only-keep-debug $(CARGO_TARGET_DIR)/release/hubbub target/release/dist/hubbub.debug
	cd target/release/dist && objcopy --strip-all --add-gnu-debuglink=hubbub.debug $(abspath $(CARGO_TARGET_DIR))/release/hubbub hubbub
	$(CYCLONEDX) cyclonedx --manifest-path crates/hubbub/Cargo.toml --format json --override-filename hubbub-parts
	mv crates/hubbub/hubbub-parts.json target/release/dist/hubbub.cdx.json
	@# It writes one for each crate of the workspace.
	rm -f crates/*/hubbub-parts.json
	cd web && npm sbom --omit dev --sbom-format cyclonedx >../target/release/dist/page.cdx.json
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} scripts/parts $(CURDIR) target/release/dist/*.cdx.json
	scripts/package --symbols target/release/dist/hubbub.debug

.PHONY: cluster
cluster: need-rust need-node web ## three instances behind nginx, two people on two of them, and a button that kills one; Ctrl-C ends all of it
	scripts/install-services redis postgres nginx curl
	cargo build --release -p hubbub
	scripts/cluster

.PHONY: lint
lint: need-rust $(WEB_MODULES) $(CLIENT_MODULES) $(DENY) ## formatting, clippy, licences and sources of dependencies, types of the page and of the SDK
	cargo fmt --all --check
	@# With the feature `otel`: one pass over nearly everything. The five lines that it takes away are for `make test-long`.
	cargo clippy --workspace --all-targets --features hubbub/otel -- -D warnings
	@# Advisories come from a database that has to be fetched, which a build must not depend on: see `make advisories`.
	$(DENY) --locked check licenses bans sources
	cd web && npm run --silent lint
	cd sdk && npm run --silent lint

.PHONY: advisories
advisories: $(DENY) ## known vulnerabilities of dependencies (needs the network)
	$(DENY) --locked check advisories

.PHONY: breakages
breakages: need-rust services web sdk ## break the code on purpose and see the tests notice
	scripts/breakages

.PHONY: bench-smoke
bench-smoke: need-rust services ## memory, deliveries and durable sends beside bare loops, in about a minute
	cargo build --release -p hubbub -p hubbub-bench
	target/release/hubbub-bench smoke

.PHONY: bench-rooms
bench-rooms: need-rust services ## 2,000 rooms with one reader each, over Redis; ARGS='--beside FILE' compares with another program
	cargo build --release -p hubbub -p hubbub-bench
	target/release/hubbub-bench rooms $(ARGS)

.PHONY: bench-watching
bench-watching: need-rust services ## 10,000 users in 500 rooms each who are told of all of them, in about five minutes
	cargo build --release -p hubbub -p hubbub-bench
	target/release/hubbub-bench watching $(ARGS)

.PHONY: bench-portals
bench-portals: need-rust services ## webhooks to and from a portal beside the same HTTP and inserts, in about a minute
	cargo build --release -p hubbub -p hubbub-bench
	target/release/hubbub-bench portals

.PHONY: bench-history
bench-history: need-rust services ## ten million messages and pages of them: plans, rows, times; minutes; ARGS='--store sqlite'
	cargo build --release -p hubbub -p hubbub-bench
	target/release/hubbub-bench history $(ARGS)

.PHONY: bench-page
bench-page: need-rust services web ## the page under 50 messages a second on a slow CPU, beside a bare page; minutes; ARGS='--help'
	cargo build --release -p hubbub
	scripts/page-figures --program target/release/hubbub $(ARGS)

.PHONY: storm
storm: need-rust services ## 15,000 clients lose their instance at once and come back: what it takes, and whom it delays; minutes
	cargo build --release -p hubbub -p hubbub-bench
	target/release/hubbub-bench storm

.PHONY: web
web: $(WEB_PAGE) ## build the page into web/dist, from where the server takes it

.PHONY: client
client: $(CLIENT_MODULES) ## build our own SDK into sdk/dist
	cd sdk && npm run --silent build

.PHONY: sdk
sdk: $(SDK_JS) $(SDK_APP) $(README_JS) $(CLIENT_MODULES) $(SDK_PYTHON) $(SDK_GO) $(OPENAPI_LINT) $(AXE) ## install the SDKs that the stories drive, what runs the READMEs, reads the OpenAPI document and looks at pages

.PHONY: services
services: ## install Redis, Postgres, NATS, Kafka, nginx, HAProxy, Go, Chromium, buildah and Python's venv where they are missing
	@scripts/install-services

.PHONY: fmt
fmt: need-rust ## format the Rust code
	cargo fmt --all

$(WEB_PAGE): $(WEB_MODULES) $(shell find web/src web/public web/reference sdk/src -type f) web/index.html web/vite.config.ts web/tsconfig.json
	cd web && npm run --silent build
	@touch $@

# npm leaves this file behind, so that packages are installed again only when the lock has changed.
%/node_modules/.package-lock.json: %/package-lock.json | need-node
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(SDK_PYTHON): tests/sdk/python/requirements.txt | services
	python3 -m venv --clear .tools/venv
	.tools/venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(SDK_GO): $(wildcard tests/sdk/go/*) scripts/go | services
	scripts/go tests/sdk/go vet .
	scripts/go tests/sdk/go build -o $(CURDIR)/$@ .
	@touch $@

# What reads the files of deploy/. The schema of Compose files is in the module of Go that reads them; nothing of it is compiled.
$(DEPLOY_TOOLS): tests/deploy/requirements.txt | services
	python3 -m venv --clear .tools/deploy
	.tools/deploy/bin/pip install --quiet --disable-pip-version-check --no-compile -r $<
	cp "$$(cd / && go mod download -json $(COMPOSE_SPEC) | sed -n 's/^.*"Dir": "\(.*\)".*/\1/p')/schema/compose-spec.json" .tools/deploy/
	@touch $@

# A JDK and Maven are for the long tests alone.
$(SDK_JAVA): tests/sdk/java/pom.xml $(wildcard tests/sdk/java/src/main/java/*)
	scripts/install-services --java
	mvn --quiet --batch-mode -f tests/sdk/java/pom.xml compile
	@touch $@

# The examples of clients that are compiled, for the long tests alone: beside the SDKs that are there already.
$(CLIENT_GO): $(wildcard examples/clients/go/*) scripts/go | services
	@mkdir -p $(@D)
	scripts/go examples/clients/go vet .
	scripts/go examples/clients/go build -o $(CURDIR)/$@ .

$(CLIENT_JVM): $(SDK_JAVA) tests/clients/kotlin/pom.xml examples/clients/java/Chat.java examples/clients/kotlin/Chat.kt
	rm -rf .tools/clients/java .tools/clients/kotlin
	javac --release 17 -Xlint:all,-path,-processing -proc:none -Werror -d .tools/clients/java -cp '.tools/sdk-java/lib/*' examples/clients/java/Chat.java
	mvn --quiet --batch-mode -f tests/clients/kotlin/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.tools/clients/kotlinc
	java -cp '.tools/clients/kotlinc/*' org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -Werror \
		-cp "$$(echo .tools/clients/kotlinc/kotlin-stdlib-2*.jar .tools/sdk-java/lib/{centrifuge-java,gson}-*.jar | tr ' ' :)" \
		-d .tools/clients/kotlin examples/clients/kotlin/Chat.kt
	@touch $@

# For the long tests alone.
$(OPENAPI_TOOLS): tests/openapi/generator/pom.xml tests/openapi/requirements.txt | services
	scripts/install-services --java
	mvn --quiet --batch-mode -f tests/openapi/generator/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.tools/openapi
	python3 -m venv --clear .tools/openapi/venv
	.tools/openapi/venv/bin/pip install --quiet --disable-pip-version-check -r tests/openapi/requirements.txt
	@touch $@

# What the Spring sample is built of, for the long tests alone.
$(SPRING): examples/spring/pom.xml
	scripts/install-services --java redis postgres
	mvn --quiet --batch-mode -f $< dependency:resolve-plugins dependency:resolve
	@mkdir -p $(@D) && touch $@

# Takes some minutes, once.
.tools/bin/cargo-deny:
	cargo install --root .tools cargo-deny --locked --version $(DENY_VERSION)

.tools/bin/cargo-cyclonedx:
	@# It runs for a second or two, so it is not optimised: that takes longer than it would ever save.
	cargo install --debug --root .tools cargo-cyclonedx --locked --version $(CYCLONEDX_VERSION)

.PHONY: need-rust
need-rust:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust as rustup.rs says" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler (cc) is missing: apt-get install build-essential, or xcode-select --install" >&2; exit 1; }

.PHONY: need-node
need-node:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "node and npm are missing: install Node.js 20.19 or newer, as nodejs.org says" >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
		|| { echo "Node.js $$(node --version) is too old: the page is built with 20.19 or newer" >&2; exit 1; }
