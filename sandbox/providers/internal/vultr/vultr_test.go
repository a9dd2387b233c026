package vultr

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"infra-k3s.invalid/sandbox/providers/internal/fake"
	"infra-k3s.invalid/sandbox/providers/internal/serve"
	"infra-k3s.invalid/sandbox/providers/internal/trial"
)

const declared = `
terraform {
  required_providers {
    vultr = { source = "vultr/vultr" }
  }
}
provider "vultr" { api_key = "key" }
data "vultr_os" "it" {
  filter {
    name   = "name"
    values = ["Debian 12 x64 (bookworm)"]
  }
}
resource "vultr_ssh_key" "it" {
  name    = "key"
  ssh_key = "ssh-ed25519 AAAA"
}
resource "vultr_firewall_group" "it" {
  description = "cluster c"
}
resource "vultr_firewall_rule" "it" {
  firewall_group_id = vultr_firewall_group.it.id
  protocol          = "tcp"
  ip_type           = "v4"
  subnet            = "0.0.0.0"
  subnet_size       = 0
  port              = "22"
}
resource "vultr_instance" "it" {
  label             = "node-1"
  hostname          = "node-1"
  plan              = "vc2-1c-1gb"
  region            = "fra"
  os_id             = data.vultr_os.it.id
  enable_ipv6       = true
  activation_email  = false
  ssh_key_ids       = [vultr_ssh_key.it.id]
  user_data         = "#cloud-config"
  firewall_group_id = vultr_firewall_group.it.id
  tags              = ["cluster:c", "node:1"]
  lifecycle {
    ignore_changes = []
  }
}
`

func begin(t *testing.T) (*trial.Tofu, *fake.API, func(...string)) {
	tofu := trial.New(t, serve.Served{Address: Vendor.Address, Legacy: Vendor.Legacy, New: Vendor.Provider})
	api := fake.Vultr(t)
	baseURL, pollInterval = api.URL, time.Millisecond
	write := func(changes ...string) { tofu.Write(strings.NewReplacer(changes...).Replace(declared)) }
	write()
	return tofu, api, write
}

func TestCreatedUnderstoodAndDestroyed(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	instance := tofu.State("vultr_instance.it")
	if instance["main_ip"] != "192.0.2.7" || instance["v6_main_ip"] != "2001:db8:2::7" || instance["status"] != "active" || instance["power_status"] != "running" {
		t.Errorf("the instance is not waited for, or not understood: %v", instance)
	}
	sent := api.Only(t, "instances")
	if sent["user_data"] != base64.StdEncoding.EncodeToString([]byte("#cloud-config")) || sent["os_id"] != 2136.0 {
		t.Errorf("Vultr gets other than declared: %v", sent)
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
	write(`label             = "node-1"`, `label = "node-2"`, "vc2-1c-1gb", "vc2-2c-2gb", `"node:1"`, `"node:2"`, "cluster c", "cluster d")
	tofu.Apply()
	for _, change := range api.Changed() {
		if strings.HasPrefix(change, "DELETE") {
			t.Errorf("not in place: %s", change)
		}
	}
	if instance := api.Only(t, "instances"); instance["label"] != "node-2" || instance["plan"] != "vc2-2c-2gb" {
		t.Errorf("not changed: %v", instance)
	}
	write(`= "22"`, `= "80"`, `hostname          = "node-1"`, `hostname = "node-2"`)
	if plan := tofu.Plan(); !strings.Contains(plan, "2 to add, 1 to change, 2 to destroy") && strings.Count(plan, "forces replacement") != 2 {
		t.Errorf("another port and another host name must be others:\n%s", plan)
	}
}

func TestWhatIsGoneIsMadeAgain(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	for _, collection := range []string{"instances", "ssh_keys", "firewalls", "rules"} {
		api.Forget(collection)
	}
	if plan := tofu.Plan(); !strings.Contains(plan, "4 to add, 0 to change, 0 to destroy") {
		t.Errorf("what is gone is not noticed:\n%s", plan)
	}
}

func TestImport(t *testing.T) {
	tofu, _, write := begin(t)
	tofu.Apply()
	id := func(address string) string { return tofu.State(address)["id"].(string) }
	rule := id("vultr_firewall_group.it") + "," + id("vultr_firewall_rule.it")
	for _, address := range []string{"vultr_ssh_key.it", "vultr_firewall_group.it", "vultr_instance.it"} {
		tofu.Reimport(address, id(address))
	}
	tofu.Reimport("vultr_firewall_rule.it", rule)
	if plan := tofu.Plan(); !strings.Contains(plan, "forces replacement") {
		t.Errorf("as with the real provider, user data and keys of an import are not known:\n%s", plan)
	}
	write("ignore_changes = []", "ignore_changes = [user_data, ssh_key_ids]")
	if _, plan := tofu.Try("plan"); strings.Contains(plan, "replacement") {
		t.Errorf("an imported instance is replaced:\n%s", plan)
	}
	tofu.Apply()
}
