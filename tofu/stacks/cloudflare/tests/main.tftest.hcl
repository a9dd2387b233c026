mock_provider "cloudflare" {
  mock_data "cloudflare_account_api_token_permission_groups_list" {
    defaults = {
      result = [
        { id = "dns-read", name = "DNS Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "dns-write", name = "DNS Write", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "zone-read", name = "Zone Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "item-read", name = "Workers R2 Storage Bucket Item Read", scopes = ["com.cloudflare.edge.r2.bucket"] },
        { id = "item-write", name = "Workers R2 Storage Bucket Item Write", scopes = ["com.cloudflare.edge.r2.bucket"] },
      ]
    }
  }
  mock_resource "cloudflare_account_token" {
    defaults = { id = "token-id", value = "token-value" }
  }
  mock_data "cloudflare_zone" {
    defaults = { id = "zone" }
  }
  mock_data "cloudflare_zero_trust_tunnel_cloudflared_token" {
    defaults = { token = "tunnel-token" }
  }
}

variables {
  cluster              = "three-clouds"
  cloudflare_api_token = "t"
  account_id           = "0123456789abcdef0123456789abcdef"
  zone                 = "example.com"
  domain               = "k3s.example.com"
  ingress              = { vultr-1 = { ipv4 = "192.0.2.1", ipv6 = "2001:db8::1" } }
  backup_bucket        = "three-clouds-backups"
  # A test cleans up by destroying.
  protect_backups  = false
  state            = { bucket = "three-clouds-state", endpoint = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com" }
  state_passphrase = "a-passphrase-of-32-characters-or-more"
}

run "names_lead_to_the_nodes" {
  assert {
    condition     = toset(module.dns.names) == toset(["k3s.example.com", "*.k3s.example.com"])
    error_message = jsonencode(module.dns.names)
  }
  assert {
    condition     = output.dns01_token == "token-value" && output.r2_backup_key.access_key_id == "token-id" && output.r2_etcd_key.access_key_id == "token-id" && output.tunnel_token == null
    error_message = "the outputs"
  }
}

run "or_into_the_tunnel" {
  variables {
    tunnel = true
  }
  assert {
    condition     = length(module.dns.names) == 0 && output.tunnel_token == "tunnel-token"
    error_message = "no name leads to a node"
  }
}

run "and_back" {
  assert {
    condition     = length(module.dns.names) == 2 && output.tunnel_token == null
    error_message = "no tunnel is left"
  }
}

run "refuses_a_domain_outside_the_zone" {
  command = plan
  variables {
    domain = "example.org"
  }
  expect_failures = [var.domain]
}
