package cloudflare

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
    cloudflare = { source = "cloudflare/cloudflare" }
  }
}
provider "cloudflare" {
  api_token = "TOKEN"
  base_url  = "ENDPOINT"
}
data "cloudflare_zone" "it" {
  filter = {
    name    = "example.com"
    account = { id = "acc1" }
  }
}
data "cloudflare_account_api_token_permission_groups_list" "it" {
  account_id = "acc1"
  name       = "DNS Write"
}
data "cloudflare_zero_trust_tunnel_cloudflared_token" "it" {
  account_id = "acc1"
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.it.id
}
resource "cloudflare_dns_record" "it" {
  zone_id = data.cloudflare_zone.it.id
  name    = "*.example.com"
  type    = "A"
  content = "192.0.2.1"
  ttl     = 60
  proxied = false
  comment = "cluster c"
}
resource "cloudflare_zone_setting" "it" {
  zone_id    = data.cloudflare_zone.it.id
  setting_id = "ssl"
  value      = "strict"
}
resource "cloudflare_account_token" "it" {
  account_id = "acc1"
  name       = "token"
  policies = [{
    effect            = "allow"
    permission_groups = [{ id = data.cloudflare_account_api_token_permission_groups_list.it.result[0].id }]
    resources         = jsonencode({ "com.cloudflare.api.account.zone.zone1" = "*" })
  }]
}
resource "cloudflare_api_token" "it" {
  name = "token"
  policies = [{
    effect            = "allow"
    permission_groups = [{ id = "group1" }]
    resources         = jsonencode({ "com.cloudflare.api.account.zone.zone1" = "*" })
  }]
}
resource "cloudflare_r2_bucket" "it" {
  account_id    = "acc1"
  name          = "c-backups"
  storage_class = "Standard"
}
resource "cloudflare_r2_bucket_lifecycle" "it" {
  account_id  = "acc1"
  bucket_name = cloudflare_r2_bucket.it.name
  rules = [{
    id         = "abandoned uploads"
    enabled    = true
    conditions = { prefix = "" }
    abort_multipart_uploads_transition = {
      condition = { type = "Age", max_age = 172800 }
    }
  }]
}
resource "cloudflare_r2_bucket_lock" "it" {
  account_id  = "acc1"
  bucket_name = cloudflare_r2_bucket.it.name
  rules = [{
    id        = "keep"
    enabled   = true
    prefix    = "etcd/"
    condition = { type = "Age", max_age_seconds = 86400 }
  }]
}
resource "cloudflare_zero_trust_tunnel_cloudflared" "it" {
  account_id = "acc1"
  name       = "c"
  config_src = "cloudflare"
}
resource "cloudflare_zero_trust_tunnel_cloudflared_config" "it" {
  account_id = "acc1"
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.it.id
  config = {
    ingress = [
      { hostname = "example.com", service = "https://traefik", origin_request = { origin_server_name = "example.com" } },
      { hostname = null, service = "http_status:404", origin_request = null },
    ]
  }
}
output "tunnel" {
  value     = data.cloudflare_zero_trust_tunnel_cloudflared_token.it.token
  sensitive = true
}
`

var token = strings.Repeat("t", 40)

func begin(t *testing.T) (*trial.Tofu, *fake.API, func(...string)) {
	tofu := trial.New(t, serve.Served{Address: Vendor.Address, New: Vendor.Provider})
	api := fake.Cloudflare(t)
	write := func(changes ...string) {
		tofu.Write(strings.NewReplacer(append(changes, "ENDPOINT", api.URL, "TOKEN", token)...).Replace(declared))
	}
	write()
	return tofu, api, write
}

func TestCreatedUnderstoodAndDestroyed(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	if made := tofu.State("cloudflare_account_token.it"); made["value"] != "the-value-that-is-told-once" {
		t.Errorf("the token's value is lost: %v", made)
	}
	if output := tofu.Run("output", "-raw", "tunnel"); output != "the-tunnel-token" {
		t.Errorf("the tunnel's token is %q", output)
	}
	policy := api.Only(t, "tokens")["policies"].([]any)[0].(fake.Object)
	if policy["resources"].(fake.Object)["com.cloudflare.api.account.zone.zone1"] != "*" {
		t.Errorf("resources are sent as text: %v", policy)
	}
	for _, change := range api.Changed() {
		if strings.HasPrefix(change, "DELETE") {
			t.Errorf("unasked: %s", change)
		}
	}
	tofu.Run("destroy", "-auto-approve")
	if api.Count() != 0 {
		t.Errorf("left: %v", api.Things)
	}
}

func TestNothingOfItIsShown(t *testing.T) {
	tofu, _, _ := begin(t)
	if output := tofu.Apply() + tofu.Run("show"); strings.Contains(output, "told-once") || strings.Contains(output, "the-tunnel-token") {
		t.Errorf("a token is shown:\n%s", output)
	}
}

func TestChangedInPlaceOrReplaced(t *testing.T) {
	tofu, api, write := begin(t)
	tofu.Apply()
	api.Changed()
	write("192.0.2.1", "192.0.2.2", `"strict"`, `"full"`, `"token"`, `"another token"`, "86400", "172800", "https://traefik", "https://other", `name       = "c"`, `name = "d"`, `"Standard"`, `"InfrequentAccess"`)
	tofu.Apply()
	for _, change := range api.Changed() {
		if strings.HasPrefix(change, "DELETE") || strings.HasPrefix(change, "POST") {
			t.Errorf("not in place: %s", change)
		}
	}
	if api.Only(t, "records")["content"] != "192.0.2.2" || tofu.State("cloudflare_account_token.it")["value"] != "the-value-that-is-told-once" {
		t.Error("not changed, or the token's value is lost")
	}
	write("c-backups", "d-backups")
	if plan := tofu.Plan(); !strings.Contains(plan, "forces replacement") {
		t.Errorf("another name must be another bucket:\n%s", plan)
	}
}

func TestWhatIsGoneIsMadeAgain(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	for _, collection := range []string{"records", "tokens", "user tokens", "buckets", "tunnels"} {
		api.Forget(collection)
	}
	if plan := tofu.Plan(); !strings.Contains(plan, "to add") || strings.Count(plan, "will be created") < 5 {
		t.Errorf("what is gone is not noticed:\n%s", plan)
	}
}

func TestImport(t *testing.T) {
	tofu, _, _ := begin(t)
	tofu.Apply()
	id := func(kind string) string { return tofu.State(kind + ".it")["id"].(string) }
	for kind, by := range map[string]string{
		"cloudflare_dns_record":                           "zone1/" + id("cloudflare_dns_record"),
		"cloudflare_zone_setting":                         "zone1/ssl",
		"cloudflare_account_token":                        "acc1/" + id("cloudflare_account_token"),
		"cloudflare_api_token":                            id("cloudflare_api_token"),
		"cloudflare_r2_bucket":                            "acc1/c-backups/default",
		"cloudflare_r2_bucket_lifecycle":                  "acc1/c-backups",
		"cloudflare_r2_bucket_lock":                       "acc1/c-backups/default",
		"cloudflare_zero_trust_tunnel_cloudflared":        "acc1/" + id("cloudflare_zero_trust_tunnel_cloudflared"),
		"cloudflare_zero_trust_tunnel_cloudflared_config": "acc1/" + id("cloudflare_zero_trust_tunnel_cloudflared"),
	} {
		tofu.Reimport(kind+".it", by)
	}
	if _, plan := tofu.Try("plan"); strings.Contains(plan, "replacement") {
		t.Errorf("something imported is replaced:\n%s", plan)
	}
	tofu.Apply()
}

func TestAWrongTokenIsRefusedBeforeAnything(t *testing.T) {
	tofu, api, write := begin(t)
	write(`"TOKEN"`, `"short"`)
	if code, output := tofu.Try("plan"); code == 0 || !strings.Contains(output, "40 characters") {
		t.Errorf("exit %d: %s", code, output)
	}
	if api.Count() != 0 {
		t.Error("something was made")
	}
}
