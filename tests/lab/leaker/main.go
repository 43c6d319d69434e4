// leaker leaves N memory cgroups behind that the kernel cannot free: each is removed while a page
// of a file in DIRECTORY (a tmpfs) is still charged to it.
//
//	leaker HIERARCHY DIRECTORY N
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := leak(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "leaker:", err)
		os.Exit(1)
	}
}

func leak(arguments []string) error {
	if len(arguments) != 4 {
		return fmt.Errorf("usage: leaker HIERARCHY DIRECTORY N")
	}
	hierarchy, directory := arguments[1], arguments[2]
	count, err := strconv.Atoi(arguments[3])
	if err != nil {
		return err
	}
	for i := range count {
		if err := leave(hierarchy, filepath.Join(directory, strconv.Itoa(i)), i); err != nil {
			return fmt.Errorf("after %d cgroups: %w", i, err)
		}
	}
	return nil
}

func leave(hierarchy, file string, i int) error {
	cgroup := filepath.Join(hierarchy, fmt.Sprintf("leaked-%d", i))
	if err := os.Mkdir(cgroup, 0o755); err != nil {
		return err
	}
	if err := enter(cgroup); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte{0}, 0o600); err != nil {
		return err
	}
	if err := enter(hierarchy); err != nil {
		return err
	}
	return os.Remove(cgroup)
}

func enter(cgroup string) error {
	return os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte("0"), 0)
}
