# A web server for the tests of a release, to be sourced.

# serve DIRECTORY LOG: serves it on this machine alone; sets $server, to be killed at the end, and $port.
serve() {
    python3 -m http.server --bind 127.0.0.1 --directory "$1" 0 >"$2" 2>&1 &
    server=$!
    for _ in $(seq 50); do grep -q 'port [0-9]' "$2" && break; sleep 0.1; done
    port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$2")
    [ -n "$port" ] || fail "no web server: $(cat "$2")"
}
