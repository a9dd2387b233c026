mock_provider "aws" {
  mock_data "aws_ami" {
    defaults = { id = "ami-1" }
  }
  mock_resource "aws_instance" {
    defaults = { id = "i-1", public_ip = "192.0.2.3", ipv6_addresses = [] }
  }
}

variables {
  cluster               = "three-clouds"
  ssh_public_key        = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake"
  state                 = { bucket = "three-clouds-state", endpoint = "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com" }
  state_passphrase      = "a-passphrase-of-32-characters-or-more"
  aws_access_key_id     = "k"
  aws_secret_access_key = "s"
  servers = {
    one = { role = "master", region = "eu-central-1", size = "t3.medium", arch = "amd64", ingress = false, protected = true }
    two = { role = "worker", region = "eu-central-1", size = "t3.medium", arch = "amd64", ingress = false, protected = false }
  }
}

run "each_server_has_the_servers_shape" {
  assert {
    condition     = toset(keys(output.servers)) == toset(["one", "two"]) && alltrue([for server in output.servers : toset(keys(server)) == toset(["publicIp", "publicIpv6", "sshUser", "id"])])
    error_message = jsonencode(output.servers)
  }
}

run "one_server_less" {
  variables {
    servers = {
      one = { role = "master", region = "eu-central-1", size = "t3.medium", arch = "amd64", ingress = false, protected = true }
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
}

run "refuses_a_weak_passphrase" {
  command = plan
  variables {
    state_passphrase = "not 32 characters"
  }
  expect_failures = [var.state_passphrase]
}
