package aws

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

func updateInstance(ctx context.Context, c client, d *data) error {
	if err := updateTags(ctx, c, d, d.ID()); err != nil {
		return err
	}
	if d.Changed("vpc_security_group_ids") {
		if err := modify(ctx, c, d, &ec2.ModifyInstanceAttributeInput{Groups: d.Strs("vpc_security_group_ids")}); err != nil {
			return err
		}
	}
	for name, request := range map[string]*ec2.ModifyInstanceAttributeInput{
		"source_dest_check":       {SourceDestCheck: flag(d, "source_dest_check")},
		"disable_api_termination": {DisableApiTermination: flag(d, "disable_api_termination")},
		"disable_api_stop":        {DisableApiStop: flag(d, "disable_api_stop")},
	} {
		if d.Changed(name) {
			if err := modify(ctx, c, d, request); err != nil {
				return err
			}
		}
	}
	if options := d.Objects("metadata_options"); d.Changed("metadata_options") && len(options) > 0 {
		request := metadata(options[0])
		request.InstanceId = aws.String(d.ID())
		if _, err := c.ec2(d).ModifyInstanceMetadataOptions(ctx, request); err != nil {
			return err
		}
	}
	// EC2 changes these of a stopped instance only.
	stopped := []*ec2.ModifyInstanceAttributeInput{}
	if d.Changed("instance_type") {
		stopped = append(stopped, &ec2.ModifyInstanceAttributeInput{InstanceType: &types.AttributeValue{Value: text(d, "instance_type")}})
	}
	if d.Changed("user_data") || d.Changed("user_data_base64") {
		raw, _ := base64.StdEncoding.DecodeString(aws.ToString(userData(d)))
		stopped = append(stopped, &ec2.ModifyInstanceAttributeInput{UserData: &types.SecureBlobAttributeValue{Value: raw}})
	}
	if len(stopped) > 0 {
		if err := whileStopped(ctx, c, d, stopped); err != nil {
			return err
		}
	}
	if d.Changed("root_block_device") {
		if err := updateDisk(ctx, c, d); err != nil {
			return err
		}
	}
	return readInstance(ctx, c, d)
}

func whileStopped(ctx context.Context, c client, d *data, changes []*ec2.ModifyInstanceAttributeInput) error {
	ids := []string{d.ID()}
	if _, err := c.ec2(d).StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids}); err != nil {
		return err
	}
	if err := waitFor(ctx, c, d, types.InstanceStateNameStopped); err != nil {
		return err
	}
	for _, change := range changes {
		if err := modify(ctx, c, d, change); err != nil {
			return err
		}
	}
	if _, err := c.ec2(d).StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}); err != nil {
		return err
	}
	return waitFor(ctx, c, d, types.InstanceStateNameRunning)
}

func updateDisk(ctx context.Context, c client, d *data) error {
	one := d.Objects("root_block_device")[0]
	before := standin.Objects(d.Before("root_block_device"))
	id := one.Str("volume_id")
	if len(before) == 1 && (before[0].Int("volume_size") != one.Int("volume_size") || before[0].Str("volume_type") != one.Str("volume_type")) {
		_, err := c.ec2(d).ModifyVolume(ctx, &ec2.ModifyVolumeInput{
			VolumeId: aws.String(id), Size: aws.Int32(int32(one.Int("volume_size"))), VolumeType: types.VolumeType(one.Str("volume_type")),
		})
		if err != nil {
			return err
		}
	}
	tags := standin.Map(one["tags"])
	if len(tags) == 0 {
		return nil
	}
	_, err := c.ec2(d).CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: tagList(tags)})
	return err
}

func readInstance(ctx context.Context, c client, d *data) error {
	now, err := find(ctx, c, d)
	if err != nil {
		return err
	}
	if now.State.Name == types.InstanceStateNameTerminated {
		return standin.ErrGone
	}
	groups, ipv6 := []string{}, []string{}
	for _, one := range now.SecurityGroups {
		groups = append(groups, aws.ToString(one.GroupId))
	}
	slices.Sort(groups)
	values := map[string]any{
		"ami": now.ImageId, "instance_type": now.InstanceType, "key_name": now.KeyName, "subnet_id": now.SubnetId,
		"private_ip": now.PrivateIpAddress, "private_dns": now.PrivateDnsName, "public_ip": now.PublicIpAddress,
		"public_dns": now.PublicDnsName, "instance_state": now.State.Name, "vpc_security_group_ids": groups,
		"ebs_optimized": now.EbsOptimized, "arn": c.arn(d, "", "instance", d.ID()),
	}
	if now.SourceDestCheck != nil {
		values["source_dest_check"] = *now.SourceDestCheck
	}
	if now.Placement != nil {
		values["availability_zone"] = now.Placement.AvailabilityZone
	}
	if now.Monitoring != nil {
		values["monitoring"] = now.Monitoring.State == types.MonitoringStateEnabled
	}
	for _, one := range now.NetworkInterfaces {
		values["primary_network_interface_id"] = one.NetworkInterfaceId
		values["associate_public_ip_address"] = one.Association != nil
		for _, address := range one.Ipv6Addresses {
			ipv6 = append(ipv6, aws.ToString(address.Ipv6Address))
		}
	}
	values["ipv6_addresses"], values["ipv6_address_count"] = ipv6, len(ipv6)
	if options := now.MetadataOptions; options != nil {
		values["metadata_options"] = []map[string]any{{
			"http_endpoint": options.HttpEndpoint, "http_tokens": options.HttpTokens,
			"http_put_response_hop_limit": options.HttpPutResponseHopLimit, "http_protocol_ipv6": options.HttpProtocolIpv6,
			"instance_metadata_tags": options.InstanceMetadataTags,
		}}
	}
	d.SetAll(values)
	setTags(c, d, now.Tags)
	if err := readAttributes(ctx, c, d); err != nil {
		return err
	}
	return readDisk(ctx, c, d, now)
}

func readAttributes(ctx context.Context, c client, d *data) error {
	ask := func(name types.InstanceAttributeName) (*ec2.DescribeInstanceAttributeOutput, error) {
		return c.ec2(d).DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: aws.String(d.ID()), Attribute: name})
	}
	protection, err := ask(types.InstanceAttributeNameDisableApiTermination)
	if err != nil {
		return gone(err)
	}
	if protection.DisableApiTermination != nil {
		d.Set("disable_api_termination", aws.ToBool(protection.DisableApiTermination.Value))
	}
	told, err := ask(types.InstanceAttributeNameUserData)
	if err != nil {
		return gone(err)
	}
	if told.UserData != nil && told.UserData.Value != nil {
		text, err := base64.StdEncoding.DecodeString(*told.UserData.Value)
		if err == nil && !d.Has("user_data_base64") {
			d.Set("user_data", string(text))
		}
	}
	return nil
}

func readDisk(ctx context.Context, c client, d *data, now *types.Instance) error {
	for _, mapping := range now.BlockDeviceMappings {
		if mapping.Ebs == nil || aws.ToString(mapping.DeviceName) != aws.ToString(now.RootDeviceName) {
			continue
		}
		found, err := c.ec2(d).DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{aws.ToString(mapping.Ebs.VolumeId)}})
		if err != nil {
			return err
		}
		for _, volume := range found.Volumes {
			var declared any
			if before := d.Objects("root_block_device"); len(before) > 0 {
				declared = before[0]["tags"]
			}
			all, told := ownTags(c, standin.Map(declared), volume.Tags)
			var own any = told
			if len(told) == 0 && declared == nil {
				own = nil
			}
			d.Set("root_block_device", []map[string]any{{
				"volume_size": volume.Size, "volume_type": volume.VolumeType, "volume_id": volume.VolumeId, "device_name": now.RootDeviceName,
				"encrypted": volume.Encrypted, "kms_key_id": aws.ToString(volume.KmsKeyId), "iops": volume.Iops,
				"throughput": volume.Throughput, "delete_on_termination": mapping.Ebs.DeleteOnTermination, "tags": own, "tags_all": all,
			}})
		}
	}
	return nil
}
