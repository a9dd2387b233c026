package main

import (
	"testing"

	gateways "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
)

func TestEnabledControllers(t *testing.T) {
	for name, one := range map[string]struct {
		controllers     []string
		gateways        bool
		namespace       string
		present, absent []string
	}{
		"by default":     {[]string{"*"}, false, "", []string{"clusterissuers", "orders"}, []string{gateways.ControllerName}},
		"without one":    {[]string{"*", "-orders"}, false, "", []string{"clusterissuers"}, []string{"orders"}},
		"one alone":      {[]string{"orders"}, false, "", []string{"orders"}, []string{"clusterissuers"}},
		"with gateways":  {[]string{"*"}, true, "", []string{gateways.ControllerName}, nil},
		"in a namespace": {[]string{"*"}, false, "apps", []string{"issuers"}, []string{"clusterissuers"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := defaults()
			if err != nil {
				t.Fatal(err)
			}
			c.Controllers, c.EnableGatewayAPI, c.Namespace = one.controllers, one.gateways, one.namespace
			enabled := enabledControllers(c)
			if !enabled.HasAll(one.present...) || enabled.HasAny(one.absent...) {
				t.Errorf("enabled are %v", enabled.UnsortedList())
			}
		})
	}
}

func TestOptions(t *testing.T) {
	c, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	c.ACMEDNS01Config.RecursiveNameservers = []string{"192.0.2.53:53"}
	c.ACMEDNS01Config.RecursiveNameserversOnly = true
	options, err := contextOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	if options.DNS01CheckAuthoritative || len(options.DNS01Nameservers) != 1 {
		t.Errorf("asked are %v, the zone's own too: %v", options.DNS01Nameservers, options.DNS01CheckAuthoritative)
	}
	if options.MaxConcurrentChallenges != 60 {
		t.Errorf("%d challenges at once", options.MaxConcurrentChallenges)
	}
}
