output "server" {
  description = "The server as the cluster knows it: publicIp, publicIpv6 (null where there is none), sshUser, id."
  value = {
    publicIp   = vultr_instance.this.main_ip
    publicIpv6 = vultr_instance.this.v6_main_ip == "" ? null : vultr_instance.this.v6_main_ip
    sshUser    = var.admin_user
    id         = vultr_instance.this.id
  }
}
