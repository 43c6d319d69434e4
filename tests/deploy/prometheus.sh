# Debian's Prometheus with deploy/prometheus, and a load for it to monitor; to be sourced. $work is a directory.

prometheus=127.0.0.1:19090

# start_prometheus TARGET NODE: with the real rules, except for shorter `for:` times and scrape intervals of a second.
start_prometheus() {
    sed -E 's/for: [0-9]+m$/for: 2s/' deploy/prometheus/nospace.rules.yaml >$work/nospace.rules.yaml
    {
        printf 'global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [nospace.rules.yaml]\n'
        sed -e "s/kubernetes_sd_configs: .*/static_configs: [{targets: ['$1']}]/" \
            -e '/__meta_kubernetes_pod_label\|port_name/d' -e "s/source_labels: \[__meta_kubernetes_pod_node_name\], /replacement: $2, /" \
            deploy/prometheus/scrape.yaml
    } >$work/prometheus.yml
    promtool check config $work/prometheus.yml >$work/checked || { cat $work/checked >&2; return 1; }
    prometheus --config.file=$work/prometheus.yml --storage.tsdb.path=$work/prometheus --web.listen-address=$prometheus \
        --log.level=warn >$work/prometheus.log 2>&1 &
    wait_for 30 Prometheus curl -sf http://$prometheus/-/ready
}

# settle SECONDS: long enough for scrapes and rules to settle.
settle() { sleep "$1"; }

alerts() { curl -sf http://$prometheus/api/v1/alerts; }

# The firing alerts by name, with the cause where it matters. The disk is the machine's: whatever else runs there may fill it.
firing() {
    alerts | jq -r '[.data.alerts[] | select(.state == "firing") | .labels | select((.cause // "") | startswith("disk-") | not)
        | .alertname + (if .cause then "(\(.cause))" else "" end)] | unique | join(" ")'
}
rings() { [ "$(firing)" = "$1" ]; }

# Each in its own user namespace with its own limits, so that nothing else is affected: instances and watches are used up and one more is
# requested; and watches that grow slowly, far from their limit.
exhaust_user_namespace() {
    local victim=(bash -c 'while :; do timeout 0.5 tail -f /etc/hosts; done')
    in_user_namespace 40 1000 exhaust instances --leave 0 --yes-break-this-node --for 5m -- "${victim[@]}"
    in_user_namespace 64 2000 exhaust watches --leave 0 --yes-break-this-node --for 5m -- "${victim[@]}"
    in_user_namespace 100000 100000 exhaust watches --amount 5000 --ramp 20/s --yes-break-this-node --for 10m
}

holders=()

# in_user_namespace INSTANCES WATCHES ARGUMENT...
in_user_namespace() {
    local instances=$1 watches=$2
    shift 2
    unshare --user --map-root-user bash -c '
        echo "$1" >/proc/sys/user/max_inotify_instances
        echo "$2" >/proc/sys/user/max_inotify_watches
        exec "${@:3}"' - "$instances" "$watches" "$NOSPACE_STATIC" "$@" >$work/exhaust-${#holders[@]}.log 2>&1 </dev/null &
    holders+=($!)
}

release_user_namespace() {
    kill "${holders[@]}" 2>/dev/null || true
    holders=()
}

# all_panels_say_something DASHBOARD: each query of each panel returns data, with the variables at their defaults; those of the guard, of
# which there is none here, at least an answer.
all_panels_say_something() {
    local title query answer least empty=() count=0
    while IFS=$'\t' read -r title query; do
        query=${query//'$node'/.*} query=${query//'$top'/10} query=${query//'$__rate_interval'/30s}
        count=$((count + 1))
        answer=$(curl -s "http://$prometheus/api/v1/query" --data-urlencode "query=$query")
        least=1
        case $query in *nospace_guard_*) least=0 ;; esac
        jq -e --argjson least $least '.status == "success" and (.data.result | length >= $least)' <<<"$answer" >/dev/null || empty+=("$title: $query: ${answer:0:200}")
    done < <(jq -r '.panels[] | .title as $title | .targets[]? | [$title, .expr] | @tsv' "$1" | sed 's/\\"/"/g; s/\\\\/\\/g')
    [ ${#empty[@]} = 0 ] || { printf 'deploy: empty: %s\n' "${empty[@]}" >&2; return 1; }
    [ $count -ge 30 ] || { echo "deploy: only $count queries" >&2; return 1; }
}
