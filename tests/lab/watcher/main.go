// watcher makes N files in a directory of its own and watches them, with one inotify instance.
// Refused, it says so and goes on with the watches that it has, as log shippers do.
//
//	watcher N
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

func main() {
	if err := watch(); err != nil {
		fmt.Fprintln(os.Stderr, "watcher:", err)
		os.Exit(1)
	}
}

func watch() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: watcher N")
	}
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "watched")
	if err != nil {
		return err
	}
	instance, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("inotify_init1: %w", err)
	}
	for i := range count {
		path := filepath.Join(directory, strconv.Itoa(i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		if _, err := syscall.InotifyAddWatch(instance, path, syscall.IN_MODIFY); err != nil {
			fmt.Fprintf(os.Stderr, "watcher: inotify_add_watch %s: %v\n", path, err)
			break
		}
	}
	_, err = syscall.Read(instance, make([]byte, 4096))
	return err
}
