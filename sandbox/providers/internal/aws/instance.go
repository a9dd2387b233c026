package aws

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

// pollInterval is shorter than the real provider's; what it sees is the same.
var pollInterval = time.Second

var instance = &resource{
	Plan:   planTags,
	Create: createInstance,
	Read:   readInstance,
	Update: updateInstance,
	Delete: func(ctx context.Context, c client, d *data) error {
		if _, err := c.ec2(d).TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{d.ID()}}); err != nil {
			return gone(err)
		}
		return gone(waitFor(ctx, c, d, types.InstanceStateNameTerminated))
	},
}

func createInstance(ctx context.Context, c client, d *data) error {
	tags := allTags(c, d)
	request := &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ImageId: text(d, "ami"), KeyName: text(d, "key_name"),
		InstanceType: types.InstanceType(d.Str("instance_type")), UserData: userData(d),
		TagSpecifications: specification(types.ResourceTypeInstance, tags),
	}
	if zone := text(d, "availability_zone"); zone != nil {
		request.Placement = &types.Placement{AvailabilityZone: zone}
	}
	if d.Get("disable_api_termination") != nil {
		request.DisableApiTermination = aws.Bool(d.Bool("disable_api_termination"))
	}
	if d.Get("disable_api_stop") != nil {
		request.DisableApiStop = aws.Bool(d.Bool("disable_api_stop"))
	}
	if d.Get("ebs_optimized") != nil {
		request.EbsOptimized = aws.Bool(d.Bool("ebs_optimized"))
	}
	if d.Get("monitoring") != nil {
		request.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(d.Bool("monitoring"))}
	}
	if behaviour := d.Str("instance_initiated_shutdown_behavior"); behaviour != "" {
		request.InstanceInitiatedShutdownBehavior = types.ShutdownBehavior(behaviour)
	}
	groups, subnet := d.Strs("vpc_security_group_ids"), text(d, "subnet_id")
	if d.Get("associate_public_ip_address") != nil || d.Has("ipv6_address_count") || d.Has("ipv6_addresses") {
		// EC2 takes these of an interface only: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
		device := types.InstanceNetworkInterfaceSpecification{DeviceIndex: aws.Int32(0), Groups: groups, SubnetId: subnet, PrivateIpAddress: text(d, "private_ip")}
		if d.Get("associate_public_ip_address") != nil {
			device.AssociatePublicIpAddress = aws.Bool(d.Bool("associate_public_ip_address"))
		}
		if d.Has("ipv6_address_count") {
			device.Ipv6AddressCount = port(d, "ipv6_address_count")
		}
		for _, address := range d.Strs("ipv6_addresses") {
			device.Ipv6Addresses = append(device.Ipv6Addresses, types.InstanceIpv6Address{Ipv6Address: aws.String(address)})
		}
		request.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{device}
	} else {
		request.SecurityGroupIds, request.SubnetId, request.PrivateIpAddress = groups, subnet, text(d, "private_ip")
	}
	for _, one := range d.Objects("metadata_options") {
		options := metadata(one)
		request.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpEndpoint: options.HttpEndpoint, HttpTokens: options.HttpTokens, HttpPutResponseHopLimit: options.HttpPutResponseHopLimit,
		}
	}
	for _, one := range d.Objects("root_block_device") {
		name, err := rootDevice(ctx, c, d)
		if err != nil {
			return err
		}
		request.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String(name), Ebs: disk(one)}}
		all := standin.Map(one["tags"])
		for key, value := range c.defaultTags {
			if _, ok := all[key]; !ok {
				all[key] = value
			}
		}
		request.TagSpecifications = append(request.TagSpecifications, specification(types.ResourceTypeVolume, all)...)
	}
	made, err := c.ec2(d).RunInstances(ctx, request)
	if err != nil {
		return err
	}
	d.Set("id", aws.ToString(made.Instances[0].InstanceId))
	if err := waitFor(ctx, c, d, types.InstanceStateNameRunning); err != nil {
		return err
	}
	if !d.Bool("source_dest_check") {
		if err := modify(ctx, c, d, &ec2.ModifyInstanceAttributeInput{SourceDestCheck: flag(d, "source_dest_check")}); err != nil {
			return err
		}
	}
	return readInstance(ctx, c, d)
}

func userData(d *data) *string {
	if d.Has("user_data") {
		return aws.String(base64.StdEncoding.EncodeToString([]byte(d.Str("user_data"))))
	}
	return text(d, "user_data_base64")
}

func metadata(one standin.Object) *ec2.ModifyInstanceMetadataOptionsInput {
	options := &ec2.ModifyInstanceMetadataOptionsInput{
		HttpEndpoint: types.InstanceMetadataEndpointState(one.Str("http_endpoint")), HttpTokens: types.HttpTokensState(one.Str("http_tokens")),
	}
	if hops := one.Int("http_put_response_hop_limit"); hops != 0 {
		options.HttpPutResponseHopLimit = aws.Int32(int32(hops))
	}
	return options
}

func disk(one standin.Object) *types.EbsBlockDevice {
	ebs := &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(one.Bool("delete_on_termination")), VolumeType: types.VolumeType(one.Str("volume_type"))}
	if one["encrypted"] == true {
		ebs.Encrypted = aws.Bool(true)
	}
	if size := one.Int("volume_size"); size != 0 {
		ebs.VolumeSize = aws.Int32(int32(size))
	}
	if iops := one.Int("iops"); iops != 0 {
		ebs.Iops = aws.Int32(int32(iops))
	}
	if throughput := one.Int("throughput"); throughput != 0 {
		ebs.Throughput = aws.Int32(int32(throughput))
	}
	return ebs
}

func rootDevice(ctx context.Context, c client, d *data) (string, error) {
	found, err := c.ec2(d).DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{d.Str("ami")}})
	if err != nil {
		return "", err
	}
	if len(found.Images) == 0 {
		return "", fmt.Errorf("no image %s in %s", d.Str("ami"), d.Str("region"))
	}
	return aws.ToString(found.Images[0].RootDeviceName), nil
}

func find(ctx context.Context, c client, d *data) (*types.Instance, error) {
	found, err := c.ec2(d).DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{d.ID()}})
	if err != nil {
		return nil, gone(err)
	}
	if len(found.Reservations) == 0 || len(found.Reservations[0].Instances) == 0 {
		return nil, standin.ErrGone
	}
	return &found.Reservations[0].Instances[0], nil
}

func waitFor(ctx context.Context, c client, d *data, wanted types.InstanceStateName) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	for {
		now, err := find(ctx, c, d)
		if err != nil {
			return err
		}
		switch name := now.State.Name; name {
		case wanted:
			return nil
		case types.InstanceStateNameTerminated, types.InstanceStateNameShuttingDown:
			if wanted != types.InstanceStateNameTerminated {
				return fmt.Errorf("waiting for instance %s to be %s: it is %s: %s", d.ID(), wanted, name, aws.ToString(now.StateTransitionReason))
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for instance %s to be %s: it is %s: %w", d.ID(), wanted, now.State.Name, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

func flag(d *data, name string) *types.AttributeBooleanValue {
	return &types.AttributeBooleanValue{Value: aws.Bool(d.Bool(name))}
}

func modify(ctx context.Context, c client, d *data, request *ec2.ModifyInstanceAttributeInput) error {
	request.InstanceId = aws.String(d.ID())
	_, err := c.ec2(d).ModifyInstanceAttribute(ctx, request)
	return err
}
