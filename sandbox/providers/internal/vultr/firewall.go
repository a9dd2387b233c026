package vultr

import (
	"context"
	"fmt"
	"strconv"

	"github.com/vultr/govultr/v3"
)

var firewallGroup = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		group, _, err := c.FirewallGroup.Create(ctx, &govultr.FirewallGroupReq{Description: d.Str("description")})
		if err != nil {
			return err
		}
		d.Set("id", group.ID)
		return readFirewallGroup(ctx, c, d)
	},
	Read: readFirewallGroup,
	Update: func(ctx context.Context, c client, d *data) error {
		if err := c.FirewallGroup.Update(ctx, d.ID(), &govultr.FirewallGroupReq{Description: d.Str("description")}); err != nil {
			return err
		}
		return readFirewallGroup(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		ctx, seen := watched(ctx)
		return gone(seen, c.FirewallGroup.Delete(ctx, d.ID()))
	},
}

func readFirewallGroup(ctx context.Context, c client, d *data) error {
	ctx, seen := watched(ctx)
	group, _, err := c.FirewallGroup.Get(ctx, d.ID())
	if err := gone(seen, err); err != nil {
		return err
	}
	d.SetAll(map[string]any{
		"description": group.Description, "date_created": group.DateCreated, "date_modified": group.DateModified,
		"instance_count": group.InstanceCount, "rule_count": group.RuleCount, "max_rule_count": group.MaxRuleCount,
	})
	return nil
}

var firewallRule = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		rule, _, err := c.FirewallRule.Create(ctx, d.Str("firewall_group_id"), &govultr.FirewallRuleReq{
			IPType: d.Str("ip_type"), Protocol: d.Str("protocol"), Subnet: d.Str("subnet"), SubnetSize: d.Int("subnet_size"),
			Port: d.Str("port"), Source: d.Str("source"), Notes: d.Str("notes"),
		})
		if err != nil {
			return err
		}
		d.Set("id", strconv.Itoa(rule.ID))
		return readFirewallRule(ctx, c, d)
	},
	Read: readFirewallRule,
	Delete: func(ctx context.Context, c client, d *data) error {
		id, err := ruleID(d)
		if err != nil {
			return err
		}
		ctx, seen := watched(ctx)
		return gone(seen, c.FirewallRule.Delete(ctx, d.Str("firewall_group_id"), id))
	},
	Import:  []string{"firewall_group_id", "id"},
	Divider: ",",
}

func ruleID(d *data) (int, error) {
	id, err := strconv.Atoi(d.ID())
	if err != nil {
		return 0, fmt.Errorf("%q is no number of a firewall rule", d.ID())
	}
	return id, nil
}

func readFirewallRule(ctx context.Context, c client, d *data) error {
	id, err := ruleID(d)
	if err != nil {
		return err
	}
	ctx, seen := watched(ctx)
	rule, _, err := c.FirewallRule.Get(ctx, d.Str("firewall_group_id"), id)
	if err := gone(seen, err); err != nil {
		return err
	}
	d.SetAll(map[string]any{
		"ip_type": rule.IPType, "protocol": rule.Protocol, "subnet": rule.Subnet, "subnet_size": rule.SubnetSize,
		"port": rule.Port, "source": rule.Source, "notes": rule.Notes,
	})
	return nil
}
