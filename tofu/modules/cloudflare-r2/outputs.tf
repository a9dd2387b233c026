locals {
  # https://developers.cloudflare.com/r2/api/tokens/#get-s3-api-credentials-from-an-api-token
  keys = {
    for use, token in cloudflare_account_token.r2 :
    use => { access_key_id = token.id, secret_access_key = sha256(token.value) }
  }
}

output "backup_key" {
  description = "S3 key for Velero: access_key_id and secret_access_key."
  value       = local.keys["backup"]
  sensitive   = true
}

output "drill_key" {
  description = "S3 key for drills, which only reads: access_key_id and secret_access_key."
  value       = { access_key_id = cloudflare_account_token.drill.id, secret_access_key = sha256(cloudflare_account_token.drill.value) }
  sensitive   = true
}

output "etcd_key" {
  description = "S3 key for etcd's snapshots: access_key_id and secret_access_key."
  value       = local.keys["etcd"]
  sensitive   = true
}
