package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/component-base/version"

	"infra-k3s.invalid/sandbox/k3s/internal/agent"
	"infra-k3s.invalid/sandbox/k3s/internal/config"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
	"infra-k3s.invalid/sandbox/k3s/internal/payload"
	"infra-k3s.invalid/sandbox/k3s/internal/process"
	"infra-k3s.invalid/sandbox/k3s/internal/server"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// grace is short because the API server would wait a minute for its watches; etcd ends in milliseconds.
const grace = 3 * time.Second

// read collects a verb's flags from files, command line and environment, and sets up logging.
func read(scope flags.Scope, verb string, args []string) (*flags.Values, error) {
	if slices.ContainsFunc(args, func(arg string) bool { return arg == "--help" || arg == "-h" || arg == "-help" }) {
		flags.Usage(scope, verb, os.Stdout)
		return nil, nil
	}
	fromConfig, err := config.Arguments(config.Find(args, os.Getenv))
	if err != nil {
		return nil, err
	}
	values, err := flags.Parse(scope, os.Getenv, fromConfig, args)
	if err != nil {
		return nil, err
	}
	if values.Bool("debug") {
		logrus.SetLevel(logrus.DebugLevel)
	}
	return values, logTo(values)
}

// logTo sends everything that k3s and its components print to --log.
func logTo(values *flags.Values) error {
	name := values.String("log")
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	out := io.Writer(file)
	if values.Bool("alsologtostderr") {
		out = io.MultiWriter(file, os.NewFile(uintptr(2), "stderr"))
	}
	logrus.SetOutput(out)
	os.Stderr = file
	return nil
}

func runServer(args []string) error {
	values, err := read(flags.Server, "server", args)
	if err != nil || values == nil {
		return err
	}
	secret, err := token.FromFlags(values.String("token"), values.String("token-file"))
	if err != nil {
		return err
	}
	if values.Bool("cluster-reset") {
		return resetServer(values, secret)
	}
	if values.String("cluster-reset-restore-path") != "" {
		return errors.New("invalid flag use; --cluster-reset required with --cluster-reset-restore-path")
	}
	return supervise(values, func(ctx context.Context, group *process.Group, programs string, ready func()) error {
		control := &server.Server{Flags: values, Token: secret, Group: group}
		if err := control.Run(ctx); err != nil {
			return fmt.Errorf("starting kubernetes: %w", err)
		}
		ready()
		node := &agent.Agent{
			Flags: values, Server: control.URL(), Token: control.AgentToken(), OnServer: true, Programs: programs, Group: group,
		}
		return node.Run(ctx)
	})
}

func resetServer(values *flags.Values, secret string) error {
	if os.Geteuid() != 0 {
		return errors.New("must run as root unless --rootless is specified")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	logrus.Infof("Starting k3s %s", version.Get().GitVersion)
	control := &server.Server{Flags: values, Token: secret}
	return control.Reset(ctx)
}

func runAgent(args []string) error {
	values, err := read(flags.Agent, "agent", args)
	if err != nil || values == nil {
		return err
	}
	secret, err := token.FromFlags(values.String("token"), values.String("token-file"))
	if err != nil {
		return err
	}
	if secret == "" {
		return errors.New("--token is required")
	}
	if values.String("server") == "" {
		return errors.New("--server is required")
	}
	return supervise(values, func(ctx context.Context, group *process.Group, programs string, ready func()) error {
		node := &agent.Agent{Flags: values, Server: values.String("server"), Token: secret, Programs: programs, Group: group}
		if err := node.Run(ctx); err != nil {
			return err
		}
		logrus.Info("k3s agent is up and running")
		ready()
		return nil
	})
}

// supervise runs until a signal or until something critical ended.
func supervise(values *flags.Values, run func(ctx context.Context, group *process.Group, programs string, ready func()) error) error {
	if os.Geteuid() != 0 {
		return errors.New("must run as root unless --rootless is specified")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	socket := process.TakeNotifySocket()
	logrus.Infof("Starting k3s %s", version.Get().GitVersion)
	programs, err := payload.Extract(values.String("data-dir"))
	if err != nil {
		return err
	}
	group := process.NewGroup()
	defer group.Stop(grace)
	failed := make(chan error, 1)
	go func() {
		err := run(ctx, group, programs, func() {
			if err := process.Ready(socket); err != nil {
				logrus.Warnf("systemd was not told that k3s is ready: %v", err)
			}
		})
		if err != nil && ctx.Err() == nil {
			failed <- err
		}
	}()
	select {
	case <-ctx.Done():
		logrus.Info("Shutdown requested")
		return nil
	case err := <-group.Ended():
		return err
	case err := <-failed:
		return err
	}
}
