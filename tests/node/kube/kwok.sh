#!/bin/bash
# Builds KWOK, which plays kubelets for nodes that do not exist, once; prints the directory of the program and of the stages that it plays.
set -euo pipefail
module=sigs.k8s.io/kwok@v0.8.0
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/kwok-${module#*@}
if [ ! -e "$folder/stages.yaml" ]; then
    echo "kube: building kwok ${module#*@}" >&2
    CGO_ENABLED=0 GOBIN=$folder go install -trimpath "${module/@//cmd/kwok@}" >&2
    source=$(go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')/kustomize/stage
    for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease pod/fast/pod-ready; do
        echo ---
        cat "$source/$stage.yaml"
    done >"$folder/.stages.yaml"
    mv "$folder/.stages.yaml" "$folder/stages.yaml"
fi
echo "$folder"
