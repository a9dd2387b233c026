mock_provider "hcloud" {
  mock_resource "hcloud_firewall" {
    defaults = { id = "42" }
  }
  mock_resource "hcloud_server" {
    defaults = { id = "7", ipv4_address = "192.0.2.1", ipv6_address = "2001:db8::1" }
  }
}

variables {
  cluster        = "three-clouds"
  name           = "node-1"
  region         = "fsn1"
  size           = "cx33"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake admin@laptop"
  ssh_key_id     = "1"
}

run "only_ssh_and_tailscale_come_in" {
  assert {
    condition     = toset([for rule in hcloud_firewall.this.rule : "${rule.direction} ${rule.protocol} ${rule.port}"]) == toset(["in tcp 22", "in udp 41641"])
    error_message = jsonencode(hcloud_firewall.this.rule)
  }
  assert {
    condition     = alltrue([for rule in hcloud_firewall.this.rule : rule.source_ips == toset(["0.0.0.0/0", "::/0"])])
    error_message = "IPv4 and IPv6 alike"
  }
  assert {
    condition     = hcloud_server.this.firewall_ids == toset([42]) && hcloud_server.this.labels == tomap({ "infra-k3s-cluster" = "three-clouds", "infra-k3s-node" = "node-1" })
    error_message = "behind its firewall, labelled"
  }
  assert {
    condition     = output.server == { publicIp = "192.0.2.1", publicIpv6 = "2001:db8::1", sshUser = "admin", id = "7" }
    error_message = jsonencode(output.server)
  }
  assert {
    condition     = !hcloud_server.this.delete_protection && !hcloud_server.this.rebuild_protection
    error_message = "not protected unless asked"
  }
}

run "another_key_or_image_is_no_reason_to_replace" {
  command = plan
  variables {
    ssh_key_id     = "2"
    ssh_public_key = "ssh-ed25519 AAAAother"
  }
  assert {
    condition     = hcloud_server.this.id == "7" && hcloud_server.this.ssh_keys[0] == "1"
    error_message = "the server would be another"
  }
}

run "protected_with_the_web" {
  variables {
    protected = true
    ingress   = true
  }
  assert {
    condition     = toset([for rule in hcloud_firewall.this.rule : "${rule.protocol} ${rule.port}"]) == toset(["tcp 22", "udp 41641", "tcp 80", "tcp 443"])
    error_message = jsonencode(hcloud_firewall.this.rule)
  }
  assert {
    condition     = hcloud_server.this.delete_protection && hcloud_server.this.rebuild_protection
    error_message = "Hetzner itself protects it"
  }
}

run "can_be_removed_when_no_longer_protected" {
  variables {
    protected = false
  }
}

run "refuses_what_is_no_name" {
  command = plan
  variables {
    name = "Node_1"
  }
  expect_failures = [var.name]
}

run "refuses_what_is_no_public_key" {
  command = plan
  variables {
    ssh_public_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
  }
  expect_failures = [var.ssh_public_key]
}

run "refuses_root" {
  command = plan
  variables {
    admin_user = "root"
  }
  expect_failures = [var.admin_user]
}
