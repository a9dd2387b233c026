mock_provider "hcloud" {
  mock_resource "hcloud_firewall" {
    defaults = { id = "42" }
  }
  mock_resource "hcloud_server" {
    defaults = { id = "7", ipv4_address = "192.0.2.1", ipv6_address = "2001:db8::1" }
  }
}

variables {
  cluster          = "three-clouds"
  ssh_public_key   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake"
  state            = { bucket = "three-clouds-state", endpoint = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com" }
  state_passphrase = "a-passphrase-of-32-characters-or-more"
  hcloud_token     = "t"
  servers = {
    one = { role = "master", region = "fsn1", size = "cx33", arch = "amd64", ingress = false, protected = true }
    two = { role = "worker", region = "fsn1", size = "cx33", arch = "amd64", ingress = false, protected = false }
  }
}

run "each_server_has_the_servers_shape" {
  assert {
    condition     = toset(keys(output.servers)) == toset(["one", "two"]) && alltrue([for server in output.servers : toset(keys(server)) == toset(["publicIp", "publicIpv6", "sshUser", "id"])])
    error_message = jsonencode(output.servers)
  }
  assert {
    condition     = length(hcloud_ssh_key.admin) == 1
    error_message = "one key for all servers"
  }
}

run "one_server_less" {
  variables {
    servers = {
      one = { role = "master", region = "fsn1", size = "cx33", arch = "amd64", ingress = false, protected = true }
    }
  }
  assert {
    condition     = toset(keys(output.servers)) == toset(["one"])
    error_message = jsonencode(output.servers)
  }
}

run "the_last_server_gone" {
  variables {
    servers = {}
  }
  assert {
    condition     = output.servers == {}
    error_message = jsonencode(output.servers)
  }
  assert {
    condition     = length(hcloud_ssh_key.admin) == 0
    error_message = "nothing is left"
  }
}

run "refuses_a_weak_passphrase" {
  command = plan
  variables {
    state_passphrase = "not 32 characters"
  }
  expect_failures = [var.state_passphrase]
}
