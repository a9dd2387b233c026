// Package cloudflare stands in for Cloudflare's provider, over Cloudflare's own SDK.
package cloudflare

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/cloudflare/cloudflare-go/v6/option"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

//go:embed table.txt
var table string

// client holds the options of every call. The SDK's own client would bring every service of Cloudflare's into the build.
type client = []option.RequestOption
type data = standin.Data
type resource = standin.Resource[client]

var Vendor = &standin.Vendor[client]{
	Name:      "cloudflare",
	Address:   "registry.opentofu.org/cloudflare/cloudflare",
	Table:     table,
	Configure: configure,
	Resources: map[string]*resource{
		"cloudflare_dns_record":                           dnsRecord,
		"cloudflare_zone_setting":                         zoneSetting,
		"cloudflare_r2_bucket":                            bucket,
		"cloudflare_r2_bucket_lifecycle":                  bucketLifecycle,
		"cloudflare_r2_bucket_lock":                       bucketLock,
		"cloudflare_account_token":                        accountToken,
		"cloudflare_api_token":                            userToken,
		"cloudflare_zero_trust_tunnel_cloudflared":        tunnel,
		"cloudflare_zero_trust_tunnel_cloudflared_config": tunnelConfig,
	},
	DataSources: map[string]func(context.Context, client, *data) error{
		"cloudflare_zone":  readZone,
		"cloudflare_zones": readZones,
		"cloudflare_account_api_token_permission_groups_list": readPermissionGroups,
		"cloudflare_zero_trust_tunnel_cloudflared_token":      readTunnelToken,
	},
}

// As the real provider checks it: https://github.com/cloudflare/terraform-provider-cloudflare/blob/main/internal/provider.go
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9-_]{40,}$`)

func configure(_ context.Context, given *data) (client, error) {
	token, base := given.Str("api_token"), given.Str("base_url")
	if token == "" {
		token = os.Getenv("CLOUDFLARE_API_TOKEN")
	}
	if base == "" {
		base = os.Getenv("CLOUDFLARE_BASE_URL")
	}
	if !tokenForm.MatchString(token) {
		return nil, errors.New("api_token: API tokens must be 40 characters or more and only contain characters a-z, A-Z, 0-9, hyphens and underscores")
	}
	options := client{option.WithEnvironmentProduction(), option.WithAPIToken(token), option.WithHeader("User-Agent", "terraform-provider-cloudflare/stand-in")}
	if base != "" {
		options = append(options, option.WithBaseURL(base))
	}
	return options, nil
}

// call does one request of the SDK's with a body of ours, and gives the `result` that Cloudflare answers with.
func call(body any, work func(options ...option.RequestOption) error) (any, error) {
	var response, whole *http.Response
	options := []option.RequestOption{option.WithResponseInto(&response), option.WithResponseBodyInto(&whole)}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		options = append(options, option.WithRequestBody("application/json", text))
	}
	err := work(options...)
	if response != nil && response.StatusCode == http.StatusNotFound {
		return nil, standin.ErrGone
	}
	if err != nil {
		return nil, err
	}
	defer whole.Body.Close()
	text, err := io.ReadAll(whole.Body)
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	var envelope struct {
		Result any `json:"result"`
	}
	if err := json.Unmarshal(text, &envelope); err != nil {
		return nil, fmt.Errorf("the answer is not JSON: %w", err)
	}
	return envelope.Result, nil
}

// body takes the named attributes that have a value.
func body(d *data, names ...string) map[string]any {
	result := map[string]any{}
	for _, name := range names {
		if value := d.Get(name); value != nil {
			result[name] = compact(value)
		}
	}
	return result
}

// compact leaves out what is null or not known yet.
func compact(value any) any {
	switch value := value.(type) {
	case []any:
		result := []any{}
		for _, one := range value {
			result = append(result, compact(one))
		}
		return result
	case map[string]any:
		result := map[string]any{}
		for name, one := range value {
			if one != nil && one != standin.Unknown {
				result[name] = compact(one)
			}
		}
		return result
	}
	return value
}

// learn stores the named fields of an answer; one that is missing is null.
func learn(d *data, result any, names ...string) {
	fields, _ := result.(map[string]any)
	for _, name := range names {
		d.Set(name, fields[name])
	}
}

var upper = regexp.MustCompile(`[A-Z]`)
var underscore = regexp.MustCompile(`_[a-z]`)

func toCamel(name string) string {
	return underscore.ReplaceAllStringFunc(name, func(part string) string { return strings.ToUpper(part[1:]) })
}

func toSnake(name string) string {
	return upper.ReplaceAllStringFunc(name, func(part string) string { return "_" + strings.ToLower(part) })
}

// renamed changes every key of a value: R2 and the tunnels speak camel case.
func renamed(value any, rename func(string) string) any {
	switch value := value.(type) {
	case []any:
		result := []any{}
		for _, one := range value {
			result = append(result, renamed(one, rename))
		}
		return result
	case map[string]any:
		result := map[string]any{}
		for name, one := range value {
			result[rename(name)] = renamed(one, rename)
		}
		return result
	}
	return value
}
