package hcloud

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var server = &resource{
	Create: createServer,
	Read:   readServer,
	Update: updateServer,
	Delete: func(ctx context.Context, c client, d *data) error {
		id, err := number(d)
		if err != nil {
			return err
		}
		found := &hcloud.Server{ID: id}
		if d.Bool("shutdown_before_deletion") {
			action, _, err := c.Server.Shutdown(ctx, found)
			if err := waitOne(ctx, c, action, err); err != nil {
				return notFound(err)
			}
		}
		// As https://registry.terraform.io/providers/hetznercloud/hcloud/latest/docs#delete-protection says: it lifts the lock itself.
		if d.Bool("delete_protection") || d.Bool("rebuild_protection") {
			action, _, err := c.Server.ChangeProtection(ctx, found, hcloud.ServerChangeProtectionOpts{Delete: hcloud.Ptr(false), Rebuild: hcloud.Ptr(false)})
			if err := waitOne(ctx, c, action, err); err != nil {
				return notFound(err)
			}
		}
		result, _, err := c.Server.DeleteWithResult(ctx, found)
		if err != nil {
			return notFound(err)
		}
		return waitOne(ctx, c, result.Action, nil)
	},
	// State holds a hash of the user data; an imported server has none, so that declared user data replaces it.
	Same: map[string]func(string, string) bool{
		"user_data": func(before string, planned string) bool { return before != "" && before == hash(planned) },
	},
}

func hash(userData string) string {
	sum := sha1.Sum([]byte(userData))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func createServer(ctx context.Context, c client, d *data) error {
	kind, _, err := c.ServerType.Get(ctx, d.Str("server_type"))
	if err != nil {
		return err
	}
	if kind == nil {
		return fmt.Errorf("server type %s not found", d.Str("server_type"))
	}
	image, _, err := c.Image.GetForArchitecture(ctx, d.Str("image"), kind.Architecture)
	if err != nil {
		return err
	}
	if image == nil {
		return fmt.Errorf("image %s for architecture %s not found", d.Str("image"), kind.Architecture)
	}
	if image.IsDeprecated() && !d.Bool("allow_deprecated_images") {
		return fmt.Errorf("image %s is deprecated; allow_deprecated_images lets it be used", image.Name)
	}
	options := hcloud.ServerCreateOpts{
		Name: d.Str("name"), ServerType: kind, Image: image, UserData: d.Str("user_data"), Labels: d.Map("labels"),
	}
	if location := d.Str("location"); location != "" {
		options.Location = &hcloud.Location{Name: location}
	}
	for _, name := range d.Strs("ssh_keys") {
		key, _, err := c.SSHKey.Get(ctx, name)
		if err != nil {
			return err
		}
		if key == nil {
			return fmt.Errorf("SSH key not found: %s", name)
		}
		options.SSHKeys = append(options.SSHKeys, key)
	}
	for _, id := range numbers(d.Get("firewall_ids")) {
		options.Firewalls = append(options.Firewalls, &hcloud.ServerCreateFirewall{Firewall: hcloud.Firewall{ID: id}})
	}
	if d.Has("placement_group_id") {
		options.PlacementGroup = &hcloud.PlacementGroup{ID: int64(d.Int("placement_group_id"))}
	}
	for _, one := range d.Objects("public_net") {
		options.PublicNet = &hcloud.ServerCreatePublicNet{EnableIPv4: one.Bool("ipv4_enabled"), EnableIPv6: one.Bool("ipv6_enabled")}
		if id := one.Int("ipv4"); id != 0 {
			options.PublicNet.IPv4 = &hcloud.PrimaryIP{ID: int64(id)}
		}
		if id := one.Int("ipv6"); id != 0 {
			options.PublicNet.IPv6 = &hcloud.PrimaryIP{ID: int64(id)}
		}
	}
	result, _, err := c.Server.Create(ctx, options)
	if err != nil {
		return err
	}
	d.Set("id", fmt.Sprint(result.Server.ID))
	d.Set("user_data", hashed(d.Str("user_data")))
	if err := wait(ctx, c, append([]*hcloud.Action{result.Action}, result.NextActions...), nil); err != nil {
		return err
	}
	if d.Bool("backups") {
		action, _, err := c.Server.EnableBackup(ctx, result.Server, "")
		if err := waitOne(ctx, c, action, err); err != nil {
			return err
		}
	}
	if d.Bool("delete_protection") || d.Bool("rebuild_protection") {
		if err := protect(ctx, c, result.Server, d); err != nil {
			return err
		}
	}
	return readServer(ctx, c, d)
}

func hashed(userData string) any {
	if userData == "" {
		return nil
	}
	return hash(userData)
}

func protect(ctx context.Context, c client, found *hcloud.Server, d *data) error {
	remove, rebuild := d.Bool("delete_protection"), d.Bool("rebuild_protection")
	action, _, err := c.Server.ChangeProtection(ctx, found, hcloud.ServerChangeProtectionOpts{Delete: &remove, Rebuild: &rebuild})
	return waitOne(ctx, c, action, err)
}

func numbers(value any) []int64 {
	list, _ := value.([]any)
	result := []int64{}
	for _, one := range list {
		result = append(result, int64(standin.Int(one)))
	}
	return result
}
