package cloudflare

import (
	"context"
	"errors"

	"github.com/cloudflare/cloudflare-go/v6/dns"
	"github.com/cloudflare/cloudflare-go/v6/option"
	"github.com/cloudflare/cloudflare-go/v6/zones"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var recordFields = []string{"name", "type", "ttl", "content", "comment", "priority", "proxied", "tags", "settings"}

var dnsRecord = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		params := dns.RecordNewParams{}
		params.ZoneID.Value, params.ZoneID.Present = d.Str("zone_id"), true
		result, err := call(body(d, recordFields...), func(options ...option.RequestOption) error {
			_, err := dns.NewRecordService(c...).New(ctx, params, options...)
			return err
		})
		return learnRecord(d, result, err)
	},
	Read: func(ctx context.Context, c client, d *data) error {
		params := dns.RecordGetParams{}
		params.ZoneID.Value, params.ZoneID.Present = d.Str("zone_id"), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := dns.NewRecordService(c...).Get(ctx, d.ID(), params, options...)
			return err
		})
		return learnRecord(d, result, err)
	},
	Update: func(ctx context.Context, c client, d *data) error {
		params := dns.RecordUpdateParams{}
		params.ZoneID.Value, params.ZoneID.Present = d.Str("zone_id"), true
		result, err := call(body(d, recordFields...), func(options ...option.RequestOption) error {
			_, err := dns.NewRecordService(c...).Update(ctx, d.ID(), params, options...)
			return err
		})
		return learnRecord(d, result, err)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		params := dns.RecordDeleteParams{}
		params.ZoneID.Value, params.ZoneID.Present = d.Str("zone_id"), true
		_, err := call(nil, func(options ...option.RequestOption) error {
			_, err := dns.NewRecordService(c...).Delete(ctx, d.ID(), params, options...)
			return err
		})
		return err
	},
	Import: []string{"zone_id", "id"},
}

func learnRecord(d *data, result any, err error) error {
	if err != nil {
		return err
	}
	learn(d, result, append([]string{"id", "created_on", "modified_on", "comment_modified_on", "tags_modified_on", "proxiable"}, recordFields...)...)
	return nil
}

var zoneSetting = &resource{
	Create: editSetting,
	Update: editSetting,
	Read: func(ctx context.Context, c client, d *data) error {
		params := zones.SettingGetParams{}
		params.ZoneID.Value, params.ZoneID.Present = d.Str("zone_id"), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := zones.NewSettingService(c...).Get(ctx, d.Str("setting_id"), params, options...)
			return err
		})
		return learnSetting(d, result, err)
	},
	// A setting can't be deleted: it stays as it is, as with the real provider.
	Delete: func(context.Context, client, *data) error { return nil },
	Import: []string{"zone_id", "setting_id"},
}

func editSetting(ctx context.Context, c client, d *data) error {
	params := zones.SettingEditParams{}
	params.ZoneID.Value, params.ZoneID.Present = d.Str("zone_id"), true
	result, err := call(body(d, "value", "enabled"), func(options ...option.RequestOption) error {
		_, err := zones.NewSettingService(c...).Edit(ctx, d.Str("setting_id"), params, options...)
		return err
	})
	return learnSetting(d, result, err)
}

func learnSetting(d *data, result any, err error) error {
	if err != nil {
		return err
	}
	learn(d, result, "id", "value", "enabled", "editable", "modified_on", "time_remaining")
	return nil
}

var zoneFields = []string{"id", "name", "status", "type", "paused", "name_servers", "created_on", "activated_on", "modified_on", "account"}

func listZones(ctx context.Context, c client, wanted standin.Object) ([]any, error) {
	params := zones.ZoneListParams{}
	if name := wanted.Str("name"); name != "" {
		params.Name.Value, params.Name.Present = name, true
	}
	options := client{}
	for _, name := range []string{"status", "match", "direction", "order"} {
		if value := wanted.Str(name); value != "" {
			options = append(options, option.WithQuery(name, value))
		}
	}
	account, _ := wanted["account"].(map[string]any)
	for _, name := range []string{"id", "name"} {
		if value := standin.Str(account[name]); value != "" {
			options = append(options, option.WithQuery("account."+name, value))
		}
	}
	result, err := call(nil, func(more ...option.RequestOption) error {
		_, err := zones.NewZoneService(c...).List(ctx, params, append(options, more...)...)
		return err
	})
	list, _ := result.([]any)
	return list, err
}

func readZone(ctx context.Context, c client, d *data) error {
	var found any
	if id := d.Str("zone_id"); id != "" {
		params := zones.ZoneGetParams{}
		params.ZoneID.Value, params.ZoneID.Present = id, true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := zones.NewZoneService(c...).Get(ctx, params, options...)
			return err
		})
		if errors.Is(err, standin.ErrGone) {
			return errors.New("no zone " + id)
		}
		if err != nil {
			return err
		}
		found = result
	} else {
		filter, _ := d.Get("filter").(map[string]any)
		list, err := listZones(ctx, c, filter)
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return errors.New("failed to find exactly one result: the filter fits none, or several zones")
		}
		found = list[0]
	}
	learn(d, found, zoneFields...)
	d.Set("zone_id", d.Get("id"))
	return nil
}

func readZones(ctx context.Context, c client, d *data) error {
	wanted := standin.Object{}
	for _, name := range []string{"name", "status", "match", "direction", "order", "account"} {
		wanted[name] = d.Get(name)
	}
	list, err := listZones(ctx, c, wanted)
	if err != nil {
		return err
	}
	d.Set("result", list)
	return nil
}
