# What a server is at first: a name and one user that comes in by key. Nothing here is secret: whoever is on the host
# can read it back from the provider's metadata service.
output "user_data" {
  description = "The cloud-init document."
  value = join("\n", ["#cloud-config", yamlencode({
    hostname     = var.name
    disable_root = true
    ssh_pwauth   = false
    users = [{
      name                = var.admin_user
      groups              = ["sudo"]
      shell               = "/bin/bash"
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      lock_passwd         = true
      ssh_authorized_keys = [var.ssh_public_key]
    }]
  })])
}
