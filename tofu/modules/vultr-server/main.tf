locals {
  # SSH, Tailscale's direct paths (https://tailscale.com/kb/1082/firewall-ports), and the web where it is wanted.
  ports = concat(
    [{ protocol = "tcp", port = 22 }, { protocol = "udp", port = 41641 }],
    var.ingress ? [{ protocol = "tcp", port = 80 }, { protocol = "tcp", port = 443 }] : [],
  )
  rules = {
    for rule in setproduct(local.ports, [{ type = "v4", subnet = "0.0.0.0" }, { type = "v6", subnet = "::" }]) :
    "${rule[0].protocol}-${rule[0].port}-${rule[1].type}" => merge(rule[0], rule[1])
  }
}

module "cloud_init" {
  source         = "../cloud-init"
  name           = var.name
  admin_user     = var.admin_user
  ssh_public_key = var.ssh_public_key
}

data "vultr_os" "debian" {
  filter {
    name   = "name"
    values = ["Debian 12 x64 (bookworm)"]
  }
}

resource "vultr_firewall_group" "this" {
  # A group has no tags: this is where the cluster's name stands.
  description = "infra-k3s-cluster:${var.cluster} ${var.name}"
}

resource "vultr_firewall_rule" "in" {
  for_each          = local.rules
  firewall_group_id = vultr_firewall_group.this.id
  protocol          = each.value.protocol
  ip_type           = each.value.type
  subnet            = each.value.subnet
  subnet_size       = 0
  port              = tostring(each.value.port)
  notes             = "infra-k3s"

  lifecycle {
    # Vultr tells a rule's own network as its source, which older providers take for a change that needs a new rule:
    # https://github.com/vultr/terraform-provider-vultr/issues/722
    ignore_changes = [source]
  }
}

resource "vultr_instance" "this" {
  label             = var.name
  hostname          = var.name
  plan              = var.size
  region            = var.region
  os_id             = data.vultr_os.debian.id
  enable_ipv6       = true
  activation_email  = false
  backups           = "disabled"
  ssh_key_ids       = [var.ssh_key_id]
  user_data         = module.cloud_init.user_data
  firewall_group_id = vultr_firewall_group.this.id
  tags              = ["infra-k3s-cluster:${var.cluster}", "infra-k3s-node:${var.name}"]

  # No server stands open before its rules do.
  depends_on = [vultr_firewall_rule.in]

  lifecycle {
    # What is read once, at the first boot: another os_id or hostname installs the server anew.
    ignore_changes = [hostname, os_id, ssh_key_ids, user_data]
  }
}
