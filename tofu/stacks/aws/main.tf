terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

# Each resource says its own region; this one is asked for nothing but who the key belongs to.
provider "aws" {
  region     = try(values(var.servers)[0].region, "us-east-1")
  access_key = var.aws_access_key_id
  secret_key = var.aws_secret_access_key
}

module "server" {
  source         = "../../modules/aws-server"
  for_each       = var.servers
  cluster        = var.cluster
  name           = each.key
  region         = each.value.region
  size           = each.value.size
  ingress        = each.value.ingress
  protected      = each.value.protected
  admin_user     = var.admin_user
  ssh_public_key = var.ssh_public_key
  arch           = each.value.arch
}

output "servers" {
  description = "The servers' shape: node to publicIp, publicIpv6, sshUser, id."
  value       = { for name, server in module.server : name => server.server }
}
