# What scripts share that print rows of docs/real-node.md; to be sourced. $NOSPACE is the program.

# row WHAT NODE NOSPACE EXPECTED: sets `wrong` unless the third matches the fourth, a pattern.
row() {
    local verdict=right
    # shellcheck disable=SC2053
    [[ $3 == $4 ]] || verdict=WRONG wrong=1
    echo "| ${LAYOUT:+$LAYOUT: }$1 | $2 | $3 | $verdict |"
}

# watching_pod NAME: a pod of one container that watches three files.
watching_pod() {
    cat <<END
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  nodeName: $NODE_NAME
  containers:
  - {name: reloader, image: $image, imagePullPolicy: Never, command: [/bin/watcher, '3']}
END
}

# json EXPRESSION FILE: a Python expression of the document `d`.
json() { python3 -c "import json,sys; d = json.load(open(sys.argv[1])); print($1)" "$2"; }

# pods_of REPORT: with their containers and shims that hold instances.
pods_of() {
    json "' '.join(sorted(p['namespace'] + '/' + p['name'] + ' ' + '+'.join(sorted(c['name'] or 'shim' for c in p['containers'])) for p in d['pods']))" "$1"
}

# start_of REPORT: the verdict on the kubelet's start, and what it lacks.
start_of() { json "(lambda s: s['verdict'] + ' ' + ' '.join(u['kind'] for u in s.get('unseen', [])))(d['forecast']['kubeletStart'])" "$1"; }

# needs_of REPORT: what it says that the kubelet's start needs.
needs_of() {
    json "(lambda s: str(s['instancesNeeded']) + ' instances, ' + str(s['watchesNeeded']) + ' watches')(d['forecast']['kubeletStart'])" "$1"
}

# restarts LOG: the commands with a restart that explain gives for it.
restarts() {
    "$NOSPACE" explain -o json "$1" >"$1.out" || true
    grep -o '"command": "[^"]*restart[^"]*"' "$1.out" | cut -d'"' -f4 | sort -u | paste -sd' '
}

# kubelet_line: of a kubelet that died of watches, of now, since a line from before the boot says nothing of this node.
kubelet_line() {
    echo "E$(date '+%m%d %T').000000 1 kubelet.go:1] \"Failed to start cAdvisor\" err=\"inotify_add_watch /sys/fs/cgroup/pids: no space left on device\""
}
