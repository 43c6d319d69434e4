// watcher makes N files in a directory of its own and watches them, with one inotify instance.
// Refused, it says so and goes on with the watches that it has, as log shippers do.
//
//	watcher N [SECONDS]
//
// With SECONDS it leaks: every so many seconds it watches the files anew, with one more instance, and closes none.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if err := watch(); err != nil {
		fmt.Fprintln(os.Stderr, "watcher:", err)
		os.Exit(1)
	}
}

func watch() error {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		return fmt.Errorf("usage: watcher N [SECONDS]")
	}
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "watched")
	if err != nil {
		return err
	}
	instance, err := files(directory, count)
	if err != nil {
		return err
	}
	if len(os.Args) == 3 {
		return leak(directory, count, os.Args[2])
	}
	_, err = syscall.Read(instance, make([]byte, 4096))
	return err
}

func leak(directory string, count int, every string) error {
	seconds, err := strconv.ParseFloat(every, 64)
	if err != nil {
		return err
	}
	for {
		time.Sleep(time.Duration(seconds * float64(time.Second)))
		if _, err := files(directory, count); err != nil {
			fmt.Fprintln(os.Stderr, "watcher: cannot reload:", err)
		}
	}
}

func files(directory string, count int) (int, error) {
	instance, err := syscall.InotifyInit1(syscall.IN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("inotify_init1: %w", err)
	}
	for i := range count {
		path := filepath.Join(directory, strconv.Itoa(i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return -1, err
		}
		if _, err := syscall.InotifyAddWatch(instance, path, syscall.IN_MODIFY); err != nil {
			fmt.Fprintf(os.Stderr, "watcher: inotify_add_watch %s: %v\n", path, err)
			break
		}
	}
	return instance, nil
}
