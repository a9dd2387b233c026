// Package cli is the surface of the k3s program: its verbs, and the component it becomes by its name.
package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sirupsen/logrus"
	"k8s.io/component-base/version"

	"infra-k3s.invalid/sandbox/k3s/internal/components"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
)

// ExitNotAnswered is the exit code of everything that K3s has and the stand-in has not.
const ExitNotAnswered = 69

// notAnswered are K3s's verbs without an answer.
var notAnswered = map[string]bool{
	"certificate": true, "check-config": true, "crictl": true, "completion": true,
}

const usage = `NAME:
   k3s - Kubernetes, but small and simple (a stand-in made of upstream Kubernetes, etcd, containerd and flannel)

USAGE:
   k3s [global options] command [command options] [arguments...]

COMMANDS:
   server   Run management server
   agent    Run node agent
   kubectl  Run kubectl
   ctr      Run ctr
   token    Manage tokens
   etcd-snapshot  Manage etcd snapshots
   secrets-encrypt  Control secrets encryption

GLOBAL OPTIONS:
   --debug        (logging) Turn on debug logs [$K3S_DEBUG]
   --data-dir     (data) Folder to hold state (default: /var/lib/rancher/k3s)
   --help, -h     show help
   --version, -v  print the version
`

// Main runs the program that name and arguments ask for and returns the exit code.
func Main(argv []string) int {
	logrus.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, DisableColors: true})
	name, args := filepath.Base(argv[0]), argv[1:]
	switch {
	case name == "kubectl":
		return kubectl(args)
	case name == "ctr":
		return ctr(args)
	case len(args) == 0:
		fmt.Print(usage)
		return 0
	case components.Is(args[0]) && args[0] != "kubectl":
		return components.Run(args[0], args[1:])
	}
	verb, rest := args[0], args[1:]
	switch verb {
	case "--version", "-v", "-version":
		fmt.Printf("k3s version %s (%.8s)\ngo version %s\n", version.Get().GitVersion, version.Get().GitCommit, runtime.Version())
		return 0
	case "--help", "-h", "help":
		fmt.Print(usage)
		return 0
	case "server":
		return finish(runServer(rest))
	case "agent":
		return finish(runAgent(rest))
	case "kubectl":
		return kubectl(rest)
	case "ctr":
		return ctr(rest)
	case "token":
		return finish(manageTokens(rest))
	case "etcd-snapshot":
		return finish(manageSnapshots(rest))
	case "secrets-encrypt":
		return finish(manageEncryption(rest))
	}
	if notAnswered[verb] {
		return finish(flags.NotAnswered{What: "k3s " + verb})
	}
	fmt.Fprintf(os.Stderr, "No help topic for '%s'\n", verb)
	return 3
}

// finish reports an error as K3s does.
func finish(err error) int {
	var missing flags.NotAnswered
	switch {
	case err == nil:
		return 0
	case errors.As(err, &missing):
		logrus.StandardLogger().Log(logrus.FatalLevel, err)
		return ExitNotAnswered
	}
	logrus.StandardLogger().Logf(logrus.FatalLevel, "Error: %v", err)
	return 1
}
