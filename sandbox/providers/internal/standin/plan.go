package standin

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// ModifyPlan does what the plugin SDK of old does by itself: defaults, computed values stay, replacement.
func (r *genericResource[C]) ModifyPlan(ctx context.Context, request resource.ModifyPlanRequest, response *resource.ModifyPlanResponse) {
	if request.Plan.Raw.IsNull() {
		return
	}
	data := r.data(request.Plan.Raw, request.State.Raw, request.Config.Raw)
	exists := !request.State.Raw.IsNull()
	for _, one := range r.entity.Attributes {
		given := data.config[one.Name]
		value := data.values[one.Name]
		if given == nil && one.Default != nil {
			value = one.Default
		}
		value = one.withDefaults(value)
		if exists && one.Computed && !one.Volatile {
			value = known(value, data.before[one.Name], given)
		}
		if exists && one.Computed && one.isBlock() && isZero(given) {
			value = data.before[one.Name]
		}
		if same := r.Same[one.Name]; exists && same != nil && same(Str(data.before[one.Name]), Str(value)) {
			value = data.before[one.Name]
		}
		if exists && r.legacy && isZero(value) && isZero(data.before[one.Name]) {
			value = data.before[one.Name]
		}
		data.values[one.Name] = value
	}
	if r.Resource.Plan != nil {
		r.Resource.Plan(r.client, data)
	}
	if exists {
		changed := false
		for _, one := range r.entity.Attributes {
			if one.Volatile || !data.Changed(one.Name) {
				continue
			}
			changed = true
			if one.Replace {
				response.RequiresReplace = append(response.RequiresReplace, path.Root(one.Name))
			}
		}
		if !changed {
			response.Plan.Raw = request.State.Raw
			return
		}
		for _, one := range r.entity.Attributes {
			if one.Volatile && data.config[one.Name] == nil {
				data.values[one.Name] = Unknown
			}
		}
	}
	response.Plan.Raw = fromAny(response.Plan.Schema.Type().TerraformType(ctx), data.values)
}

// withDefaults fills in the defaults inside a value.
func (a *Attribute) withDefaults(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = a.withDefaults(value[i])
		}
	case map[string]any:
		for _, child := range a.Children {
			if inner := value[child.Name]; child.Default != nil && (inner == nil || inner == Unknown) {
				value[child.Name] = child.Default
			}
			value[child.Name] = child.withDefaults(value[child.Name])
		}
	}
	return value
}

// known puts what is known from before where a value is unknown only because the vendor computes it.
func known(value any, before any, config any) any {
	if config == Unknown {
		return value
	}
	switch value := value.(type) {
	case unknown:
		return before
	case []any:
		old, _ := before.([]any)
		given, _ := config.([]any)
		for i := range value {
			if len(old) == len(value) {
				value[i] = known(value[i], old[i], at(given, i))
			}
		}
	case map[string]any:
		old, _ := before.(map[string]any)
		for name := range value {
			if inner, ok := old[name]; ok {
				value[name] = known(value[name], inner, object(config)[name])
			}
		}
	}
	return value
}

func at(list []any, index int) any {
	if index < len(list) {
		return list[index]
	}
	return nil
}
