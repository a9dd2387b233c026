mock_provider "cloudflare" {
  mock_resource "cloudflare_zero_trust_tunnel_cloudflared" {
    defaults = { id = "f70ff985-a4ef-4643-bbbc-4a0ed4fc8415" }
  }
  mock_data "cloudflare_zero_trust_tunnel_cloudflared_token" {
    defaults = { token = "tunnel-token" }
  }
}

variables {
  cluster    = "three-clouds"
  account_id = "0123456789abcdef0123456789abcdef"
  zone_id    = "zone"
  domain     = "example.com"
}

run "names_lead_into_the_tunnel" {
  assert {
    condition = toset([for record in cloudflare_dns_record.tunnel : "${record.name} ${record.type} ${record.content} ${record.proxied}"]) == toset([
      "example.com CNAME f70ff985-a4ef-4643-bbbc-4a0ed4fc8415.cfargotunnel.com true",
      "*.example.com CNAME f70ff985-a4ef-4643-bbbc-4a0ed4fc8415.cfargotunnel.com true",
    ])
    error_message = jsonencode(cloudflare_dns_record.tunnel)
  }
  assert {
    condition     = jsonencode([for rule in cloudflare_zero_trust_tunnel_cloudflared_config.this.config.ingress : rule.hostname]) == jsonencode(["example.com", "*.example.com", null])
    error_message = jsonencode(cloudflare_zero_trust_tunnel_cloudflared_config.this.config)
  }
  assert {
    condition     = output.tunnel_token == "tunnel-token"
    error_message = "the token is given out"
  }
}

run "refuses_an_origin_in_the_clear" {
  command = plan
  variables {
    origin = "http://traefik"
  }
  expect_failures = [var.origin]
}
