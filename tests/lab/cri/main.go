// cri starts pods as the kubelet does: by the Container Runtime Interface of a runtime's socket.
//
//	cri SOCKET SANDBOX.json CONTAINER.json...
//
// The files hold a PodSandboxConfig and a ContainerConfig each, with the names of the CRI's
// protocol (k8s.io/cri-api). It prints the ids, the sandbox's first.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: cri SOCKET SANDBOX.json CONTAINER.json...")
		os.Exit(3)
	}
	ids, err := start(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "cri:", err)
		os.Exit(1)
	}
	for _, id := range ids {
		fmt.Println(id)
	}
}

func start(socket, sandboxFile string, containerFiles []string) ([]string, error) {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", socket, err)
	}
	defer connection.Close()
	runtime := cri.NewRuntimeServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	sandbox := &cri.PodSandboxConfig{}
	if err := read(sandboxFile, sandbox); err != nil {
		return nil, err
	}
	pod, err := runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: sandbox})
	if err != nil {
		return nil, fmt.Errorf("running the sandbox of %s: %w", sandboxFile, err)
	}
	ids := []string{pod.PodSandboxId}
	for _, file := range containerFiles {
		config := &cri.ContainerConfig{}
		if err := read(file, config); err != nil {
			return nil, err
		}
		request := &cri.CreateContainerRequest{PodSandboxId: pod.PodSandboxId, Config: config, SandboxConfig: sandbox}
		container, err := runtime.CreateContainer(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("creating the container of %s: %w", file, err)
		}
		_, err = runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: container.ContainerId})
		if err != nil {
			return nil, fmt.Errorf("starting the container of %s: %w", file, err)
		}
		ids = append(ids, container.ContainerId)
	}
	return ids, nil
}

func read(file string, message proto.Message) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, message); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}
