#!/bin/bash
# The documentation's site: it builds, every page of docs/ is in it, every link leads somewhere, search finds things; and every command of the
# tutorials runs and prints what they say.
#
#   tests/site/run.sh [NOSPACE]     default: target/debug/nospace, built first
set -euo pipefail
cd "$(dirname "$0")/../.."
nospace=${1:-target/debug/nospace}
scripts/prepare deploy
[ $# -gt 0 ] || cargo build --quiet -p nospace
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts/site "$work/site" >/dev/null
mkdir "$work/bin"
ln -s "$(realpath "$nospace")" "$work/bin/nospace"
PATH=$work/bin:$PATH python3 tests/site/check.py "$work/site"
