// Package crds only names what build.sh needs: the types of the Prometheus operator, and what makes CRDs of them.
package crds

import (
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	_ "sigs.k8s.io/controller-tools/pkg/crd"
)
