package hcloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

func updateServer(ctx context.Context, c client, d *data) error {
	id, err := number(d)
	if err != nil {
		return err
	}
	found, _, err := c.Server.GetByID(ctx, id)
	if err := gone(found, err); err != nil {
		return err
	}
	if d.Changed("name") || d.Changed("labels") {
		if _, _, err := c.Server.Update(ctx, found, hcloud.ServerUpdateOpts{Name: d.Str("name"), Labels: d.Map("labels")}); err != nil {
			return err
		}
	}
	if d.Changed("server_type") {
		if err := changeType(ctx, c, d, found); err != nil {
			return err
		}
	}
	if d.Changed("backups") {
		toggle := c.Server.DisableBackup
		if d.Bool("backups") {
			toggle = func(ctx context.Context, s *hcloud.Server) (*hcloud.Action, *hcloud.Response, error) {
				return c.Server.EnableBackup(ctx, s, "")
			}
		}
		action, _, err := toggle(ctx, found)
		if err := waitOne(ctx, c, action, err); err != nil {
			return err
		}
	}
	if d.Changed("firewall_ids") {
		if err := changeFirewalls(ctx, c, d, found); err != nil {
			return err
		}
	}
	if d.Changed("delete_protection") || d.Changed("rebuild_protection") {
		if err := protect(ctx, c, found, d); err != nil {
			return err
		}
	}
	return readServer(ctx, c, d)
}

func changeType(ctx context.Context, c client, d *data, found *hcloud.Server) error {
	running := found.Status == hcloud.ServerStatusRunning
	if running {
		action, _, err := c.Server.Poweroff(ctx, found)
		if err := waitOne(ctx, c, action, err); err != nil {
			return err
		}
	}
	action, _, err := c.Server.ChangeType(ctx, found, hcloud.ServerChangeTypeOpts{
		ServerType: &hcloud.ServerType{Name: d.Str("server_type")}, UpgradeDisk: !d.Bool("keep_disk"),
	})
	if err := waitOne(ctx, c, action, err); err != nil {
		return err
	}
	if !running {
		return nil
	}
	action, _, err = c.Server.Poweron(ctx, found)
	return waitOne(ctx, c, action, err)
}

func changeFirewalls(ctx context.Context, c client, d *data, found *hcloud.Server) error {
	wanted := map[int64]bool{}
	for _, id := range numbers(d.Get("firewall_ids")) {
		wanted[id] = true
	}
	target := []hcloud.FirewallResource{byServer(found.ID)}
	for _, one := range found.PublicNet.Firewalls {
		if wanted[one.Firewall.ID] {
			delete(wanted, one.Firewall.ID)
			continue
		}
		actions, _, err := c.Firewall.RemoveResources(ctx, &one.Firewall, target)
		if err := wait(ctx, c, actions, err); err != nil {
			return err
		}
	}
	for id := range wanted {
		actions, _, err := c.Firewall.ApplyResources(ctx, &hcloud.Firewall{ID: id}, target)
		if err := wait(ctx, c, actions, err); err != nil {
			return err
		}
	}
	return nil
}

func readServer(ctx context.Context, c client, d *data) error {
	id, err := number(d)
	if err != nil {
		return err
	}
	found, _, err := c.Server.GetByID(ctx, id)
	if err := gone(found, err); err != nil {
		return err
	}
	ipv6, network := "", ""
	if !found.PublicNet.IPv6.IsUnspecified() {
		ipv6 = strings.TrimSuffix(found.PublicNet.IPv6.IP.String(), "::") + "::1"
		network = found.PublicNet.IPv6.Network.String()
	}
	ipv4 := ""
	if !found.PublicNet.IPv4.IsUnspecified() {
		ipv4 = found.PublicNet.IPv4.IP.String()
	}
	firewalls := []int64{}
	for _, one := range found.PublicNet.Firewalls {
		firewalls = append(firewalls, one.Firewall.ID)
	}
	d.SetAll(map[string]any{
		"name": found.Name, "server_type": found.ServerType.Name, "location": found.Location.Name, "status": found.Status,
		"labels": found.Labels, "backup_window": found.BackupWindow, "backups": found.BackupWindow != "",
		"ipv4_address": ipv4, "ipv6_address": ipv6, "ipv6_network": network, "primary_disk_size": found.PrimaryDiskSize,
		"delete_protection": found.Protection.Delete, "rebuild_protection": found.Protection.Rebuild,
	})
	if !d.Bool("ignore_remote_firewall_ids") || !d.Has("firewall_ids") {
		d.Set("firewall_ids", firewalls)
	}
	// An image that was named stays named; one that was imported is told by its name, or its number without one.
	if found.Image != nil && d.Str("image") != fmt.Sprint(found.Image.ID) {
		if found.Image.Name != "" {
			d.Set("image", found.Image.Name)
		} else {
			d.Set("image", fmt.Sprint(found.Image.ID))
		}
	}
	if blocks := d.Objects("public_net"); len(blocks) > 0 {
		d.Set("public_net", []map[string]any{{
			"ipv4_enabled": ipv4 != "", "ipv6_enabled": ipv6 != "", "ipv4": blocks[0].Int("ipv4"), "ipv6": blocks[0].Int("ipv6"),
		}})
	}
	return nil
}
