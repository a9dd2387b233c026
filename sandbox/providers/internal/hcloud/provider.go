// Package hcloud stands in for Hetzner's provider, over Hetzner's own SDK.
package hcloud

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

//go:embed table.txt
var table string

type client = *hcloud.Client
type data = standin.Data
type resource = standin.Resource[client]

var Vendor = &standin.Vendor[client]{
	Name:      "hcloud",
	Address:   "registry.opentofu.org/hetznercloud/hcloud",
	Table:     table,
	Legacy:    true,
	Configure: configure,
	Resources: map[string]*resource{
		"hcloud_ssh_key":             sshKey,
		"hcloud_firewall":            firewall,
		"hcloud_firewall_attachment": firewallAttachment,
		"hcloud_server":              server,
	},
	DataSources: map[string]func(context.Context, client, *data) error{
		"hcloud_server_type": readServerType,
		"hcloud_image":       readImage,
		"hcloud_location":    readLocation,
	},
}

func configure(_ context.Context, config *data) (client, error) {
	token := config.Str("token")
	if token == "" {
		token = os.Getenv("HCLOUD_TOKEN")
	}
	if len(token) != 64 {
		// https://github.com/hetznercloud/terraform-provider-hcloud refuses it before the first request.
		return nil, errors.New("the token must be exactly 64 characters long")
	}
	interval := 500 * time.Millisecond
	if text := config.Str("poll_interval"); text != "" {
		given, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("poll_interval: %w", err)
		}
		interval = given
	}
	options := []hcloud.ClientOption{
		hcloud.WithToken(token),
		hcloud.WithApplication("hcloud-terraform", "stand-in"),
		hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(interval)}),
	}
	if endpoint := config.Str("endpoint"); endpoint != "" {
		options = append(options, hcloud.WithEndpoint(endpoint))
	}
	return hcloud.NewClient(options...), nil
}

func number(d *data) (int64, error) {
	id, err := strconv.ParseInt(d.ID(), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no id of Hetzner's", d.ID())
	}
	return id, nil
}

// gone tells what the SDK says of a resource that is not there: nothing, and no error.
func gone[T any](found *T, err error) error {
	if hcloud.IsError(err, hcloud.ErrorCodeNotFound) || err == nil && found == nil {
		return standin.ErrGone
	}
	return err
}

func notFound(err error) error {
	if hcloud.IsError(err, hcloud.ErrorCodeNotFound) {
		return standin.ErrGone
	}
	return err
}

func wait(ctx context.Context, c client, actions []*hcloud.Action, err error) error {
	if err != nil {
		return err
	}
	given := []*hcloud.Action{}
	for _, one := range actions {
		if one != nil {
			given = append(given, one)
		}
	}
	return c.Action.WaitFor(ctx, given...)
}

func waitOne(ctx context.Context, c client, action *hcloud.Action, err error) error {
	return wait(ctx, c, []*hcloud.Action{action}, err)
}

// labels of an update: an empty map takes them away, none would leave them.
func labels(d *data) map[string]string { return d.Map("labels") }

var sshKey = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		key, _, err := c.SSHKey.Create(ctx, hcloud.SSHKeyCreateOpts{Name: d.Str("name"), PublicKey: d.Str("public_key"), Labels: labels(d)})
		if err != nil {
			return err
		}
		d.Set("id", fmt.Sprint(key.ID))
		return readSSHKey(ctx, c, d)
	},
	Read: readSSHKey,
	Update: func(ctx context.Context, c client, d *data) error {
		id, err := number(d)
		if err != nil {
			return err
		}
		if _, _, err := c.SSHKey.Update(ctx, &hcloud.SSHKey{ID: id}, hcloud.SSHKeyUpdateOpts{Name: d.Str("name"), Labels: labels(d)}); err != nil {
			return err
		}
		return readSSHKey(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		id, err := number(d)
		if err != nil {
			return err
		}
		_, err = c.SSHKey.Delete(ctx, &hcloud.SSHKey{ID: id})
		return notFound(err)
	},
}

func readSSHKey(ctx context.Context, c client, d *data) error {
	id, err := number(d)
	if err != nil {
		return err
	}
	key, _, err := c.SSHKey.GetByID(ctx, id)
	if err := gone(key, err); err != nil {
		return err
	}
	d.SetAll(map[string]any{"name": key.Name, "public_key": key.PublicKey, "fingerprint": key.Fingerprint, "labels": key.Labels})
	return nil
}
