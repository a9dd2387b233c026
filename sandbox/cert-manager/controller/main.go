// Command controller is cert-manager's: issuers, certificates, orders and challenges.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	configscheme "github.com/cert-manager/cert-manager/internal/apis/config/controller/scheme"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/validation"
	"github.com/cert-manager/cert-manager/pkg/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/sandbox/internal/program"
)

func main() {
	c, err := defaults()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	program.Common(flags, &c.FeatureGates, &c.Logging)
	program.LeaderElection(flags, &c.LeaderElectionConfig.LeaderElectionConfig)
	addFlags(flags, c)
	program.Start("controller", flags, &c.FeatureGates, &c.Logging, func(ctx context.Context) error {
		if faults := validation.ValidateControllerConfiguration(c, nil); len(faults) > 0 {
			return faults.ToAggregate()
		}
		return run(ctx, c)
	})
}

func defaults() (*config.ControllerConfiguration, error) {
	scheme, _, err := configscheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	versioned, c := &v1alpha1.ControllerConfiguration{}, &config.ControllerConfiguration{}
	scheme.Default(versioned)
	return c, scheme.Convert(versioned, c, nil)
}

// addFlags adds upstream's flags by upstream's names: those for issuers with DNS-01, and what its manifest sets.
func addFlags(flags *pflag.FlagSet, c *config.ControllerConfiguration) {
	flags.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig, "outside of a cluster: how to reach it")
	flags.Float32Var(&c.KubernetesAPIQPS, "kube-api-qps", c.KubernetesAPIQPS, "queries a second to the API server")
	flags.IntVar(&c.KubernetesAPIBurst, "kube-api-burst", c.KubernetesAPIBurst, "queries at once to the API server")
	flags.StringVar(&c.Namespace, "namespace", c.Namespace, "look at this namespace only, without ClusterIssuers")
	flags.StringVar(&c.ClusterResourceNamespace, "cluster-resource-namespace", c.ClusterResourceNamespace,
		"where the Secrets of ClusterIssuers are")
	flags.StringSliceVar(&c.Controllers, "controllers", c.Controllers, "those to run: *, NAME, -NAME")
	flags.IntVar(&c.NumberOfConcurrentWorkers, "concurrent-workers", c.NumberOfConcurrentWorkers, "of each controller")
	flags.IntVar(&c.MaxConcurrentChallenges, "max-concurrent-challenges", c.MaxConcurrentChallenges, "at once")
	flags.BoolVar(&c.IssuerAmbientCredentials, "issuer-ambient-credentials", c.IssuerAmbientCredentials, "")
	flags.BoolVar(&c.ClusterIssuerAmbientCredentials, "cluster-issuer-ambient-credentials",
		c.ClusterIssuerAmbientCredentials, "")
	flags.BoolVar(&c.EnableCertificateOwnerRef, "enable-certificate-owner-ref", c.EnableCertificateOwnerRef,
		"a certificate's Secret ends with it")
	flags.BoolVar(&c.EnableGatewayAPI, "enable-gateway-api", c.EnableGatewayAPI, "certificates from Gateways' annotations")
	flags.StringSliceVar(&c.CopiedAnnotationPrefixes, "copied-annotation-prefixes", c.CopiedAnnotationPrefixes, "")
	flags.StringVar(&c.MetricsListenAddress, "metrics-listen-address", c.MetricsListenAddress, "HOST:PORT")
	flags.StringVar(&c.HealthzListenAddress, "internal-healthz-listen-address", c.HealthzListenAddress, "HOST:PORT")
	flags.StringVar(&c.ACMEHTTP01Config.SolverImage, "acme-http01-solver-image", c.ACMEHTTP01Config.SolverImage,
		"the image of HTTP-01 solvers")
	dns := &c.ACMEDNS01Config
	flags.StringSliceVar(&dns.RecursiveNameservers, "dns01-recursive-nameservers", dns.RecursiveNameservers,
		"HOST:PORT or https://…, where a challenge's record is looked for")
	flags.BoolVar(&dns.RecursiveNameserversOnly, "dns01-recursive-nameservers-only", dns.RecursiveNameserversOnly,
		"do not ask the zone's own servers")
	flags.DurationVar(&dns.CheckRetryPeriod, "dns01-check-retry-period", dns.CheckRetryPeriod, "between two looks")
}
