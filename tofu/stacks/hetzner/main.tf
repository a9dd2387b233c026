terraform {
  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "~> 1.54"
    }
  }
}

provider "hcloud" {
  token = var.hcloud_token
}

# One for all servers: Hetzner takes the same key only once.
resource "hcloud_ssh_key" "admin" {
  count      = length(var.servers) > 0 ? 1 : 0
  name       = var.cluster
  public_key = var.ssh_public_key
  labels     = { "infra-k3s-cluster" = var.cluster }
}

module "server" {
  source         = "../../modules/hetzner-server"
  for_each       = var.servers
  cluster        = var.cluster
  name           = each.key
  region         = each.value.region
  size           = each.value.size
  ingress        = each.value.ingress
  protected      = each.value.protected
  admin_user     = var.admin_user
  ssh_public_key = var.ssh_public_key
  ssh_key_id     = hcloud_ssh_key.admin[0].id
}

output "servers" {
  description = "The servers' shape: node to publicIp, publicIpv6, sshUser, id."
  value       = { for name, server in module.server : name => server.server }
}
