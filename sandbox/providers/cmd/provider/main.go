// Command provider serves stand-ins of OpenTofu providers until it is ended: provider NAME…
//
// Its first line of output is the value of TF_REATTACH_PROVIDERS by which OpenTofu finds them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"infra-k3s.invalid/sandbox/providers/internal/aws"
	"infra-k3s.invalid/sandbox/providers/internal/cloudflare"
	"infra-k3s.invalid/sandbox/providers/internal/hcloud"
	"infra-k3s.invalid/sandbox/providers/internal/serve"
	"infra-k3s.invalid/sandbox/providers/internal/vultr"
)

var vendors = map[string]serve.Served{
	"hcloud":     {Address: hcloud.Vendor.Address, Legacy: hcloud.Vendor.Legacy, New: hcloud.Vendor.Provider},
	"vultr":      {Address: vultr.Vendor.Address, Legacy: vultr.Vendor.Legacy, New: vultr.Vendor.Provider},
	"aws":        {Address: aws.Vendor.Address, Legacy: aws.Vendor.Legacy, New: aws.Vendor.Provider},
	"cloudflare": {Address: cloudflare.Vendor.Address, Legacy: cloudflare.Vendor.Legacy, New: cloudflare.Vendor.Provider},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	reattach := map[string]serve.Reattach{}
	for _, name := range os.Args[1:] {
		vendor, ok := vendors[name]
		if !ok {
			fail(fmt.Errorf("no provider %q", name))
		}
		config, err := serve.Start(ctx, vendor)
		if err != nil {
			fail(err)
		}
		reattach[vendor.Address] = config
	}
	text, err := json.Marshal(reattach)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(text))
	<-ctx.Done()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
