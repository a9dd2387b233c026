package main

import (
	"os"
	"path/filepath"

	"infra-k3s.invalid/sandbox/k3s/components"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if components.Is(name) {
		os.Exit(components.Run(name, args))
	}
	if len(args) > 0 && components.Is(args[0]) {
		os.Exit(components.Run(args[0], args[1:]))
	}
}
