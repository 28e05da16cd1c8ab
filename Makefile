.DEFAULT_GOAL := help
.PHONY: help run test lint bench bench-quick bench-curves bench-sizes images images-test

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start TurboMessage on this machine, its data in .turbomessage
	@tests/prerequisites.sh
	cargo run --release --locked -p turbomessage-cli --bin tm -- dev --data-dir .turbomessage

test: ## Run all tests; those with containers where a Docker engine answers
	@tests/run.sh

lint: ## Check format, lints, dependencies and .proto files
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; \
		else echo 'lint: cargo-deny is not installed, dependencies were NOT checked'; fi
	@if command -v buf >/dev/null; then cd proto && buf lint; \
		else echo 'lint: buf is not installed, .proto files were NOT checked'; fi

images: ## Build the images of the three services
	@k8s/images.sh

bench: ## Measure against yardsticks and print the table of figures (hours; see bench-quick)
	@tests/bench.sh figures --out target/figures

bench-quick: ## The same in some minutes, to see that it works: such figures mean little
	@tests/bench.sh figures --quick

bench-curves: ## Measure how latency, CPU and memory go with rate, connections, watches
	@tests/bench.sh curves --out target/curves

bench-sizes: ## Measure what reading costs in mailboxes of any size
	@tests/bench.sh sizes

images-test: ## Make the Redis and Postgres images of the container tests
	@tests/containers/engine.sh
	@tests/containers/images.sh
