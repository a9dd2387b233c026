mock_provider "cloudflare" {
  mock_data "cloudflare_account_api_token_permission_groups_list" {
    defaults = {
      result = [
        { id = "dns-read", name = "DNS Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "dns-write", name = "DNS Write", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "zone-read", name = "Zone Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "item-write", name = "Workers R2 Storage Bucket Item Write", scopes = ["com.cloudflare.edge.r2.bucket"] },
      ]
    }
  }
  mock_resource "cloudflare_account_token" {
    defaults = { id = "token-id", value = "token-value" }
  }
}

variables {
  cluster    = "three-clouds"
  account_id = "0123456789abcdef0123456789abcdef"
  zone_id    = "zone"
  domain     = "example.com"
  ingress = {
    vultr-1 = { ipv4 = "192.0.2.1", ipv6 = "2001:db8::1" }
    aws-1   = { ipv4 = "192.0.2.2", ipv6 = null }
  }
}

run "apex_and_wildcard_to_each_ingress_node" {
  assert {
    condition = toset([for record in cloudflare_dns_record.ingress : "${record.name} ${record.type} ${record.content}"]) == toset([
      "example.com A 192.0.2.1", "example.com AAAA 2001:db8::1", "example.com A 192.0.2.2",
      "*.example.com A 192.0.2.1", "*.example.com AAAA 2001:db8::1", "*.example.com A 192.0.2.2",
    ])
    error_message = jsonencode(cloudflare_dns_record.ingress)
  }
  assert {
    condition     = alltrue([for record in cloudflare_dns_record.ingress : !record.proxied && record.ttl == 60 && record.comment == "infra-k3s-cluster=three-clouds"])
    error_message = "not proxied, ours"
  }
  assert {
    condition     = length(cloudflare_zone_setting.ssl) == 0
    error_message = "the zone's settings are the user's own until the edge is in front"
  }
  assert {
    condition     = jsondecode(one(cloudflare_account_token.dns01.policies).resources) == { "com.cloudflare.api.account.zone.zone" = "*" } && length(cloudflare_account_token.dns01.policies) == 1
    error_message = "the token reaches one zone"
  }
  assert {
    condition     = toset([for group in one(cloudflare_account_token.dns01.policies).permission_groups : group.id]) == toset(["dns-write", "zone-read"])
    error_message = "the token may write records and read the zone"
  }
  assert {
    condition     = output.dns01_token == "token-value"
    error_message = "the token is given out"
  }
}

run "behind_the_edge_it_is_full_strict" {
  variables {
    proxied = true
  }
  assert {
    condition     = cloudflare_zone_setting.ssl[0].setting_id == "ssl" && cloudflare_zone_setting.ssl[0].value == "strict"
    error_message = "strict"
  }
  assert {
    condition     = alltrue([for record in cloudflare_dns_record.ingress : record.proxied && record.ttl == 1])
    error_message = "a proxied record's TTL is automatic"
  }
}

run "a_changed_address_is_carried_through" {
  variables {
    ingress = { vultr-1 = { ipv4 = "192.0.2.9" } }
  }
  assert {
    condition     = toset([for record in cloudflare_dns_record.ingress : "${record.name} ${record.content}"]) == toset(["example.com 192.0.2.9", "*.example.com 192.0.2.9"])
    error_message = jsonencode(cloudflare_dns_record.ingress)
  }
}

run "refuses_what_is_no_address" {
  command = plan
  variables {
    ingress = { vultr-1 = { ipv4 = "" } }
  }
  expect_failures = [var.ingress]
}
