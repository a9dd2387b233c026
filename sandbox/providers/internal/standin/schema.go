package standin

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var scalars = map[string]attr.Type{
	"string": types.StringType, "number": types.NumberType, "bool": types.BoolType, "dynamic": types.DynamicType,
}

func (a *Attribute) isBlock() bool {
	return a.Kind == "block" || a.Kind == "blockset"
}

// Attributes of a resource also serve in the schema of a data source and of the provider: the same interface.
func attributesOf(list []*Attribute) map[string]schema.Attribute {
	result := map[string]schema.Attribute{}
	for _, one := range list {
		if !one.isBlock() {
			result[one.Name] = one.schema()
		}
	}
	return result
}

func blocksOf(list []*Attribute) map[string]schema.Block {
	result := map[string]schema.Block{}
	for _, one := range list {
		object := schema.NestedBlockObject{Attributes: attributesOf(one.Children), Blocks: blocksOf(one.Children)}
		switch one.Kind {
		case "block":
			result[one.Name] = schema.ListNestedBlock{NestedObject: object}
		case "blockset":
			result[one.Name] = schema.SetNestedBlock{NestedObject: object}
		}
	}
	return result
}

func (a *Attribute) schema() schema.Attribute {
	object := schema.NestedAttributeObject{Attributes: attributesOf(a.Children)}
	switch a.Kind {
	case "string":
		return schema.StringAttribute{Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "number":
		return schema.NumberAttribute{Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "bool":
		return schema.BoolAttribute{Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "dynamic":
		return schema.DynamicAttribute{Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "list":
		return schema.ListAttribute{ElementType: scalars[a.Elem], Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "set":
		return schema.SetAttribute{ElementType: scalars[a.Elem], Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "map":
		return schema.MapAttribute{ElementType: scalars[a.Elem], Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "object":
		return schema.SingleNestedAttribute{Attributes: object.Attributes, Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "objects":
		return schema.ListNestedAttribute{NestedObject: object, Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	case "objectset":
		return schema.SetNestedAttribute{NestedObject: object, Required: a.Required, Optional: a.Optional, Computed: a.Computed, Sensitive: a.Sensitive}
	}
	panic("no such kind of attribute: " + a.Kind + " of " + a.Name)
}
