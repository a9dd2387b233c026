mock_provider "aws" {
  mock_data "aws_ami" {
    defaults = { id = "ami-1" }
  }
  mock_resource "aws_instance" {
    defaults = { id = "i-1", public_ip = "192.0.2.3", ipv6_addresses = [] }
  }
}

variables {
  cluster        = "three-clouds"
  name           = "node-1"
  region         = "eu-central-1"
  size           = "t3.medium"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake admin@laptop"
}

run "only_ssh_and_tailscale_come_in" {
  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.in : "${rule.ip_protocol} ${rule.from_port}-${rule.to_port} ${coalesce(rule.cidr_ipv4, rule.cidr_ipv6)}"]) == toset([
      "tcp 22-22 0.0.0.0/0", "tcp 22-22 ::/0", "udp 41641-41641 0.0.0.0/0", "udp 41641-41641 ::/0",
    ])
    error_message = jsonencode(aws_vpc_security_group_ingress_rule.in)
  }
  assert {
    condition     = aws_instance.this.vpc_security_group_ids == toset([aws_security_group.this.id])
    error_message = "behind its security group only"
  }
  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 with a hop limit of 1"
  }
  assert {
    condition     = aws_instance.this.root_block_device[0].encrypted && !aws_instance.this.disable_api_termination
    error_message = "encrypted, and not protected unless asked"
  }
  assert {
    condition = alltrue([for tags in [aws_instance.this.tags, aws_security_group.this.tags, aws_key_pair.this.tags, aws_instance.this.root_block_device[0].tags] :
      tags["infra-k3s-cluster"] == "three-clouds" && tags["infra-k3s-node"] == "node-1"
    ])
    error_message = "everything carries the cluster's name"
  }
  assert {
    condition     = alltrue([for region in [aws_instance.this.region, aws_security_group.this.region, aws_key_pair.this.region, data.aws_ami.debian.region] : region == "eu-central-1"])
    error_message = "everything in the server's region"
  }
  assert {
    condition     = output.server == { publicIp = "192.0.2.3", publicIpv6 = null, sshUser = "admin", id = "i-1" }
    error_message = jsonencode(output.server)
  }
}

run "protected_with_the_web" {
  variables {
    protected = true
    ingress   = true
  }
  assert {
    condition     = aws_instance.this.disable_api_termination && length(aws_vpc_security_group_ingress_rule.in) == 8
    error_message = "termination protection; 80 and 443"
  }
}

run "can_be_removed_when_no_longer_protected" {
  variables {
    protected = false
  }
}

run "refuses_an_unknown_architecture" {
  command = plan
  variables {
    arch = "riscv64"
  }
  expect_failures = [var.arch]
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
