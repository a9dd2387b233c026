package hcloud

import (
	"strings"
	"testing"

	"infra-k3s.invalid/sandbox/providers/internal/fake"
	"infra-k3s.invalid/sandbox/providers/internal/serve"
	"infra-k3s.invalid/sandbox/providers/internal/trial"
)

const declared = `
terraform {
  required_providers {
    hcloud = { source = "hetznercloud/hcloud" }
  }
}
provider "hcloud" {
  token    = "TOKEN"
  endpoint = "ENDPOINT"
}
data "hcloud_server_type" "it" { name = "cx23" }
data "hcloud_image" "it" { name = "debian-12" }
data "hcloud_location" "it" { name = "fsn1" }
resource "hcloud_ssh_key" "it" {
  name       = "key"
  public_key = "ssh-ed25519 AAAA"
  labels     = { cluster = "c" }
}
resource "hcloud_firewall" "it" {
  name = "wall"
  rule {
    direction  = "in"
    protocol   = "tcp"
    port       = "22"
    source_ips = ["0.0.0.0/0", "::/0"]
  }
}
resource "hcloud_firewall" "other" {
  name = "other"
}
resource "hcloud_firewall_attachment" "it" {
  firewall_id     = hcloud_firewall.other.id
  label_selectors = ["cluster=c"]
}
resource "hcloud_server" "it" {
  name               = "node-1"
  server_type        = data.hcloud_server_type.it.name
  image              = data.hcloud_image.it.name
  location           = data.hcloud_location.it.name
  ssh_keys           = [hcloud_ssh_key.it.id]
  user_data          = "#cloud-config"
  firewall_ids       = [hcloud_firewall.it.id]
  delete_protection  = true
  rebuild_protection = true
  labels             = { cluster = "c" }
  public_net {
    ipv4_enabled = true
    ipv6_enabled = true
  }
  lifecycle {
    ignore_changes = []
  }
}
`

func begin(t *testing.T) (*trial.Tofu, *fake.API, func(...string)) {
	tofu := trial.New(t, serve.Served{Address: Vendor.Address, Legacy: Vendor.Legacy, New: Vendor.Provider})
	api := fake.Hetzner(t)
	write := func(changes ...string) {
		changes = append(changes, "ENDPOINT", api.URL, "TOKEN", strings.Repeat("t", 64))
		tofu.Write(strings.NewReplacer(changes...).Replace(declared))
	}
	write()
	return tofu, api, write
}

func TestCreatedUnderstoodAndDestroyed(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	server := tofu.State("hcloud_server.it")
	if server["ipv6_address"] != "2001:db8:1::1" || server["status"] != "running" || server["primary_disk_size"] != 40.0 {
		t.Errorf("the server is not understood: %v", server)
	}
	if api.Only(t, "servers")["user_data"] != "#cloud-config" || server["user_data"] != hash("#cloud-config") {
		t.Error("Hetzner gets the user data, and state a hash of it")
	}
	tofu.Run("destroy", "-auto-approve")
	if api.Count() != 0 {
		t.Errorf("left: %v", api.Things)
	}
}

func TestChangedInPlaceOrReplaced(t *testing.T) {
	tofu, api, write := begin(t)
	tofu.Apply()
	api.Changed()
	write("node-1", "node-2", `port       = "22"`, `port       = "80"`, `{ cluster = "c" }`, `{ cluster = "d" }`, "_protection  = true", "_protection  = false", "protection = true", "protection = false")
	tofu.Apply()
	for _, change := range api.Changed() {
		if strings.HasPrefix(change, "DELETE") {
			t.Errorf("not in place: %s", change)
		}
	}
	if server := api.Only(t, "servers"); server["name"] != "node-2" || server["labels"].(fake.Object)["cluster"] != "d" {
		t.Errorf("not changed: %v", server)
	}
	write("#cloud-config", "#cloud-config 2")
	if plan := tofu.Plan(); !strings.Contains(plan, "user_data") || !strings.Contains(plan, "forces replacement") {
		t.Errorf("other user data must be another server:\n%s", plan)
	}
}

func TestWhatIsGoneIsMadeAgain(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	for _, collection := range []string{"servers", "ssh_keys", "firewalls"} {
		api.Forget(collection)
	}
	if plan := tofu.Plan(); !strings.Contains(plan, "5 to add, 0 to change, 0 to destroy") {
		t.Errorf("what is gone is not noticed:\n%s", plan)
	}
}

func TestImport(t *testing.T) {
	tofu, _, write := begin(t)
	tofu.Apply()
	for _, address := range []string{"hcloud_ssh_key.it", "hcloud_firewall.it", "hcloud_firewall_attachment.it", "hcloud_server.it"} {
		tofu.Reimport(address, tofu.State(address)["id"].(string))
	}
	write("ignore_changes = []", "ignore_changes = [user_data, ssh_keys]")
	// What only the configuration knows, such as the block public_net, comes back without a call that replaces anything.
	if _, plan := tofu.Try("plan"); strings.Contains(plan, "replace") {
		t.Errorf("an imported server is replaced:\n%s", plan)
	}
	tofu.Apply()
}

func TestAWrongTokenIsRefusedBeforeAnything(t *testing.T) {
	tofu, api, write := begin(t)
	write(`"TOKEN"`, `"short"`)
	if code, output := tofu.Try("plan"); code == 0 || !strings.Contains(output, "exactly 64 characters") {
		t.Errorf("exit %d: %s", code, output)
	}
	if api.Count() != 0 {
		t.Error("something was made")
	}
}
