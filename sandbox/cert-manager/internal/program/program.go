// Package program is what cert-manager's three programs share: flags, feature gates, logs, signals, exit codes.
package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"
)

// Start reads the arguments by flags, then runs until it ends by itself or by SIGTERM or SIGINT.
func Start(
	name string,
	flags *pflag.FlagSet,
	gates *map[string]bool,
	logging *logsapi.LoggingConfiguration,
	run func(context.Context) error,
) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := start(ctx, name, flags, gates, logging, run); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		stop()
		os.Exit(1)
	}
}

func start(
	ctx context.Context,
	name string,
	flags *pflag.FlagSet,
	gates *map[string]bool,
	logging *logsapi.LoggingConfiguration,
	run func(context.Context) error,
) error {
	logf.InitLogs()
	defer logf.FlushLogs()
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(*gates); err != nil {
		return fmt.Errorf("feature gates: %w", err)
	}
	if err := logf.ValidateAndApply(logging); err != nil {
		return fmt.Errorf("logging: %w", err)
	}
	ctx = logf.NewContext(ctx, logf.Log, name)
	ctrl.SetLogger(logf.FromContext(ctx))
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Common adds the flags that each program has.
func Common(flags *pflag.FlagSet, gates *map[string]bool, logging *logsapi.LoggingConfiguration) {
	flags.Var(cliflag.NewMapStringBool(gates), "feature-gates",
		"Options are:\n"+strings.Join(utilfeature.DefaultFeatureGate.KnownFeatures(), "\n"))
	logf.AddFlags(logging, flags)
}

// LeaderElection adds the flags of who leads.
func LeaderElection(flags *pflag.FlagSet, c *shared.LeaderElectionConfig) {
	flags.BoolVar(&c.Enabled, "leader-elect", c.Enabled, "run only while leading")
	flags.StringVar(&c.Namespace, "leader-election-namespace", c.Namespace, "the namespace of the lease")
	flags.DurationVar(&c.LeaseDuration, "leader-election-lease-duration", c.LeaseDuration, "how long a lease holds")
	flags.DurationVar(&c.RenewDeadline, "leader-election-renew-deadline", c.RenewDeadline, "how long it is tried to renew it")
	flags.DurationVar(&c.RetryPeriod, "leader-election-retry-period", c.RetryPeriod, "the pause between tries")
}
