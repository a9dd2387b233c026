// Package aws stands in for AWS's provider, over AWS's own SDK.
package aws

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

//go:embed table.txt
var table string

type client = *connection
type data = standin.Data
type resource = standin.Resource[client]

// connection is what the provider's configuration comes to.
type connection struct {
	config      aws.Config
	endpoint    *string
	account     string
	defaultTags map[string]string
}

var Vendor = &standin.Vendor[client]{
	Regional:  true,
	Name:      "aws",
	Address:   "registry.opentofu.org/hashicorp/aws",
	Table:     table,
	Legacy:    true,
	Configure: configure,
	Resources: map[string]*resource{
		"aws_key_pair":                        keyPair,
		"aws_security_group":                  securityGroup,
		"aws_vpc_security_group_ingress_rule": rule(false),
		"aws_vpc_security_group_egress_rule":  rule(true),
		"aws_eip":                             elasticIP,
		"aws_eip_association":                 association,
		"aws_instance":                        instance,
	},
	DataSources: map[string]func(context.Context, client, *data) error{
		"aws_ami": readImage, "aws_vpc": readVPC, "aws_subnets": readSubnets,
	},
}

func configure(ctx context.Context, given *data) (client, error) {
	or := func(name string, variable string) string {
		if value := given.Str(name); value != "" {
			return value
		}
		return os.Getenv(variable)
	}
	region := or("region", "AWS_REGION")
	if region == "" {
		return nil, errors.New("Missing region configuration: the provider needs one, or AWS_REGION") //nolint:staticcheck
	}
	key, secret := or("access_key", "AWS_ACCESS_KEY_ID"), or("secret_key", "AWS_SECRET_ACCESS_KEY")
	if key == "" || secret == "" {
		return nil, errors.New("No valid credential sources found: give access_key and secret_key") //nolint:staticcheck
	}
	attempts := 25
	if given.Has("max_retries") {
		attempts = given.Int("max_retries")
	}
	c := &connection{config: aws.Config{
		Region:      region,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(key, secret, or("token", "AWS_SESSION_TOKEN"))),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
		},
	}}
	var stsEndpoint *string
	for _, one := range given.Objects("endpoints") {
		if url := one.Str("ec2"); url != "" {
			c.endpoint = &url
		}
		if url := one.Str("sts"); url != "" {
			stsEndpoint = &url
		}
	}
	for _, one := range given.Objects("default_tags") {
		c.defaultTags = standin.Map(one["tags"])
	}
	if given.Bool("skip_credentials_validation") {
		return c, nil
	}
	identity, err := sts.NewFromConfig(c.config, func(o *sts.Options) { o.BaseEndpoint = stsEndpoint }).
		GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("validating provider credentials: retrieving caller identity from STS: %w", err)
	}
	c.account = aws.ToString(identity.Account)
	if allowed := given.Strs("allowed_account_ids"); len(allowed) > 0 && !slices.Contains(allowed, c.account) {
		return nil, fmt.Errorf("AWS account ID not allowed: %s", c.account)
	}
	return c, nil
}

// ec2 is the service in the resource's region, which is the provider's unless it says another.
func (c *connection) ec2(d *data) *ec2.Client {
	if !d.Has("region") {
		d.Set("region", c.config.Region)
	}
	return ec2.NewFromConfig(c.config, func(o *ec2.Options) { o.Region, o.BaseEndpoint = d.Str("region"), c.endpoint })
}

func (c *connection) arn(d *data, owner string, kind string, id string) string {
	if owner == "" {
		owner = c.account
	}
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", d.Str("region"), owner, kind, id)
}

// gone tells what EC2 says of a thing that is not there: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func gone(err error) error {
	if isCode(err, ".NotFound") {
		return standin.ErrGone
	}
	return err
}

func isCode(err error, suffix string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasSuffix(api.ErrorCode(), suffix)
}

// planTags: what all tags will be is known before.
func planTags(c client, d *data) {
	if d.PlannedUnknown("tags") {
		return
	}
	d.Set("tags_all", allTags(c, d))
}

func allTags(c client, d *data) map[string]string {
	all := maps.Clone(c.defaultTags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, d.Map("tags"))
	return all
}

func tagList(tags map[string]string) []types.Tag {
	result := []types.Tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		result = append(result, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return result
}

func specification(kind types.ResourceType, tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: kind, Tags: tagList(tags)}}
}

// setTags stores tags as they are; those that are the provider's defaults are in tags_all alone.
func setTags(c client, d *data, found []types.Tag) {
	all, own := ownTags(c, d.Map("tags"), found)
	d.Set("tags", own)
	d.Set("tags_all", all)
}

func ownTags(c client, declared map[string]string, found []types.Tag) (all map[string]string, own map[string]string) {
	all, own = map[string]string{}, map[string]string{}
	for _, one := range found {
		key, value := aws.ToString(one.Key), aws.ToString(one.Value)
		if strings.HasPrefix(key, "aws:") {
			continue
		}
		all[key] = value
		if preset, ok := c.defaultTags[key]; !ok || preset != value || declared[key] == value {
			own[key] = value
		}
	}
	return all, own
}

func updateTags(ctx context.Context, c client, d *data, id string) error {
	if !d.Changed("tags_all") {
		return nil
	}
	wanted := allTags(c, d)
	var removed []types.Tag
	for key := range standin.Map(d.Before("tags_all")) {
		if _, ok := wanted[key]; !ok {
			removed = append(removed, types.Tag{Key: aws.String(key)})
		}
	}
	if len(removed) > 0 {
		if _, err := c.ec2(d).DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: removed}); err != nil {
			return err
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	_, err := c.ec2(d).CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: tagList(wanted)})
	return err
}

// patiently tries again while EC2 has not seen yet that nothing uses the thing any more.
func patiently(ctx context.Context, suffix string, work func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	for {
		err := work()
		if !isCode(err, suffix) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}
