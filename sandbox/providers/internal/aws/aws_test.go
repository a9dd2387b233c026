package aws

import (
	"strings"
	"testing"
	"time"

	"infra-k3s.invalid/sandbox/providers/internal/fake"
	"infra-k3s.invalid/sandbox/providers/internal/serve"
	"infra-k3s.invalid/sandbox/providers/internal/trial"
)

const declared = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region     = "eu-central-1"
  access_key = "AKIA"
  secret_key = "secret"
  endpoints {
    ec2 = "ENDPOINT"
    sts = "ENDPOINT"
  }
  default_tags {
    tags = { from = "everywhere" }
  }
}
data "aws_ami" "it" {
  owners      = ["136693071363"]
  most_recent = true
  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}
data "aws_vpc" "it" { default = true }
data "aws_subnets" "it" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.it.id]
  }
}
resource "aws_key_pair" "it" {
  key_name   = "c-node-1"
  public_key = "ssh-ed25519 AAAA"
  tags       = { Name = "node-1" }
}
resource "aws_security_group" "it" {
  name        = "c-node-1"
  description = "node 1"
  tags        = { Name = "node-1" }
}
resource "aws_vpc_security_group_ingress_rule" "it" {
  security_group_id = aws_security_group.it.id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = "0.0.0.0/0"
}
resource "aws_vpc_security_group_egress_rule" "it" {
  security_group_id = aws_security_group.it.id
  ip_protocol       = "-1"
  cidr_ipv6         = "::/0"
}
resource "aws_instance" "it" {
  ami                         = data.aws_ami.it.id
  instance_type               = "t3.small"
  key_name                    = aws_key_pair.it.key_name
  vpc_security_group_ids      = [aws_security_group.it.id]
  associate_public_ip_address = true
  disable_api_termination     = false
  user_data                   = "#cloud-config"
  tags                        = { Name = "node-1" }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  root_block_device {
    volume_type = "gp3"
    volume_size = 30
    encrypted   = true
    tags        = { Name = "node-1" }
  }
}
resource "aws_eip" "it" {
  domain = "vpc"
  tags   = { Name = "node-1" }
}
resource "aws_eip_association" "it" {
  allocation_id = aws_eip.it.id
  instance_id   = aws_instance.it.id
}
`

func begin(t *testing.T) (*trial.Tofu, *fake.API, func(...string)) {
	tofu := trial.New(t, serve.Served{Address: Vendor.Address, Legacy: Vendor.Legacy, New: Vendor.Provider})
	api := fake.EC2(t)
	pollInterval = time.Millisecond
	write := func(changes ...string) {
		tofu.Write(strings.NewReplacer(append(changes, "ENDPOINT", api.URL)...).Replace(declared))
	}
	write()
	return tofu, api, write
}

func TestCreatedUnderstoodAndDestroyed(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	instance := tofu.State("aws_instance.it")
	if instance["ami"] != "ami-new" || instance["public_ip"] != "192.0.2.8" || instance["instance_state"] != "running" || instance["user_data"] != "#cloud-config" {
		t.Errorf("the instance is not waited for, or not understood: %v", instance)
	}
	if addresses, _ := instance["ipv6_addresses"].([]any); len(addresses) != 1 || addresses[0] != "2001:db8:3::8" {
		t.Errorf("IPv6: %v", instance["ipv6_addresses"])
	}
	if fake.UserData(api.Only(t, "attributes")) != "#cloud-config" {
		t.Error("EC2 gets other user data than declared")
	}
	tags := instance["tags_all"].(map[string]any)
	if tags["Name"] != "node-1" || tags["from"] != "everywhere" || len(tags) != 2 {
		t.Errorf("tags: %v", tags)
	}
	changes := strings.Join(api.Changed(), " ")
	if strings.Count(changes, "RevokeSecurityGroupEgress") != 2 {
		t.Errorf("the rule that lets everything out is left: %s", changes)
	}
	tofu.Run("destroy", "-auto-approve")
	for _, collection := range []string{"keys", "groups", "rules", "addresses"} {
		if len(api.Things[collection]) != 0 {
			t.Errorf("left: %v", api.Things[collection])
		}
	}
	if state := api.Only(t, "instances")["instanceState"].(fake.Object); state["name"] != "terminated" {
		t.Errorf("the instance is %v", state)
	}
}

func TestChangedInPlaceOrReplaced(t *testing.T) {
	tofu, api, write := begin(t)
	tofu.Apply()
	api.Changed()
	write("t3.small", "t3.medium", "_port         = 22", "_port = 80", "to_port           = 22", "to_port = 80", "from_port         = 22", "from_port = 80")
	tofu.Apply()
	changes := strings.Join(api.Changed(), " ")
	if strings.Contains(changes, "Terminate") || strings.Contains(changes, "RevokeSecurityGroupIngress") {
		t.Errorf("not in place: %s", changes)
	}
	if !strings.Contains(changes, "StopInstances ModifyInstanceAttribute StartInstances") || !strings.Contains(changes, "ModifySecurityGroupRules") {
		t.Errorf("not as the real provider: %s", changes)
	}
	write(`ami                         = data.aws_ami.it.id`, `ami = "ami-old"`)
	if plan := tofu.Plan(); !strings.Contains(plan, "forces replacement") {
		t.Errorf("another image must be another instance:\n%s", plan)
	}
}

func TestWhatIsGoneIsMadeAgain(t *testing.T) {
	tofu, api, _ := begin(t)
	tofu.Apply()
	for _, collection := range []string{"instances", "keys", "groups", "rules", "addresses"} {
		api.Forget(collection)
	}
	if plan := tofu.Plan(); !strings.Contains(plan, "7 to add, 0 to change, 0 to destroy") {
		t.Errorf("what is gone is not noticed:\n%s", plan)
	}
}

func TestProtectedIsNotDestroyed(t *testing.T) {
	tofu, _, write := begin(t)
	write("disable_api_termination     = false", "disable_api_termination = true")
	tofu.Apply()
	if code, output := tofu.Try("destroy", "-auto-approve", "-target=aws_instance.it"); code == 0 || !strings.Contains(output, "OperationNotPermitted") {
		t.Errorf("exit %d: %s", code, output)
	}
}

func TestImport(t *testing.T) {
	tofu, _, write := begin(t)
	tofu.Apply()
	for _, address := range []string{
		"aws_security_group.it", "aws_vpc_security_group_ingress_rule.it", "aws_vpc_security_group_egress_rule.it",
		"aws_eip.it", "aws_eip_association.it", "aws_instance.it", "aws_key_pair.it",
	} {
		tofu.Reimport(address, tofu.State(address)["id"].(string))
	}
	tofu.Reimport("aws_instance.it", tofu.State("aws_instance.it")["id"].(string)+"@eu-central-1")
	if region := tofu.State("aws_instance.it")["region"]; region != "eu-central-1" {
		t.Errorf("imported in %v", region)
	}
	if plan := tofu.Plan(); !strings.Contains(plan, "public_key") || strings.Count(plan, "forces replacement") != 1 {
		t.Errorf("as with the real provider, the public key of an import is not known, and all else is:\n%s", plan)
	}
	write(`  tags       = { Name = "node-1" }
}
resource "aws_security_group"`, `  tags       = { Name = "node-1" }
  lifecycle {
    ignore_changes = [public_key]
  }
}
resource "aws_security_group"`)
	tofu.Apply()
}
