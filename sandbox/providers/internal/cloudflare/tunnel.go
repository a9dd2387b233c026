package cloudflare

import (
	"context"

	"github.com/cloudflare/cloudflare-go/v6/option"
	zerotrust "github.com/cloudflare/cloudflare-go/v6/zero_trust"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var tunnel = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		params := zerotrust.TunnelCloudflaredNewParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(body(d, "name", "config_src", "tunnel_secret"), func(options ...option.RequestOption) error {
			_, err := zerotrust.NewTunnelCloudflaredService(c...).New(ctx, params, options...)
			return err
		})
		return learnTunnel(d, result, err)
	},
	Read: func(ctx context.Context, c client, d *data) error {
		params := zerotrust.TunnelCloudflaredGetParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := zerotrust.NewTunnelCloudflaredService(c...).Get(ctx, d.ID(), params, options...)
			return err
		})
		if err := learnTunnel(d, result, err); err != nil {
			return err
		}
		// A deleted tunnel is still told of, with the time of its end.
		if d.Has("deleted_at") {
			return standin.ErrGone
		}
		return nil
	},
	Update: func(ctx context.Context, c client, d *data) error {
		params := zerotrust.TunnelCloudflaredEditParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(body(d, "name", "tunnel_secret"), func(options ...option.RequestOption) error {
			_, err := zerotrust.NewTunnelCloudflaredService(c...).Edit(ctx, d.ID(), params, options...)
			return err
		})
		return learnTunnel(d, result, err)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		params := zerotrust.TunnelCloudflaredDeleteParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := call(nil, func(options ...option.RequestOption) error {
			_, err := zerotrust.NewTunnelCloudflaredService(c...).Delete(ctx, d.ID(), params, options...)
			return err
		})
		return err
	},
	Import: []string{"account_id", "id"},
}

func learnTunnel(d *data, result any, err error) error {
	if err != nil {
		return err
	}
	learn(d, result, "id", "name", "account_tag", "conns_active_at", "conns_inactive_at", "created_at", "deleted_at", "remote_config", "status", "tun_type")
	if fields, _ := result.(map[string]any); fields["config_src"] != nil {
		d.Set("config_src", fields["config_src"])
	}
	return nil
}

var tunnelConfig = &resource{
	Create: putTunnelConfig,
	Update: putTunnelConfig,
	Read: func(ctx context.Context, c client, d *data) error {
		params := zerotrust.TunnelCloudflaredConfigurationGetParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := zerotrust.NewTunnelCloudflaredConfigurationService(c...).Get(ctx, d.Str("tunnel_id"), params, options...)
			return err
		})
		if err != nil {
			return err
		}
		learn(d, renamed(result, toSnake), "config")
		return learnTunnelConfig(d, result)
	},
	// A tunnel's configuration can't be deleted; it goes with the tunnel.
	Delete: func(context.Context, client, *data) error { return nil },
	Import: []string{"account_id", "tunnel_id"},
}

func putTunnelConfig(ctx context.Context, c client, d *data) error {
	params := zerotrust.TunnelCloudflaredConfigurationUpdateParams{}
	params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
	result, err := call(renamed(body(d, "config"), toCamel), func(options ...option.RequestOption) error {
		_, err := zerotrust.NewTunnelCloudflaredConfigurationService(c...).Update(ctx, d.Str("tunnel_id"), params, options...)
		return err
	})
	if err != nil {
		return err
	}
	return learnTunnelConfig(d, result)
}

func learnTunnelConfig(d *data, result any) error {
	learn(d, result, "created_at", "source", "version")
	d.Set("id", d.Str("tunnel_id"))
	return nil
}

func readTunnelToken(ctx context.Context, c client, d *data) error {
	params := zerotrust.TunnelCloudflaredTokenGetParams{}
	params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
	result, err := call(nil, func(options ...option.RequestOption) error {
		_, err := zerotrust.NewTunnelCloudflaredTokenService(c...).Get(ctx, d.Str("tunnel_id"), params, options...)
		return err
	})
	if err != nil {
		return err
	}
	d.Set("token", result)
	return nil
}
