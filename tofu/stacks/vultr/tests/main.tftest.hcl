mock_provider "vultr" {
  mock_data "vultr_os" {
    defaults = { id = "2136" }
  }
  mock_resource "vultr_instance" {
    defaults = { id = "cb676a46", main_ip = "192.0.2.2", v6_main_ip = "2001:db8::2" }
  }
}

variables {
  cluster          = "three-clouds"
  ssh_public_key   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake"
  state            = { bucket = "three-clouds-state", endpoint = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com" }
  state_passphrase = "a-passphrase-of-32-characters-or-more"
  vultr_api_key    = "t"
  servers = {
    one = { role = "master", region = "fra", size = "vc2-2c-4gb", arch = "amd64", ingress = false, protected = true }
    two = { role = "worker", region = "fra", size = "vc2-2c-4gb", arch = "amd64", ingress = false, protected = false }
  }
}

run "each_server_has_the_servers_shape" {
  assert {
    condition     = toset(keys(output.servers)) == toset(["one", "two"]) && alltrue([for server in output.servers : toset(keys(server)) == toset(["publicIp", "publicIpv6", "sshUser", "id"])])
    error_message = jsonencode(output.servers)
  }
  assert {
    condition     = length(vultr_ssh_key.admin) == 1
    error_message = "one key for all servers"
  }
}

run "one_server_less" {
  variables {
    servers = {
      one = { role = "master", region = "fra", size = "vc2-2c-4gb", arch = "amd64", ingress = false, protected = true }
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
    condition     = length(vultr_ssh_key.admin) == 0
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
