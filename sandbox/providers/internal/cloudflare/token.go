package cloudflare

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/cloudflare/cloudflare-go/v6/accounts"
	"github.com/cloudflare/cloudflare-go/v6/option"
	"github.com/cloudflare/cloudflare-go/v6/user"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

var accountToken = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		params := accounts.TokenNewParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(tokenBody(d), func(options ...option.RequestOption) error {
			_, err := accounts.NewTokenService(c...).New(ctx, params, options...)
			return err
		})
		return learnNewToken(d, result, err)
	},
	Read: func(ctx context.Context, c client, d *data) error {
		params := accounts.TokenGetParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := accounts.NewTokenService(c...).Get(ctx, d.ID(), params, options...)
			return err
		})
		return learnToken(d, result, err)
	},
	Update: func(ctx context.Context, c client, d *data) error {
		params := accounts.TokenUpdateParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(tokenBody(d), func(options ...option.RequestOption) error {
			_, err := accounts.NewTokenService(c...).Update(ctx, d.ID(), params, options...)
			return err
		})
		return learnToken(d, result, err)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		params := accounts.TokenDeleteParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := call(nil, func(options ...option.RequestOption) error {
			_, err := accounts.NewTokenService(c...).Delete(ctx, d.ID(), params, options...)
			return err
		})
		return err
	},
	Import: []string{"account_id", "id"},
}

var userToken = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		result, err := call(tokenBody(d), func(options ...option.RequestOption) error {
			_, err := user.NewTokenService(c...).New(ctx, user.TokenNewParams{}, options...)
			return err
		})
		return learnNewToken(d, result, err)
	},
	Read: func(ctx context.Context, c client, d *data) error {
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := user.NewTokenService(c...).Get(ctx, d.ID(), options...)
			return err
		})
		return learnToken(d, result, err)
	},
	Update: func(ctx context.Context, c client, d *data) error {
		result, err := call(tokenBody(d), func(options ...option.RequestOption) error {
			_, err := user.NewTokenService(c...).Update(ctx, d.ID(), user.TokenUpdateParams{}, options...)
			return err
		})
		return learnToken(d, result, err)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		_, err := call(nil, func(options ...option.RequestOption) error {
			_, err := user.NewTokenService(c...).Delete(ctx, d.ID(), options...)
			return err
		})
		return err
	},
}

func tokenBody(d *data) map[string]any {
	result := body(d, "name", "condition", "expires_on", "not_before", "status")
	policies := []any{}
	for _, one := range d.Objects("policies") {
		var resources any
		// The resources are told as JSON, and sent as what it says.
		_ = json.Unmarshal([]byte(one.Str("resources")), &resources)
		policies = append(policies, map[string]any{
			"effect": one.Str("effect"), "permission_groups": one["permission_groups"], "resources": resources,
		})
	}
	result["policies"] = policies
	return result
}

// learnNewToken: a token's value is told once, at its creation.
func learnNewToken(d *data, result any, err error) error {
	if err == nil {
		learn(d, result, "value")
	}
	return learnToken(d, result, err)
}

func learnToken(d *data, result any, err error) error {
	if err != nil {
		return err
	}
	learn(d, result, "id", "name", "status", "issued_on", "last_used_on", "modified_on", "expires_on", "not_before")
	fields, _ := result.(map[string]any)
	told := []any{}
	for _, one := range standin.Objects(fields["policies"]) {
		groups := []any{}
		for _, group := range standin.Objects(one["permission_groups"]) {
			groups = append(groups, map[string]any{"id": group.Str("id")})
		}
		resources, _ := json.Marshal(one["resources"])
		told = append(told, map[string]any{"effect": one.Str("effect"), "permission_groups": groups, "resources": string(resources)})
	}
	if !reflect.DeepEqual(meaning(told), meaning(d.Get("policies"))) {
		d.Set("policies", told)
	}
	return nil
}

// meaning of policies, whatever the spelling of the JSON in them.
func meaning(policies any) map[string]int {
	result := map[string]int{}
	for _, one := range standin.Objects(policies) {
		var resources any
		_ = json.Unmarshal([]byte(one.Str("resources")), &resources)
		groups := map[string]bool{}
		for _, group := range standin.Objects(one["permission_groups"]) {
			groups[group.Str("id")] = true
		}
		text, _ := json.Marshal([]any{one.Str("effect"), groups, resources})
		result[string(text)]++
	}
	return result
}

func readPermissionGroups(ctx context.Context, c client, d *data) error {
	params := accounts.TokenPermissionGroupListParams{}
	params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
	if name := d.Str("name"); name != "" {
		params.Name.Value, params.Name.Present = name, true
	}
	if scope := d.Str("scope"); scope != "" {
		params.Scope.Value, params.Scope.Present = scope, true
	}
	result, err := call(nil, func(options ...option.RequestOption) error {
		_, err := accounts.NewTokenPermissionGroupService(c...).List(ctx, params, options...)
		return err
	})
	if err != nil {
		return err
	}
	d.Set("result", result)
	return nil
}
