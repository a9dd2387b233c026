package serve_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"infra-k3s.invalid/sandbox/providers/internal/fake"
	"infra-k3s.invalid/sandbox/providers/internal/hcloud"
	"infra-k3s.invalid/sandbox/providers/internal/serve"
	"infra-k3s.invalid/sandbox/providers/internal/trial"
)

var served = serve.Served{Address: hcloud.Vendor.Address, Legacy: true, New: hcloud.Vendor.Provider}

func TestEachConfigurationOfAProviderIsItsOwn(t *testing.T) {
	tofu := trial.New(t, served)
	one, other := fake.Hetzner(t), fake.Hetzner(t)
	token := strings.Repeat("t", 64)
	tofu.Write(`
terraform {
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}
provider "hcloud" {
  token    = "` + token + `"
  endpoint = "` + one.URL + `"
}
provider "hcloud" {
  alias    = "other"
  token    = "` + token + `"
  endpoint = "` + other.URL + `"
}
resource "hcloud_ssh_key" "one" {
  name       = "one"
  public_key = "k"
}
resource "hcloud_ssh_key" "other" {
  provider   = hcloud.other
  name       = "other"
  public_key = "k"
}
`)
	tofu.Apply()
	if one.Only(t, "ssh_keys")["name"] != "one" || other.Only(t, "ssh_keys")["name"] != "other" {
		t.Errorf("mixed up: %v, %v", one.Things, other.Things)
	}
}

func TestItListensUntilItIsEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config, err := serve.Start(ctx, served)
	if err != nil {
		t.Fatal(err)
	}
	if config.Protocol != "grpc" || config.ProtocolVersion != 6 || !config.Test || config.Addr.Network != "unix" {
		t.Errorf("OpenTofu does not attach to this: %+v", config)
	}
	connection, err := net.Dial("unix", config.Addr.String)
	if err != nil {
		t.Fatal(err)
	}
	_ = connection.Close()
}
