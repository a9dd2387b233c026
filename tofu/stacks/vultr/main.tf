terraform {
  required_providers {
    vultr = {
      source  = "vultr/vultr"
      version = "~> 2.26"
    }
  }
}

provider "vultr" {
  api_key = var.vultr_api_key
  # Milliseconds between two calls; Vultr takes 30 calls a second, and the provider would wait 500.
  rate_limit  = 100
  retry_limit = 5
}

resource "vultr_ssh_key" "admin" {
  count   = length(var.servers) > 0 ? 1 : 0
  name    = "infra-k3s-cluster:${var.cluster}"
  ssh_key = var.ssh_public_key
}

module "server" {
  source         = "../../modules/vultr-server"
  for_each       = var.servers
  cluster        = var.cluster
  name           = each.key
  region         = each.value.region
  size           = each.value.size
  ingress        = each.value.ingress
  admin_user     = var.admin_user
  ssh_public_key = var.ssh_public_key
  ssh_key_id     = vultr_ssh_key.admin[0].id
}

output "servers" {
  description = "The servers' shape: node to publicIp, publicIpv6, sshUser, id."
  value       = { for name, server in module.server : name => server.server }
}
