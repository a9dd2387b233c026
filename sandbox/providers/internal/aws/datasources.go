package aws

import (
	"context"
	"errors"
	"regexp"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

func filters(d *data) []types.Filter {
	result := []types.Filter{}
	for _, one := range d.Objects("filter") {
		result = append(result, types.Filter{Name: aws.String(one.Str("name")), Values: standin.Strs(one["values"])})
	}
	return result
}

func tagFilters(d *data) []types.Filter {
	result := []types.Filter{}
	for _, tag := range tagList(d.Map("tags")) {
		result = append(result, types.Filter{Name: aws.String("tag:" + *tag.Key), Values: []string{*tag.Value}})
	}
	return result
}

func readImage(ctx context.Context, c client, d *data) error {
	request := &ec2.DescribeImagesInput{Owners: d.Strs("owners"), Filters: filters(d)}
	if d.Bool("include_deprecated") {
		request.IncludeDeprecated = aws.Bool(true)
	}
	found, err := c.ec2(d).DescribeImages(ctx, request)
	if err != nil {
		return err
	}
	images := []types.Image{}
	pattern, err := regexp.Compile(d.Str("name_regex"))
	if err != nil {
		return err
	}
	for _, one := range found.Images {
		if pattern.MatchString(aws.ToString(one.Name)) {
			images = append(images, one)
		}
	}
	if len(images) == 0 {
		return errors.New("your query returned no results. Please change your search criteria and try again")
	}
	if len(images) > 1 && !d.Bool("most_recent") {
		return errors.New("your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true")
	}
	sort.Slice(images, func(i, j int) bool {
		return aws.ToString(images[i].CreationDate) > aws.ToString(images[j].CreationDate)
	})
	one := images[0]
	d.SetAll(map[string]any{
		"id": one.ImageId, "image_id": one.ImageId, "name": one.Name, "architecture": one.Architecture, "creation_date": one.CreationDate,
		"description": one.Description, "owner_id": one.OwnerId, "root_device_name": one.RootDeviceName,
		"root_device_type": one.RootDeviceType, "state": one.State, "virtualization_type": one.VirtualizationType,
		"arn": "arn:aws:ec2:" + d.Str("region") + "::image/" + aws.ToString(one.ImageId),
	})
	return nil
}

func readVPC(ctx context.Context, c client, d *data) error {
	request := &ec2.DescribeVpcsInput{Filters: append(filters(d), tagFilters(d)...)}
	if id := d.ID(); id != "" {
		request.VpcIds = []string{id}
	}
	if d.Bool("default") {
		request.Filters = append(request.Filters, types.Filter{Name: aws.String("isDefault"), Values: []string{"true"}})
	}
	for name, filter := range map[string]string{"cidr_block": "cidr", "state": "state", "dhcp_options_id": "dhcp-options-id"} {
		if d.Has(name) {
			request.Filters = append(request.Filters, types.Filter{Name: aws.String(filter), Values: []string{d.Str(name)}})
		}
	}
	found, err := c.ec2(d).DescribeVpcs(ctx, request)
	if err != nil {
		return err
	}
	if len(found.Vpcs) != 1 {
		return errors.New("no matching EC2 VPC found, or more than one: say more of it")
	}
	one := found.Vpcs[0]
	tags := map[string]string{}
	for _, tag := range one.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	values := map[string]any{
		"id": one.VpcId, "cidr_block": one.CidrBlock, "default": aws.ToBool(one.IsDefault), "state": one.State,
		"dhcp_options_id": one.DhcpOptionsId, "instance_tenancy": one.InstanceTenancy, "owner_id": one.OwnerId, "tags": tags,
		"arn": c.arn(d, aws.ToString(one.OwnerId), "vpc", aws.ToString(one.VpcId)),
	}
	for _, block := range one.Ipv6CidrBlockAssociationSet {
		values["ipv6_cidr_block"] = block.Ipv6CidrBlock
	}
	d.SetAll(values)
	return nil
}

func readSubnets(ctx context.Context, c client, d *data) error {
	found, err := c.ec2(d).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: append(filters(d), tagFilters(d)...)})
	if err != nil {
		return err
	}
	ids := []string{}
	for _, one := range found.Subnets {
		ids = append(ids, aws.ToString(one.SubnetId))
	}
	d.SetAll(map[string]any{"id": d.Str("region"), "ids": ids, "tags": d.Map("tags")})
	return nil
}
