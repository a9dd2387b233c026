package hcloud

import (
	"context"
	"fmt"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var firewallAttachment = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		d.Set("id", fmt.Sprint(d.Int("firewall_id")))
		return attach(ctx, c, d, nil)
	},
	Read: readAttachment,
	Update: func(ctx context.Context, c client, d *data) error {
		found, err := findFirewall(ctx, c, int64(d.Int("firewall_id")))
		if err != nil {
			return err
		}
		return attach(ctx, c, d, found.AppliedTo)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		found, err := findFirewall(ctx, c, int64(d.Int("firewall_id")))
		if err != nil || len(found.AppliedTo) == 0 {
			return err
		}
		actions, _, err := c.Firewall.RemoveResources(ctx, found, found.AppliedTo)
		return wait(ctx, c, actions, err)
	},
	Import: []string{"firewall_id"},
}

// attach makes the firewall apply to what is declared and to nothing else.
func attach(ctx context.Context, c client, d *data, current []hcloud.FirewallResource) error {
	found := &hcloud.Firewall{ID: int64(d.Int("firewall_id"))}
	wanted := map[string]hcloud.FirewallResource{}
	ids, _ := d.Get("server_ids").([]any)
	for _, id := range ids {
		one := byServer(int64(standin.Int(id)))
		wanted[nameOf(one)] = one
	}
	for _, selector := range d.Strs("label_selectors") {
		one := bySelector(selector)
		wanted[nameOf(one)] = one
	}
	extra := []hcloud.FirewallResource{}
	for _, one := range current {
		if _, ok := wanted[nameOf(one)]; !ok {
			extra = append(extra, one)
		}
		delete(wanted, nameOf(one))
	}
	missing := []hcloud.FirewallResource{}
	for _, one := range wanted {
		missing = append(missing, one)
	}
	if len(extra) > 0 {
		actions, _, err := c.Firewall.RemoveResources(ctx, found, extra)
		if err := wait(ctx, c, actions, err); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		actions, _, err := c.Firewall.ApplyResources(ctx, found, missing)
		if err := wait(ctx, c, actions, err); err != nil {
			return err
		}
	}
	return readAttachment(ctx, c, d)
}

func nameOf(one hcloud.FirewallResource) string {
	if one.Type == hcloud.FirewallResourceTypeServer {
		return fmt.Sprint("server ", one.Server.ID)
	}
	return "selector " + one.LabelSelector.Selector
}

func readAttachment(ctx context.Context, c client, d *data) error {
	found, err := findFirewall(ctx, c, int64(d.Int("firewall_id")))
	if err != nil {
		return err
	}
	ids, selectors := []int64{}, []string{}
	for _, one := range found.AppliedTo {
		if one.Type == hcloud.FirewallResourceTypeServer {
			ids = append(ids, one.Server.ID)
		} else {
			selectors = append(selectors, one.LabelSelector.Selector)
		}
	}
	if len(ids)+len(selectors) == 0 {
		return standin.ErrGone
	}
	d.SetAll(map[string]any{"id": fmt.Sprint(found.ID), "firewall_id": found.ID, "server_ids": ids, "label_selectors": selectors})
	return nil
}
