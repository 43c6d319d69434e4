// cAdvisor, configured and started as the kubelet does it, and nothing else of the kubelet. It says "started" when it has, and exits
// with 1 where the kubelet would.
package main

import (
	"fmt"
	"os"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/cadvisor"
)

func main() {
	const runtime = "unix:///run/containerd/containerd.sock"
	logger := klog.Background()
	provider := cadvisor.NewImageFsInfoProvider(runtime)
	client, err := cadvisor.New(logger, provider, os.TempDir(), []string{"/"}, cadvisor.UsingLegacyCadvisorStats(runtime), true)
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		logger.Error(err, "Failed to start cAdvisor")
		os.Exit(1)
	}
	fmt.Println("started")
	select {}
}
