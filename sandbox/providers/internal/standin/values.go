package standin

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type unknown struct{}

// Unknown stands for a value that is known after apply.
var Unknown any = unknown{}

// plain makes a value of what JSON knows: string, float64, bool, nil, []any, map[string]any, or Unknown.
func plain(value any) any {
	if value == Unknown {
		return value
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("a value that JSON does not know: %v", err))
	}
	var result any
	if err := json.Unmarshal(text, &result); err != nil {
		panic(err)
	}
	return result
}

func toAny(value tftypes.Value) any {
	if !value.IsKnown() {
		return Unknown
	}
	if value.IsNull() {
		return nil
	}
	kind := value.Type()
	switch {
	case kind.Is(tftypes.String):
		return as[string](value)
	case kind.Is(tftypes.Bool):
		return as[bool](value)
	case kind.Is(tftypes.Number):
		number := new(big.Float)
		must(value.As(&number))
		result, _ := number.Float64()
		return result
	case kind.Is(tftypes.Map{}) || kind.Is(tftypes.Object{}):
		result := map[string]any{}
		for key, inner := range as[map[string]tftypes.Value](value) {
			result[key] = toAny(inner)
		}
		return result
	}
	result := []any{}
	for _, inner := range as[[]tftypes.Value](value) {
		result = append(result, toAny(inner))
	}
	return result
}

func fromAny(kind tftypes.Type, value any) tftypes.Value {
	if value == nil {
		return tftypes.NewValue(kind, nil)
	}
	if value == Unknown {
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	}
	switch kind := kind.(type) {
	case tftypes.Object:
		given, _ := value.(map[string]any)
		result := map[string]tftypes.Value{}
		for name, inner := range kind.AttributeTypes {
			result[name] = fromAny(inner, given[name])
		}
		return tftypes.NewValue(kind, result)
	case tftypes.Map:
		result := map[string]tftypes.Value{}
		for name, inner := range value.(map[string]any) {
			result[name] = fromAny(kind.ElementType, inner)
		}
		return tftypes.NewValue(kind, result)
	case tftypes.List:
		return tftypes.NewValue(kind, fromList(kind.ElementType, value.([]any)))
	case tftypes.Set:
		return tftypes.NewValue(kind, fromList(kind.ElementType, value.([]any)))
	}
	if kind.Is(tftypes.DynamicPseudoType) {
		return fromAny(typeOf(value), value)
	}
	if number, ok := value.(float64); ok {
		return tftypes.NewValue(kind, big.NewFloat(number))
	}
	return tftypes.NewValue(kind, value)
}

func fromList(kind tftypes.Type, list []any) []tftypes.Value {
	result := []tftypes.Value{}
	for _, one := range list {
		result = append(result, fromAny(kind, one))
	}
	return result
}

func typeOf(value any) tftypes.Type {
	switch value := value.(type) {
	case bool:
		return tftypes.Bool
	case float64:
		return tftypes.Number
	case map[string]any:
		kinds := map[string]tftypes.Type{}
		for name, inner := range value {
			kinds[name] = typeOf(inner)
		}
		return tftypes.Object{AttributeTypes: kinds}
	case []any:
		if len(value) > 0 {
			return tftypes.List{ElementType: typeOf(value[0])}
		}
		return tftypes.List{ElementType: tftypes.String}
	}
	return tftypes.String
}

// isZero: what the plugin SDK of old took for not set.
func isZero(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return reflect.ValueOf(value).IsZero() && value != Unknown
}

// settle makes what is still unknown null: after apply everything is known.
func settle(value any) any {
	switch value := value.(type) {
	case unknown:
		return nil
	case []any:
		for i := range value {
			value[i] = settle(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = settle(value[name])
		}
	}
	return value
}

// hasUnknown tells whether anything in a value is unknown.
func hasUnknown(value any) bool {
	switch value := value.(type) {
	case unknown:
		return true
	case []any:
		for _, one := range value {
			if hasUnknown(one) {
				return true
			}
		}
	case map[string]any:
		for _, one := range value {
			if hasUnknown(one) {
				return true
			}
		}
	}
	return false
}

// equal compares as OpenTofu does: sets without order.
func (a *Attribute) equal(one any, other any) bool {
	if hasUnknown(one) || hasUnknown(other) {
		return one == Unknown && other == Unknown
	}
	return reflect.DeepEqual(a.sorted(one), a.sorted(other))
}

func (a *Attribute) sorted(value any) any {
	list, ok := value.([]any)
	if !ok {
		if object, ok := value.(map[string]any); ok && len(a.Children) > 0 {
			return a.sortedObject(object)
		}
		return value
	}
	keys := []string{}
	for _, one := range list {
		if object, ok := one.(map[string]any); ok {
			one = a.sortedObject(object)
		}
		text, _ := json.Marshal(one)
		keys = append(keys, string(text))
	}
	if a.Kind == "set" || a.Kind == "blockset" || a.Kind == "objectset" {
		sort.Strings(keys)
	}
	return keys
}

func (a *Attribute) sortedObject(object map[string]any) map[string]any {
	result := map[string]any{}
	for name, inner := range object {
		result[name] = inner
	}
	for _, child := range a.Children {
		result[child.Name] = child.sorted(object[child.Name])
	}
	return result
}

func as[T any](value tftypes.Value) T {
	var result T
	must(value.As(&result))
	return result
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
