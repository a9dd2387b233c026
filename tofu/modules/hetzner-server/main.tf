locals {
  labels = {
    "infra-k3s-cluster" = var.cluster
    "infra-k3s-node"    = var.name
  }

  # SSH, Tailscale's direct paths (https://tailscale.com/kb/1082/firewall-ports), and the web where it is wanted.
  ports = concat(
    [{ protocol = "tcp", port = 22 }, { protocol = "udp", port = 41641 }],
    var.ingress ? [{ protocol = "tcp", port = 80 }, { protocol = "tcp", port = 443 }] : [],
  )
}

module "cloud_init" {
  source         = "../cloud-init"
  name           = var.name
  admin_user     = var.admin_user
  ssh_public_key = var.ssh_public_key
}

resource "hcloud_firewall" "this" {
  name   = "${var.cluster}-${var.name}"
  labels = local.labels
  dynamic "rule" {
    for_each = local.ports
    content {
      direction  = "in"
      protocol   = rule.value.protocol
      port       = tostring(rule.value.port)
      source_ips = ["0.0.0.0/0", "::/0"]
    }
  }
}

resource "hcloud_server" "this" {
  name         = var.name
  server_type  = var.size
  location     = var.region
  image        = "debian-12"
  ssh_keys     = [var.ssh_key_id]
  user_data    = module.cloud_init.user_data
  firewall_ids = [hcloud_firewall.this.id]
  labels       = local.labels

  # Hetzner wants both alike. They hold against everybody but this provider, which lifts them before it deletes; and
  # prevent_destroy can't ask a variable of a module that has an instance per server: for one that is removed there is no
  # value, and no server could be. infra-k3s looks at the plan.
  # https://registry.terraform.io/providers/hetznercloud/hcloud/latest/docs#delete-protection
  delete_protection  = var.protected
  rebuild_protection = var.protected

  public_net {
    ipv4_enabled = true
    ipv6_enabled = true
  }

  lifecycle {
    # What is read once, at the first boot: a difference would replace the server.
    ignore_changes = [image, ssh_keys, user_data]
  }
}
