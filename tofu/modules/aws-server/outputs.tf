output "server" {
  description = "The server as the cluster knows it: publicIp, publicIpv6 (null where there is none), sshUser, id."
  value = {
    publicIp   = aws_instance.this.public_ip
    publicIpv6 = try(aws_instance.this.ipv6_addresses[0], null)
    sshUser    = var.admin_user
    id         = aws_instance.this.id
  }
}
