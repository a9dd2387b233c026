package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

// named is the name, or one made of the prefix.
func named(d *data, name string, preset string) string {
	if given := d.Str(name); given != "" {
		return given
	}
	if prefix := d.Str(name + "_prefix"); prefix != "" {
		preset = prefix
	}
	return fmt.Sprintf("%s%d", preset, time.Now().UnixNano())
}

var keyPair = &resource{
	Plan: planTags,
	Create: func(ctx context.Context, c client, d *data) error {
		made, err := c.ec2(d).ImportKeyPair(ctx, &ec2.ImportKeyPairInput{
			KeyName: aws.String(named(d, "key_name", "terraform-")), PublicKeyMaterial: []byte(d.Str("public_key")),
			TagSpecifications: specification(types.ResourceTypeKeyPair, allTags(c, d)),
		})
		if err != nil {
			return err
		}
		d.Set("id", aws.ToString(made.KeyName))
		return readKeyPair(ctx, c, d)
	},
	// The public key is not read, as in the real provider: an import has none, and a declared one replaces it.
	Read: readKeyPair,
	Update: func(ctx context.Context, c client, d *data) error {
		if err := updateTags(ctx, c, d, d.Str("key_pair_id")); err != nil {
			return err
		}
		return readKeyPair(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		_, err := c.ec2(d).DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String(d.ID())})
		return gone(err)
	},
}

func readKeyPair(ctx context.Context, c client, d *data) error {
	found, err := c.ec2(d).DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{d.ID()}})
	if err != nil {
		return gone(err)
	}
	if len(found.KeyPairs) == 0 {
		return standin.ErrGone
	}
	one := found.KeyPairs[0]
	d.SetAll(map[string]any{
		"key_name": one.KeyName, "fingerprint": one.KeyFingerprint, "key_pair_id": one.KeyPairId, "key_type": one.KeyType,
		"arn": c.arn(d, "", "key-pair", d.ID()),
	})
	setTags(c, d, one.Tags)
	return nil
}

var securityGroup = &resource{
	Plan:   planTags,
	Create: createGroup,
	Read:   readGroup,
	Update: func(ctx context.Context, c client, d *data) error {
		if err := updateTags(ctx, c, d, d.ID()); err != nil {
			return err
		}
		return readGroup(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		return gone(patiently(ctx, "DependencyViolation", func() error {
			_, err := c.ec2(d).DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(d.ID())})
			return err
		}))
	},
}

func createGroup(ctx context.Context, c client, d *data) error {
	request := &ec2.CreateSecurityGroupInput{
		GroupName: aws.String(named(d, "name", "terraform-")), Description: aws.String(d.Str("description")),
		TagSpecifications: specification(types.ResourceTypeSecurityGroup, allTags(c, d)),
	}
	if vpc := d.Str("vpc_id"); vpc != "" {
		request.VpcId = &vpc
	}
	made, err := c.ec2(d).CreateSecurityGroup(ctx, request)
	if err != nil {
		return err
	}
	d.Set("id", aws.ToString(made.GroupId))
	if err := readGroup(ctx, c, d); err != nil {
		return err
	}
	// The real one takes away the rule that lets everything out, which EC2 gives to every new group:
	// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group
	for _, everywhere := range []types.IpPermission{
		{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
		{IpProtocol: aws.String("-1"), Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("::/0")}}},
	} {
		_, err := c.ec2(d).RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: made.GroupId, IpPermissions: []types.IpPermission{everywhere},
		})
		// A network without IPv6 has no such rule.
		if err != nil && !isCode(err, "InvalidPermission.NotFound") && !isCode(err, "InvalidParameterValue") {
			return err
		}
	}
	return nil
}

func readGroup(ctx context.Context, c client, d *data) error {
	found, err := c.ec2(d).DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{d.ID()}})
	if err != nil {
		return gone(err)
	}
	if len(found.SecurityGroups) == 0 {
		return standin.ErrGone
	}
	one := found.SecurityGroups[0]
	d.SetAll(map[string]any{
		"name": one.GroupName, "description": one.Description, "vpc_id": one.VpcId, "owner_id": one.OwnerId,
		"arn": c.arn(d, aws.ToString(one.OwnerId), "security-group", d.ID()),
	})
	setTags(c, d, one.Tags)
	return nil
}

// rule is one rule into a security group or out of it.
func rule(egress bool) *resource {
	return &resource{
		Plan: planTags,
		Create: func(ctx context.Context, c client, d *data) error {
			made, err := authorize(ctx, c, d, egress)
			if err != nil {
				return err
			}
			if len(made) == 0 {
				return fmt.Errorf("EC2 made no rule in %s", d.Str("security_group_id"))
			}
			d.Set("id", aws.ToString(made[0].SecurityGroupRuleId))
			return readRule(ctx, c, d, egress)
		},
		Read: func(ctx context.Context, c client, d *data) error { return readRule(ctx, c, d, egress) },
		Update: func(ctx context.Context, c client, d *data) error {
			_, err := c.ec2(d).ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
				GroupId: aws.String(d.Str("security_group_id")),
				SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
					SecurityGroupRuleId: aws.String(d.ID()), SecurityGroupRule: ruleRequest(d),
				}},
			})
			if err != nil {
				return err
			}
			if err := updateTags(ctx, c, d, d.ID()); err != nil {
				return err
			}
			return readRule(ctx, c, d, egress)
		},
		Delete: func(ctx context.Context, c client, d *data) error {
			group, ids := aws.String(d.Str("security_group_id")), []string{d.ID()}
			var err error
			if egress {
				_, err = c.ec2(d).RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, SecurityGroupRuleIds: ids})
			} else {
				_, err = c.ec2(d).RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, SecurityGroupRuleIds: ids})
			}
			return gone(err)
		},
	}
}

func text(d *data, name string) *string {
	if value := d.Str(name); value != "" {
		return &value
	}
	return nil
}

func port(d *data, name string) *int32 {
	if d.Get(name) == nil {
		return nil
	}
	return aws.Int32(int32(d.Int(name)))
}

func ruleRequest(d *data) *types.SecurityGroupRuleRequest {
	return &types.SecurityGroupRuleRequest{
		CidrIpv4: text(d, "cidr_ipv4"), CidrIpv6: text(d, "cidr_ipv6"), PrefixListId: text(d, "prefix_list_id"),
		ReferencedGroupId: text(d, "referenced_security_group_id"), IpProtocol: text(d, "ip_protocol"),
		FromPort: port(d, "from_port"), ToPort: port(d, "to_port"), Description: text(d, "description"),
	}
}

func authorize(ctx context.Context, c client, d *data, egress bool) ([]types.SecurityGroupRule, error) {
	permission := types.IpPermission{IpProtocol: text(d, "ip_protocol"), FromPort: port(d, "from_port"), ToPort: port(d, "to_port")}
	note := text(d, "description")
	switch {
	case d.Has("cidr_ipv4"):
		permission.IpRanges = []types.IpRange{{CidrIp: text(d, "cidr_ipv4"), Description: note}}
	case d.Has("cidr_ipv6"):
		permission.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: text(d, "cidr_ipv6"), Description: note}}
	case d.Has("prefix_list_id"):
		permission.PrefixListIds = []types.PrefixListId{{PrefixListId: text(d, "prefix_list_id"), Description: note}}
	default:
		permission.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: text(d, "referenced_security_group_id"), Description: note}}
	}
	group, tags := aws.String(d.Str("security_group_id")), specification(types.ResourceTypeSecurityGroupRule, allTags(c, d))
	if egress {
		made, err := c.ec2(d).AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: group, IpPermissions: []types.IpPermission{permission}, TagSpecifications: tags})
		if err != nil {
			return nil, err
		}
		return made.SecurityGroupRules, nil
	}
	made, err := c.ec2(d).AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group, IpPermissions: []types.IpPermission{permission}, TagSpecifications: tags})
	if err != nil {
		return nil, err
	}
	return made.SecurityGroupRules, nil
}

func readRule(ctx context.Context, c client, d *data, egress bool) error {
	found, err := c.ec2(d).DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{d.ID()}})
	if err != nil {
		return gone(err)
	}
	if len(found.SecurityGroupRules) == 0 || aws.ToBool(found.SecurityGroupRules[0].IsEgress) != egress {
		return standin.ErrGone
	}
	one := found.SecurityGroupRules[0]
	values := map[string]any{
		"security_group_id": one.GroupId, "security_group_rule_id": d.ID(), "ip_protocol": one.IpProtocol,
		"cidr_ipv4": one.CidrIpv4, "cidr_ipv6": one.CidrIpv6, "prefix_list_id": one.PrefixListId, "description": one.Description,
		"referenced_security_group_id": nil, "arn": c.arn(d, aws.ToString(one.GroupOwnerId), "security-group-rule", d.ID()),
	}
	if one.ReferencedGroupInfo != nil {
		values["referenced_security_group_id"] = one.ReferencedGroupInfo.GroupId
	}
	// EC2 tells -1 for all ports of all protocols; who left them out has not declared them.
	for name, number := range map[string]*int32{"from_port": one.FromPort, "to_port": one.ToPort} {
		if number == nil || *number == -1 && d.Get(name) == nil {
			values[name] = nil
		} else {
			values[name] = *number
		}
	}
	d.SetAll(values)
	setTags(c, d, one.Tags)
	return nil
}
