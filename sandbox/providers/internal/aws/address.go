package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var elasticIP = &resource{
	Plan: planTags,
	Create: func(ctx context.Context, c client, d *data) error {
		made, err := c.ec2(d).AllocateAddress(ctx, &ec2.AllocateAddressInput{
			Domain: types.DomainTypeVpc, PublicIpv4Pool: text(d, "public_ipv4_pool"), NetworkBorderGroup: text(d, "network_border_group"),
			TagSpecifications: specification(types.ResourceTypeElasticIp, allTags(c, d)),
		})
		if err != nil {
			return err
		}
		d.Set("id", aws.ToString(made.AllocationId))
		if d.Has("instance") || d.Has("network_interface") {
			if err := associate(ctx, c, d); err != nil {
				return err
			}
		}
		return readAddress(ctx, c, d)
	},
	Read: readAddress,
	Update: func(ctx context.Context, c client, d *data) error {
		if d.Changed("instance") || d.Changed("network_interface") {
			if id := standin.Str(d.Before("association_id")); id != "" {
				if _, err := c.ec2(d).DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &id}); err != nil {
					return err
				}
			}
			if d.Has("instance") || d.Has("network_interface") {
				if err := associate(ctx, c, d); err != nil {
					return err
				}
			}
		}
		if err := updateTags(ctx, c, d, d.ID()); err != nil {
			return err
		}
		return readAddress(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		if id := d.Str("association_id"); id != "" && (d.Has("instance") || d.Has("network_interface")) {
			if _, err := c.ec2(d).DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &id}); err != nil && !isCode(err, ".NotFound") {
				return err
			}
		}
		_, err := c.ec2(d).ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: aws.String(d.ID())})
		return gone(err)
	},
}

func associate(ctx context.Context, c client, d *data) error {
	_, err := c.ec2(d).AssociateAddress(ctx, &ec2.AssociateAddressInput{
		AllocationId: aws.String(d.ID()), InstanceId: text(d, "instance"), NetworkInterfaceId: text(d, "network_interface"),
	})
	return err
}

func readAddress(ctx context.Context, c client, d *data) error {
	found, err := c.ec2(d).DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{d.ID()}})
	if err != nil {
		return gone(err)
	}
	if len(found.Addresses) == 0 {
		return standin.ErrGone
	}
	one := found.Addresses[0]
	d.SetAll(map[string]any{
		"allocation_id": d.ID(), "association_id": aws.ToString(one.AssociationId), "domain": one.Domain,
		"instance": aws.ToString(one.InstanceId), "network_interface": aws.ToString(one.NetworkInterfaceId),
		"network_border_group": one.NetworkBorderGroup, "private_ip": aws.ToString(one.PrivateIpAddress), "public_ip": one.PublicIp,
		"public_ipv4_pool": one.PublicIpv4Pool, "arn": c.arn(d, "", "elastic-ip", d.ID()),
	})
	setTags(c, d, one.Tags)
	return nil
}

var association = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		made, err := c.ec2(d).AssociateAddress(ctx, &ec2.AssociateAddressInput{
			AllocationId: text(d, "allocation_id"), InstanceId: text(d, "instance_id"), PublicIp: text(d, "public_ip"),
			NetworkInterfaceId: text(d, "network_interface_id"), PrivateIpAddress: text(d, "private_ip_address"),
			AllowReassociation: aws.Bool(d.Bool("allow_reassociation")),
		})
		if err != nil {
			return err
		}
		d.Set("id", aws.ToString(made.AssociationId))
		return readAssociation(ctx, c, d)
	},
	Read: readAssociation,
	Delete: func(ctx context.Context, c client, d *data) error {
		_, err := c.ec2(d).DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: aws.String(d.ID())})
		return gone(err)
	},
}

func readAssociation(ctx context.Context, c client, d *data) error {
	found, err := c.ec2(d).DescribeAddresses(ctx, &ec2.DescribeAddressesInput{
		Filters: []types.Filter{{Name: aws.String("association-id"), Values: []string{d.ID()}}},
	})
	if err != nil {
		return gone(err)
	}
	if len(found.Addresses) == 0 {
		return standin.ErrGone
	}
	one := found.Addresses[0]
	d.SetAll(map[string]any{
		"allocation_id": one.AllocationId, "instance_id": one.InstanceId, "network_interface_id": one.NetworkInterfaceId,
		"private_ip_address": one.PrivateIpAddress, "public_ip": one.PublicIp,
	})
	return nil
}
