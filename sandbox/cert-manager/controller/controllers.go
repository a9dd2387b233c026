package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	known "github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/internal/controller/feature"
	"github.com/cert-manager/cert-manager/pkg/controller"
	gateways "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	dns "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"

	// Each registers what it has: the kinds of issuers. The controllers come with their names, in known.
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/vault"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/venafi"
)

// runControllers runs every enabled controller until the context ends or one fails.
func runControllers(
	ctx context.Context,
	c *config.ControllerConfiguration,
	factory *controller.ContextFactory,
	root *controller.Context,
) error {
	log := logf.FromContext(ctx)
	group, ctx := errgroup.WithContext(ctx)
	enabled := enabledControllers(c)
	for name, construct := range controller.Known() {
		if !enabled.Has(name) {
			continue
		}
		one, err := construct(factory)
		if err != nil {
			return fmt.Errorf("controller %s: %w", name, err)
		}
		group.Go(func() error {
			log.V(logf.InfoLevel).Info("starting controller", "controller", name)
			if err := one.Run(c.NumberOfConcurrentWorkers, ctx); err != nil {
				return fmt.Errorf("controller %s: %w", name, err)
			}
			return nil
		})
	}
	root.SharedInformerFactory.Start(ctx.Done())
	root.KubeSharedInformerFactory.Start(ctx.Done())
	root.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if utilfeature.DefaultFeatureGate.Enabled(feature.ExperimentalGatewayAPISupport) && c.EnableGatewayAPI {
		root.GWShared.Start(ctx.Done())
	}
	return group.Wait()
}

// enabledControllers is what --controllers says: those on by default for *, each by its name, without -NAME.
func enabledControllers(c *config.ControllerConfiguration) sets.Set[string] {
	enabled := sets.New[string]()
	for _, name := range c.Controllers {
		switch {
		case name == "*":
			enabled.Insert(known.DefaultEnabledControllers...)
		case !strings.HasPrefix(name, "-"):
			enabled.Insert(name)
		}
	}
	gate := utilfeature.DefaultFeatureGate
	if gate.Enabled(feature.ExperimentalCertificateSigningRequestControllers) {
		enabled.Insert(known.ExperimentalCertificateSigningRequestControllers...)
	}
	if gate.Enabled(feature.ExperimentalGatewayAPISupport) && c.EnableGatewayAPI {
		enabled.Insert(gateways.ControllerName)
	}
	for _, name := range c.Controllers {
		if without, ok := strings.CutPrefix(name, "-"); ok {
			enabled.Delete(without)
		}
	}
	if c.Namespace != "" {
		enabled.Delete(known.ClusterScopedControllers...)
	}
	return enabled
}

func contextOptions(c *config.ControllerConfiguration) (controller.ContextOptions, error) {
	http, nameservers := c.ACMEHTTP01Config, c.ACMEDNS01Config.RecursiveNameservers
	if len(nameservers) == 0 {
		nameservers = dns.RecursiveNameservers
	}
	quantities := make([]resource.Quantity, 4)
	for i, text := range []string{
		http.SolverResourceRequestCPU, http.SolverResourceRequestMemory,
		http.SolverResourceLimitsCPU, http.SolverResourceLimitsMemory,
	} {
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			return controller.ContextOptions{}, fmt.Errorf("%q: %w", text, err)
		}
		quantities[i] = quantity
	}
	shim := c.IngressShimConfig
	return controller.ContextOptions{
		Kubeconfig:         c.KubeConfig,
		KubernetesAPIQPS:   c.KubernetesAPIQPS,
		KubernetesAPIBurst: c.KubernetesAPIBurst,
		Namespace:          c.Namespace,
		IssuerOptions: controller.IssuerOptions{
			ClusterResourceNamespace:        c.ClusterResourceNamespace,
			ClusterIssuerAmbientCredentials: c.ClusterIssuerAmbientCredentials,
			IssuerAmbientCredentials:        c.IssuerAmbientCredentials,
		},
		ACMEOptions: controller.ACMEOptions{
			HTTP01SolverImage:                 http.SolverImage,
			HTTP01SolverResourceRequestCPU:    quantities[0],
			HTTP01SolverResourceRequestMemory: quantities[1],
			HTTP01SolverResourceLimitsCPU:     quantities[2],
			HTTP01SolverResourceLimitsMemory:  quantities[3],
			ACMEHTTP01SolverRunAsNonRoot:      http.SolverRunAsNonRoot,
			HTTP01SolverNameservers:           http.SolverNameservers,
			DNS01Nameservers:                  nameservers,
			DNS01CheckAuthoritative:           !c.ACMEDNS01Config.RecursiveNameserversOnly,
			DNS01CheckRetryPeriod:             c.ACMEDNS01Config.CheckRetryPeriod,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerName:                 shim.DefaultIssuerName,
			DefaultIssuerKind:                 shim.DefaultIssuerKind,
			DefaultIssuerGroup:                shim.DefaultIssuerGroup,
			DefaultAutoCertificateAnnotations: shim.DefaultAutoCertificateAnnotations,
			ExtraCertificateAnnotations:       shim.ExtraCertificateAnnotations,
		},
		CertificateOptions: controller.CertificateOptions{
			EnableOwnerRef:                           c.EnableCertificateOwnerRef,
			CopiedAnnotationPrefixes:                 c.CopiedAnnotationPrefixes,
			CertificateRequestMinimumBackoffDuration: c.CertificateRequestMinimumBackoffDuration,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: c.MaxConcurrentChallenges},
		ConfigOptions: controller.ConfigOptions{
			EnableGatewayAPI:            c.EnableGatewayAPI,
			EnableGatewayAPIListenerSet: c.EnableGatewayAPIListenerSet,
		},
	}, nil
}
