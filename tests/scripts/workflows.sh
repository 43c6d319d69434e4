#!/bin/bash
# actionlint on .github/workflows.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/prepare test
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck= -pyflakes=
echo "workflows: ok"
