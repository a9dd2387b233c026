terraform {
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.13"
    }
  }
}

provider "cloudflare" {
  api_token = var.cloudflare_api_token
}

data "cloudflare_zone" "this" {
  filter = {
    name    = var.zone
    account = { id = var.account_id }
  }
}

module "dns" {
  source     = "../../modules/cloudflare-dns"
  cluster    = var.cluster
  account_id = var.account_id
  zone_id    = data.cloudflare_zone.this.id
  domain     = var.domain
  proxied    = var.proxied
  # Where a tunnel brings the requests, no name leads to a node.
  ingress = var.tunnel ? {} : var.ingress
}

module "r2" {
  source     = "../../modules/cloudflare-r2"
  cluster    = var.cluster
  account_id = var.account_id
  bucket     = var.backup_bucket
  lock_days  = var.backup_lock_days
  protected  = var.protect_backups
  # What is restored from is the backups and the state.
  drill_buckets = [var.state.bucket]
}

module "tunnel" {
  source     = "../../modules/cloudflare-tunnel"
  count      = var.tunnel ? 1 : 0
  cluster    = var.cluster
  account_id = var.account_id
  zone_id    = data.cloudflare_zone.this.id
  domain     = var.domain
}

output "dns01_token" {
  description = "Token for DNS-01 challenges in the zone."
  value       = module.dns.dns01_token
  sensitive   = true
}

output "r2_backup_key" {
  description = "S3 key for Velero: access_key_id, secret_access_key."
  value       = module.r2.backup_key
  sensitive   = true
}

output "r2_drill_key" {
  description = "S3 key for drills, which only reads: access_key_id, secret_access_key."
  value       = module.r2.drill_key
  sensitive   = true
}

output "r2_etcd_key" {
  description = "S3 key for etcd's snapshots: access_key_id, secret_access_key."
  value       = module.r2.etcd_key
  sensitive   = true
}

output "tunnel_token" {
  description = "What cloudflared runs the tunnel with; null without one."
  value       = one(module.tunnel[*].tunnel_token)
  sensitive   = true
}
