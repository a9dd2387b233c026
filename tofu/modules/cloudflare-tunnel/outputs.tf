output "tunnel_token" {
  description = "What cloudflared in the cluster runs the tunnel with."
  value       = data.cloudflare_zero_trust_tunnel_cloudflared_token.this.token
  sensitive   = true
}
