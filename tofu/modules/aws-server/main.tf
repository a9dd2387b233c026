locals {
  tags = {
    Name                = var.name
    "infra-k3s-cluster" = var.cluster
    "infra-k3s-node"    = var.name
  }

  # SSH, Tailscale's direct paths (https://tailscale.com/kb/1082/firewall-ports), and the web where it is wanted.
  ports = concat(
    [{ protocol = "tcp", port = 22 }, { protocol = "udp", port = 41641 }],
    var.ingress ? [{ protocol = "tcp", port = 80 }, { protocol = "tcp", port = 443 }] : [],
  )
  rules = {
    for rule in setproduct(local.ports, [{ v4 = "0.0.0.0/0", v6 = null }, { v4 = null, v6 = "::/0" }]) :
    "${rule[0].protocol}-${rule[0].port}-${rule[1].v4 == null ? "v6" : "v4"}" => merge(rule[0], rule[1])
  }
}

module "cloud_init" {
  source         = "../cloud-init"
  name           = var.name
  admin_user     = var.admin_user
  ssh_public_key = var.ssh_public_key
}

# https://wiki.debian.org/Cloud/AmazonEC2Image: the owner is Debian's own account.
data "aws_ami" "debian" {
  region      = var.region
  owners      = ["136693071363"]
  most_recent = true
  filter {
    name   = "name"
    values = ["debian-12-${var.arch}-*"]
  }
  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}

resource "aws_key_pair" "this" {
  region     = var.region
  key_name   = "${var.cluster}-${var.name}"
  public_key = var.ssh_public_key
  tags       = local.tags
}

# In the region's default VPC, as the server.
resource "aws_security_group" "this" {
  region      = var.region
  name        = "${var.cluster}-${var.name}"
  description = "infra-k3s node ${var.name} of ${var.cluster}"
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "in" {
  for_each          = local.rules
  region            = var.region
  security_group_id = aws_security_group.this.id
  ip_protocol       = each.value.protocol
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.v4
  cidr_ipv6         = each.value.v6
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each          = { v4 = { v4 = "0.0.0.0/0", v6 = null }, v6 = { v4 = null, v6 = "::/0" } }
  region            = var.region
  security_group_id = aws_security_group.this.id
  ip_protocol       = "-1"
  cidr_ipv4         = each.value.v4
  cidr_ipv6         = each.value.v6
  tags              = local.tags
}

resource "aws_instance" "this" {
  region                      = var.region
  ami                         = data.aws_ami.debian.id
  instance_type               = var.size
  key_name                    = aws_key_pair.this.key_name
  vpc_security_group_ids      = [aws_security_group.this.id]
  associate_public_ip_address = true
  disable_api_termination     = var.protected
  user_data                   = module.cloud_init.user_data
  tags                        = local.tags

  # Version 2 with a hop limit of 1: the answer does not reach a pod.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = var.disk_gb
    encrypted   = true
    tags        = local.tags
  }

  # No server stands without its rules, nor is cut off before it is gone.
  depends_on = [aws_vpc_security_group_ingress_rule.in, aws_vpc_security_group_egress_rule.out]

  lifecycle {
    # What is read once, at the first boot, and Debian's newest image: a difference would replace the server. A server
    # that is stopped has no public address, which is no reason to replace it either.
    ignore_changes = [ami, associate_public_ip_address, key_name, user_data]
  }
}
