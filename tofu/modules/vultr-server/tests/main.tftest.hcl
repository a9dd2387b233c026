mock_provider "vultr" {
  mock_data "vultr_os" {
    defaults = { id = "2136" }
  }
  mock_resource "vultr_instance" {
    defaults = { id = "cb676a46", main_ip = "192.0.2.2", v6_main_ip = "2001:db8::2" }
  }
}

variables {
  cluster        = "three-clouds"
  name           = "node-1"
  region         = "fra"
  size           = "vc2-2c-4gb"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake admin@laptop"
  ssh_key_id     = "1"
}

run "only_ssh_and_tailscale_come_in" {
  assert {
    condition = toset([for rule in vultr_firewall_rule.in : "${rule.protocol} ${rule.port} ${rule.subnet}/${rule.subnet_size} ${rule.ip_type}"]) == toset([
      "tcp 22 0.0.0.0/0 v4", "tcp 22 ::/0 v6", "udp 41641 0.0.0.0/0 v4", "udp 41641 ::/0 v6",
    ])
    error_message = jsonencode(vultr_firewall_rule.in)
  }
  assert {
    condition     = vultr_instance.this.firewall_group_id == vultr_firewall_group.this.id && vultr_instance.this.tags == toset(["infra-k3s-cluster:three-clouds", "infra-k3s-node:node-1"])
    error_message = "behind its firewall, tagged"
  }
  assert {
    condition     = vultr_instance.this.backups == "disabled" && vultr_instance.this.enable_ipv6
    error_message = "nothing that is billed beside the server; IPv6"
  }
  assert {
    condition     = output.server == { publicIp = "192.0.2.2", publicIpv6 = "2001:db8::2", sshUser = "admin", id = "cb676a46" }
    error_message = jsonencode(output.server)
  }
}

run "ingress_lets_the_web_in" {
  variables {
    ingress = true
  }
  assert {
    condition     = toset([for rule in vultr_firewall_rule.in : rule.port]) == toset(["22", "41641", "80", "443"]) && length(vultr_firewall_rule.in) == 8
    error_message = jsonencode(vultr_firewall_rule.in)
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
