// Command k3s is the stand-in for K3s: one program that is the server, the agent and the tools.
package main

import (
	"os"

	"infra-k3s.invalid/sandbox/k3s/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args)) }
