# To be sourced by the tests of deploy/.
fail() { echo "deploy: FAILED: $*" >&2; exit 1; }
passed() { echo "deploy: ok: $*"; }
# skip WHY: 77, as other tests here have it.
skip() { echo "deploy: skipped: $*" >&2; exit 77; }
