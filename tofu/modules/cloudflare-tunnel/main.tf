locals {
  names = { apex = var.domain, wildcard = "*.${var.domain}" }
}

resource "cloudflare_zero_trust_tunnel_cloudflared" "this" {
  account_id = var.account_id
  name       = "infra-k3s-${var.cluster}"
  config_src = "cloudflare"
}

resource "cloudflare_zero_trust_tunnel_cloudflared_config" "this" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.this.id
  config = {
    ingress = concat(
      [for name in values(local.names) : {
        hostname       = name
        service        = var.origin
        origin_request = { origin_server_name = var.domain }
      }],
      # A tunnel wants a last rule for everything else.
      [{ hostname = null, service = "http_status:404", origin_request = null }],
    )
  }
}

resource "cloudflare_dns_record" "tunnel" {
  for_each = local.names
  zone_id  = var.zone_id
  name     = each.value
  type     = "CNAME"
  content  = "${cloudflare_zero_trust_tunnel_cloudflared.this.id}.cfargotunnel.com"
  proxied  = true
  ttl      = 1
  comment  = "infra-k3s-cluster=${var.cluster}"
}

data "cloudflare_zero_trust_tunnel_cloudflared_token" "this" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.this.id
}
