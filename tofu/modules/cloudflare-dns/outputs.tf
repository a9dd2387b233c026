output "names" {
  description = "The names that have records."
  value       = distinct([for record in cloudflare_dns_record.ingress : record.name])
}

output "dns01_token" {
  description = "The token for DNS-01 challenges in this zone."
  value       = cloudflare_account_token.dns01.value
  sensitive   = true
}
