package vultr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/vultr/govultr/v3"
)

// The real provider waits ten seconds, then three between looks; what it sees is the same.
var pollInterval = time.Second

var instance = &resource{
	Create: createInstance,
	Read:   readInstance,
	Update: updateInstance,
	Delete: func(ctx context.Context, c client, d *data) error {
		ctx, seen := watched(ctx)
		return gone(seen, c.Instance.Delete(ctx, d.ID()))
	},
}

func createInstance(ctx context.Context, c client, d *data) error {
	schedules := d.Objects("backups_schedule")
	if (d.Str("backups") == "enabled") != (len(schedules) > 0) {
		return errors.New("backups and backups_schedule belong together: give both, or neither")
	}
	request := &govultr.InstanceCreateReq{
		Region: d.Str("region"), Plan: d.Str("plan"), Label: d.Str("label"), Hostname: d.Str("hostname"),
		OsID: d.Int("os_id"), AppID: d.Int("app_id"), ImageID: d.Str("image_id"), SnapshotID: d.Str("snapshot_id"),
		ScriptID: d.Str("script_id"), ReservedIPv4: d.Str("reserved_ip_id"), FirewallGroupID: d.Str("firewall_group_id"),
		EnableIPv6: govultr.BoolToBoolPtr(d.Bool("enable_ipv6")), DisablePublicIPv4: govultr.BoolToBoolPtr(d.Bool("disable_public_ipv4")),
		ActivationEmail: govultr.BoolToBoolPtr(d.Bool("activation_email")), DDOSProtection: govultr.BoolToBoolPtr(d.Bool("ddos_protection")),
		Backups: d.Str("backups"), UserScheme: d.Str("user_scheme"), SSHKeys: d.Strs("ssh_key_ids"), Tags: d.Strs("tags"),
		UserData: base64.StdEncoding.EncodeToString([]byte(d.Str("user_data"))),
	}
	sources := 0
	for _, given := range []bool{request.OsID != 0, request.AppID != 0, request.ImageID != "", request.SnapshotID != ""} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		return errors.New("give exactly one of os_id, app_id, image_id, snapshot_id")
	}
	made, _, err := c.Instance.Create(ctx, request)
	if err != nil {
		return err
	}
	d.SetAll(map[string]any{"id": made.ID, "default_password": made.DefaultPassword})
	if err := waitFor(ctx, c, made.ID, func(now *govultr.Instance) bool { return now.Status == "active" }); err != nil {
		return err
	}
	if err := waitFor(ctx, c, made.ID, func(now *govultr.Instance) bool { return now.PowerStatus == "running" }); err != nil {
		return err
	}
	if len(schedules) > 0 {
		if err := setSchedule(ctx, c, d); err != nil {
			return err
		}
	}
	return readInstance(ctx, c, d)
}

func waitFor(ctx context.Context, c client, id string, done func(*govultr.Instance) bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	for {
		now, _, err := c.Instance.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("waiting for instance %s: %w", id, err)
		}
		if done(now) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for instance %s, which is %s and %s: %w", id, now.Status, now.PowerStatus, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

func setSchedule(ctx context.Context, c client, d *data) error {
	one := d.Objects("backups_schedule")[0]
	_, err := c.Instance.SetBackupSchedule(ctx, d.ID(), &govultr.BackupScheduleReq{
		Type: one.Str("type"), Hour: govultr.IntToIntPtr(one.Int("hour")), Dow: govultr.IntToIntPtr(one.Int("dow")), Dom: one.Int("dom"),
	})
	return err
}

func updateInstance(ctx context.Context, c client, d *data) error {
	request := &govultr.InstanceUpdateReq{
		Label: d.Str("label"), FirewallGroupID: d.Str("firewall_group_id"), Tags: d.Strs("tags"),
		EnableIPv6: govultr.BoolToBoolPtr(d.Bool("enable_ipv6")),
	}
	if d.Changed("plan") {
		request.Plan = d.Str("plan")
	}
	if d.Changed("ddos_protection") {
		request.DDOSProtection = govultr.BoolToBoolPtr(d.Bool("ddos_protection"))
	}
	if d.Changed("backups") {
		request.Backups = d.Str("backups")
	}
	if _, _, err := c.Instance.Update(ctx, d.ID(), request); err != nil {
		return err
	}
	if d.Str("backups") == "enabled" && d.Changed("backups_schedule") {
		if err := setSchedule(ctx, c, d); err != nil {
			return err
		}
	}
	if d.Changed("plan") {
		if err := waitFor(ctx, c, d.ID(), func(now *govultr.Instance) bool { return now.Plan == d.Str("plan") }); err != nil {
			return err
		}
	}
	return readInstance(ctx, c, d)
}

func readInstance(ctx context.Context, c client, d *data) error {
	ctx, seen := watched(ctx)
	now, _, err := c.Instance.Get(ctx, d.ID())
	if err := gone(seen, err); err != nil {
		return err
	}
	d.SetAll(map[string]any{
		"os": now.Os, "ram": now.RAM, "disk": now.Disk, "main_ip": now.MainIP, "vcpu_count": now.VCPUCount,
		"date_created": now.DateCreated, "status": now.Status, "allowed_bandwidth": now.AllowedBandwidth,
		"netmask_v4": now.NetmaskV4, "gateway_v4": now.GatewayV4, "power_status": now.PowerStatus,
		"server_status": now.ServerStatus, "internal_ip": now.InternalIP, "kvm": now.KVM, "v6_network": now.V6Network,
		"v6_main_ip": now.V6MainIP, "v6_network_size": now.V6NetworkSize, "tags": now.Tags, "region": now.Region, "plan": now.Plan,
		"firewall_group_id": now.FirewallGroupID, "os_id": now.OsID, "app_id": now.AppID, "features": now.Features,
		"hostname": now.Hostname, "label": now.Label, "user_scheme": scheme(d, now.UserScheme),
		"enable_ipv6": now.V6MainIP != "",
	})
	schedule, _, err := c.Instance.GetBackupSchedule(ctx, d.ID())
	if err != nil {
		return err
	}
	if schedule.Enabled == nil || !*schedule.Enabled {
		d.SetAll(map[string]any{"backups": "disabled", "backups_schedule": []any{}})
		return nil
	}
	d.SetAll(map[string]any{"backups": "enabled", "backups_schedule": []map[string]any{
		{"type": schedule.Type, "hour": schedule.Hour, "dow": schedule.Dow, "dom": schedule.Dom},
	}})
	return nil
}

// scheme: the user's name is told of every instance, and is no change where none was asked for.
func scheme(d *data, told string) any {
	if !d.Has("user_scheme") {
		return nil
	}
	return told
}
