# Perch. "make help" lists what there is to make.

GO       ?= go
PROGRAMS := bin/perch bin/perch-ssh bin/perch-entrypoint bin/perch-ci
SCRIPTS   = $(shell git ls-files | xargs grep -slE '^\#!.*\b(ba|da)?sh\b' --)

export CGO_ENABLED = 0

.PHONY: help build demo test test-unit lint bench soak fuzz images smoke generate cosign deps image-deps clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## the four programs, into bin/
	$(GO) build -trimpath -ldflags='-s -w' -o bin/perch ./shim/cmd/perch
	$(GO) build -trimpath -ldflags='-s -w' -o bin/perch-ssh ./shim/cmd/perch-ssh
	$(GO) build -trimpath -ldflags='-s -w' -o bin/perch-entrypoint ./entrypoint
	$(GO) build -trimpath -ldflags='-s -w' -o bin/perch-ci ./ci

demo: build ## a session in a job on this machine, from submission to the end
	tests/demo/demo

test: deps build ## all tests; real HTCondor pools, containers and clients. Pictures: out/_artifacts
	@rm -rf out/_artifacts && mkdir -p out
	$(GO) test -count=1 -timeout=40m -parallel=3 -artifacts -outputdir=$(CURDIR)/out ./...

test-unit: ## the tests that need nothing but Go and ssh, in seconds
	$(GO) test -short ./entrypoint/... ./shim/... ./ci/...

lint: deps ## gofmt, go vet, staticcheck, shellcheck, actionlint, go mod tidy
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	shellcheck $(SCRIPTS)
	$(GO) tool actionlint -pyflakes= .github/workflows/*.yml

bench: deps build ## measure, and write docs/measured.md
	$(GO) run ./tests/bench

soak: deps ## ten sessions a second for half an hour, into docs/soak.md
	$(GO) run ./tests/bench -only soak

fuzz: ## each fuzz target for FUZZTIME (default 1m)
	tests/fuzz $(or $(FUZZTIME),1m)

# Those that can be built where no registry is reached.
IMAGES := debian12 debian13 minimal debian11

images: deps build ## build the environments' images, and the stand-in for those of the rpm family
	bin/perch-ci build rpm-base rpm-standin --images tests/rpm/images
	bin/perch-ci build $(IMAGES)

smoke: deps build ## try them all, in every place, and write docs/images.html
	GO='$(GO)' tests/images/smoke '$(IMAGES)' $(if $(filter file,$(origin IMAGES)),-update)

generate: build ## the catalogue of environments and the templates that come from it
	bin/perch-ci catalog

COSIGN := v3.1.3

cosign: ## cosign, which signs images, from its source into bin/; minutes the first time
	GOBIN=$(or $(COSIGN_DIR),$(CURDIR)/bin) $(GO) install -trimpath -ldflags='-s -w' github.com/sigstore/cosign/v3/cmd/cosign@$(COSIGN)

deps: ## install by apt what tests and lint need (as root), or say what to install
	@tests/deps

image-deps: ## install by apt what building and trying images needs, and no more
	@tests/deps buildah ca-certificates git mmdebstrap openssh-client runc uidmap

clean: ## remove bin/ and the pictures of tests
	rm -rf bin out/_artifacts
