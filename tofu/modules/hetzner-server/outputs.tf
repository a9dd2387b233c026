output "server" {
  description = "The server as the cluster knows it: publicIp, publicIpv6 (null where there is none), sshUser, id."
  value = {
    publicIp   = hcloud_server.this.ipv4_address
    publicIpv6 = hcloud_server.this.ipv6_address
    sshUser    = var.admin_user
    id         = hcloud_server.this.id
  }
}
