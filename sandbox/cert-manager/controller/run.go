package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/pem"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/server"
)

// run serves metrics and health at once, and runs the controllers while it leads.
func run(ctx context.Context, c *config.ControllerConfiguration) error {
	pem.SetGlobalSizeLimits(pem.SizeLimits{
		MaxCertificateSize: c.PEMSizeLimitsConfig.MaxCertificateSize,
		MaxPrivateKeySize:  c.PEMSizeLimitsConfig.MaxPrivateKeySize,
		MaxChainLength:     c.PEMSizeLimitsConfig.MaxChainLength,
		MaxBundleSize:      c.PEMSizeLimitsConfig.MaxBundleSize,
	})
	options, err := contextOptions(c)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	root, err := factory.Build()
	if err != nil {
		return err
	}

	health := healthz.NewServer(c.LeaderElectionConfig.HealthzTimeout)
	listener, err := server.Listen(ctx, "tcp", c.HealthzListenAddress)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	group.Go(func() error { return health.Start(ctx, listener) })
	if err := serveMetrics(ctx, group, c.MetricsListenAddress, root); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}

	group.Go(func() error {
		if !c.LeaderElectionConfig.Enabled {
			return runControllers(ctx, c, factory, root)
		}
		return whileLeading(ctx, c.LeaderElectionConfig, factory, health.LeaderHealthzAdaptor, func() error {
			return runControllers(ctx, c, factory, root)
		})
	})
	return group.Wait()
}

func serveMetrics(ctx context.Context, group *errgroup.Group, address string, root *controller.Context) error {
	certificates := root.SharedInformerFactory.Certmanager().V1()
	root.Metrics.SetupACMECollector(root.SharedInformerFactory.Acme().V1().Challenges().Lister())
	root.Metrics.SetupCertificateCollector(certificates.Certificates().Lister())
	if root.Namespace == "" {
		root.Metrics.SetupClusterIssuerCollector(certificates.ClusterIssuers().Lister())
	}
	root.Metrics.SetupIssuerCollector(certificates.Issuers().Lister())
	listener, err := server.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	serving := root.Metrics.NewServer(listener)
	group.Go(func() error {
		if err := serving.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return serving.Shutdown(ending)
	})
	return nil
}

// whileLeading does work once this process leads, and gives the lease back only when the work has ended.
func whileLeading(
	ctx context.Context,
	c config.LeaderElectionConfig,
	factory *controller.ContextFactory,
	watchdog *leaderelection.HealthzAdaptor,
	work func() error,
) error {
	own, err := factory.Build("leader-election")
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, c.Namespace, "cert-manager-controller",
		own.Client.CoreV1(), own.Client.CoordinationV1(), resourcelock.ResourceLockConfig{
			Identity: fmt.Sprintf("%s_%s", host, uuid.NewUUID()), EventRecorder: own.Recorder,
		})
	if err != nil {
		return err
	}
	leading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	elected, lost := make(chan struct{}), make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: c.LeaseDuration, RenewDeadline: c.RenewDeadline, RetryPeriod: c.RetryPeriod,
		ReleaseOnCancel: true, WatchDog: watchdog, Name: "cert-manager-controller",
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(elected) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	go func() {
		defer close(lost)
		elector.Run(leading)
	}()

	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-lost:
		return errors.New("the election ended")
	case <-elected:
	}
	logf.FromContext(ctx).Info("leading", "lease", "cert-manager-controller")
	worked := make(chan error, 1)
	go func() { worked <- work() }()
	select {
	case <-lost:
		return errors.New("leadership is lost")
	case err := <-worked:
		stop()
		<-lost
		return err
	}
}
