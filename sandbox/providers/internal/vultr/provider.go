// Package vultr stands in for Vultr's provider, over Vultr's own SDK.
package vultr

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/vultr/govultr/v3"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

//go:embed table.txt
var table string

// baseURL is not to be configured in the real provider; a test sets it.
var baseURL = "https://api.vultr.com"

type client = *govultr.Client
type data = standin.Data
type resource = standin.Resource[client]

var Vendor = &standin.Vendor[client]{
	Name:      "vultr",
	Address:   "registry.opentofu.org/vultr/vultr",
	Table:     table,
	Legacy:    true,
	Configure: configure,
	Resources: map[string]*resource{
		"vultr_ssh_key":        sshKey,
		"vultr_firewall_group": firewallGroup,
		"vultr_firewall_rule":  firewallRule,
		"vultr_instance":       instance,
	},
	DataSources: map[string]func(context.Context, client, *data) error{"vultr_os": readOS, "vultr_plan": readPlan},
}

type bearer struct{ key string }

func (b bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	copied := request.Clone(request.Context())
	copied.Header.Set("Authorization", "Bearer "+b.key)
	response, err := http.DefaultTransport.RoundTrip(copied)
	if seen, ok := request.Context().Value(statusKey{}).(*int); ok && response != nil {
		*seen = response.StatusCode
	}
	return response, err
}

type statusKey struct{}

// watched makes the status of the last answer seen: the SDK's errors hold the words of an answer only.
func watched(ctx context.Context) (context.Context, *int) {
	seen := new(int)
	return context.WithValue(ctx, statusKey{}, seen), seen
}

func configure(_ context.Context, config *data) (client, error) {
	key := config.Str("api_key")
	if key == "" {
		key = os.Getenv("VULTR_API_KEY")
	}
	if key == "" {
		return nil, errors.New("api_key is not set, and VULTR_API_KEY is not either")
	}
	made := govultr.NewClient(&http.Client{Transport: bearer{key}})
	made.SetUserAgent("terraform-provider-vultr/stand-in")
	// The real provider's defaults: https://registry.terraform.io/providers/vultr/vultr/latest/docs#argument-reference
	limit, retries := 500, 3
	if config.Has("rate_limit") {
		limit = config.Int("rate_limit")
	}
	if config.Has("retry_limit") {
		retries = config.Int("retry_limit")
	}
	made.SetRateLimit(time.Duration(limit) * time.Millisecond)
	made.SetRetryLimit(retries)
	return made, made.SetBaseURL(baseURL)
}

// gone tells a resource that is not there from other failures.
func gone(seen *int, err error) error {
	if err != nil && *seen == http.StatusNotFound {
		return standin.ErrGone
	}
	return err
}

var sshKey = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		key, _, err := c.SSHKey.Create(ctx, &govultr.SSHKeyReq{Name: d.Str("name"), SSHKey: d.Str("ssh_key")})
		if err != nil {
			return err
		}
		d.Set("id", key.ID)
		return readSSHKey(ctx, c, d)
	},
	Read: readSSHKey,
	Update: func(ctx context.Context, c client, d *data) error {
		request := &govultr.SSHKeyReq{}
		if d.Changed("name") {
			request.Name = d.Str("name")
		}
		if d.Changed("ssh_key") {
			request.SSHKey = d.Str("ssh_key")
		}
		if err := c.SSHKey.Update(ctx, d.ID(), request); err != nil {
			return err
		}
		return readSSHKey(ctx, c, d)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		ctx, seen := watched(ctx)
		return gone(seen, c.SSHKey.Delete(ctx, d.ID()))
	},
}

func readSSHKey(ctx context.Context, c client, d *data) error {
	ctx, seen := watched(ctx)
	key, _, err := c.SSHKey.Get(ctx, d.ID())
	if err := gone(seen, err); err != nil {
		return err
	}
	d.SetAll(map[string]any{"name": key.Name, "ssh_key": key.SSHKey, "date_created": key.DateCreated})
	return nil
}
