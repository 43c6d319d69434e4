# To be sourced by the tests of deploy/.
fail() { echo "deploy: FAILED: $*" >&2; exit 1; }
passed() { echo "deploy: ok: $*"; }
# skip WHY: exits with 77, like the other tests here.
skip() { echo "deploy: skipped: $*" >&2; exit 77; }
