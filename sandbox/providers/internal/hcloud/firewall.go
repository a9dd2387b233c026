package hcloud

import (
	"context"
	"fmt"
	"net"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var firewall = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		rules, err := rulesOf(d)
		if err != nil {
			return err
		}
		result, _, err := c.Firewall.Create(ctx, hcloud.FirewallCreateOpts{
			Name: d.Str("name"), Labels: labels(d), Rules: rules, ApplyTo: targetsOf(d),
		})
		if err != nil {
			return err
		}
		d.Set("id", fmt.Sprint(result.Firewall.ID))
		if err := wait(ctx, c, result.Actions, nil); err != nil {
			return err
		}
		return readFirewall(ctx, c, d)
	},
	Read: readFirewall,
	Update: func(ctx context.Context, c client, d *data) error {
		id, err := number(d)
		if err != nil {
			return err
		}
		found := &hcloud.Firewall{ID: id}
		if d.Changed("name") || d.Changed("labels") {
			if _, _, err := c.Firewall.Update(ctx, found, hcloud.FirewallUpdateOpts{Name: d.Str("name"), Labels: labels(d)}); err != nil {
				return err
			}
		}
		if d.Changed("rule") {
			rules, err := rulesOf(d)
			if err != nil {
				return err
			}
			actions, _, err := c.Firewall.SetRules(ctx, found, hcloud.FirewallSetRulesOpts{Rules: rules})
			if err := wait(ctx, c, actions, err); err != nil {
				return err
			}
		}
		return readFirewall(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		id, err := number(d)
		if err != nil {
			return err
		}
		_, err = c.Firewall.Delete(ctx, &hcloud.Firewall{ID: id})
		return notFound(err)
	},
}

func rulesOf(d *data) ([]hcloud.FirewallRule, error) {
	rules := []hcloud.FirewallRule{}
	for _, one := range d.Objects("rule") {
		sources, err := networks(standin.Strs(one["source_ips"]))
		if err != nil {
			return nil, err
		}
		destinations, err := networks(standin.Strs(one["destination_ips"]))
		if err != nil {
			return nil, err
		}
		rule := hcloud.FirewallRule{
			Direction: hcloud.FirewallRuleDirection(one.Str("direction")), Protocol: hcloud.FirewallRuleProtocol(one.Str("protocol")),
			SourceIPs: sources, DestinationIPs: destinations,
		}
		if port := one.Str("port"); port != "" {
			rule.Port = &port
		}
		if description := one.Str("description"); description != "" {
			rule.Description = &description
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func networks(texts []string) ([]net.IPNet, error) {
	result := []net.IPNet{}
	for _, text := range texts {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			return nil, err
		}
		result = append(result, *network)
	}
	return result, nil
}

func targetsOf(d *data) []hcloud.FirewallResource {
	targets := []hcloud.FirewallResource{}
	for _, one := range d.Objects("apply_to") {
		if selector := one.Str("label_selector"); selector != "" {
			targets = append(targets, bySelector(selector))
		} else {
			targets = append(targets, byServer(int64(one.Int("server"))))
		}
	}
	return targets
}

func bySelector(selector string) hcloud.FirewallResource {
	return hcloud.FirewallResource{Type: hcloud.FirewallResourceTypeLabelSelector, LabelSelector: &hcloud.FirewallResourceLabelSelector{Selector: selector}}
}

func byServer(id int64) hcloud.FirewallResource {
	return hcloud.FirewallResource{Type: hcloud.FirewallResourceTypeServer, Server: &hcloud.FirewallResourceServer{ID: id}}
}

func findFirewall(ctx context.Context, c client, id int64) (*hcloud.Firewall, error) {
	found, _, err := c.Firewall.GetByID(ctx, id)
	return found, gone(found, err)
}

func readFirewall(ctx context.Context, c client, d *data) error {
	id, err := number(d)
	if err != nil {
		return err
	}
	found, err := findFirewall(ctx, c, id)
	if err != nil {
		return err
	}
	rules := []map[string]any{}
	for _, one := range found.Rules {
		rule := map[string]any{"direction": one.Direction, "protocol": one.Protocol, "source_ips": texts(one.SourceIPs), "destination_ips": texts(one.DestinationIPs)}
		if one.Port != nil {
			rule["port"] = *one.Port
		}
		if one.Description != nil && *one.Description != "" {
			rule["description"] = *one.Description
		}
		rules = append(rules, rule)
	}
	d.SetAll(map[string]any{"name": found.Name, "labels": found.Labels, "rule": rules})
	// Who does not declare whom it applies to is not told of it: https://github.com/hetznercloud/terraform-provider-hcloud/issues/561
	if len(d.Objects("apply_to")) > 0 {
		targets := []map[string]any{}
		for _, one := range found.AppliedTo {
			switch one.Type {
			case hcloud.FirewallResourceTypeServer:
				targets = append(targets, map[string]any{"server": one.Server.ID, "label_selector": ""})
			case hcloud.FirewallResourceTypeLabelSelector:
				targets = append(targets, map[string]any{"server": 0, "label_selector": one.LabelSelector.Selector})
			}
		}
		d.Set("apply_to", targets)
	}
	return nil
}

func texts(networks []net.IPNet) any {
	if len(networks) == 0 {
		return nil
	}
	result := []string{}
	for _, one := range networks {
		result = append(result, one.String())
	}
	return result
}
