locals {
  addresses = concat(
    [for node, address in var.ingress : { node = node, type = "A", content = address.ipv4 }],
    [for node, address in var.ingress : { node = node, type = "AAAA", content = address.ipv6 } if address.ipv6 != null],
  )
  records = {
    for record in setproduct([{ at = "apex", name = var.domain }, { at = "wildcard", name = "*.${var.domain}" }], local.addresses) :
    "${record[0].at}-${record[1].node}-${record[1].type}" => merge(record[0], record[1])
  }
}

resource "cloudflare_dns_record" "ingress" {
  for_each = local.records
  zone_id  = var.zone_id
  name     = each.value.name
  type     = each.value.type
  content  = each.value.content
  proxied  = var.proxied
  # 1 is "automatic", which a proxied record must have.
  ttl     = var.proxied ? 1 : 60
  comment = "infra-k3s-cluster=${var.cluster}"
}

# Full (strict): the edge takes no certificate of a node that it can't verify.
resource "cloudflare_zone_setting" "ssl" {
  count      = var.proxied ? 1 : 0
  zone_id    = var.zone_id
  setting_id = "ssl"
  value      = "strict"
}

# All of them: what the API's own filter by name wants to be encoded as is told in two ways.
data "cloudflare_account_api_token_permission_groups_list" "all" {
  account_id = var.account_id
}

locals {
  permissions = { for group in data.cloudflare_account_api_token_permission_groups_list.all.result : group.name => group.id... }
}

# What cert-manager answers DNS-01 with: the records of this zone and nothing else.
# https://cert-manager.io/docs/configuration/acme/dns01/cloudflare/
resource "cloudflare_account_token" "dns01" {
  account_id = var.account_id
  name       = "infra-k3s ${var.cluster} dns01"
  policies = [{
    effect = "allow"
    permission_groups = [
      { id = local.permissions["DNS Write"][0] },
      { id = local.permissions["Zone Read"][0] },
    ]
    resources = jsonencode({ "com.cloudflare.api.account.zone.${var.zone_id}" = "*" })
  }]
}
