package standin

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

const text = `
# a comment
provider it https://example.com
  token string optional sensitive

resource it_thing https://example.com/thing
  id string computed
  name string required replace
  note string optional default=two_words
  secret string computed sensitive
  ports set:number optional
  net blockset
    enabled bool optional default=true
    deeper object optional computed
      size number computed
`

func TestATableIsASchema(t *testing.T) {
	vendor := &Vendor[string]{Name: "it", Table: text, Resources: map[string]*Resource[string]{"it_thing": {}}}
	made := vendor.Provider()
	var told provider.SchemaResponse
	made.Schema(context.Background(), provider.SchemaRequest{}, &told)
	if token := told.Schema.Attributes["token"]; !token.IsSensitive() || !token.IsOptional() || token.IsRequired() {
		t.Errorf("token: %#v", token)
	}
	var response resource.SchemaResponse
	made.Resources(context.Background())[0]().Schema(context.Background(), resource.SchemaRequest{}, &response)
	attributes := response.Schema.Attributes
	if !attributes["name"].IsRequired() || !attributes["secret"].IsSensitive() || !attributes["id"].IsComputed() || attributes["id"].IsOptional() {
		t.Errorf("marks: %#v", attributes)
	}
	net := response.Schema.Blocks["net"].(schema.SetNestedBlock)
	deeper := net.NestedObject.Attributes["deeper"].(schema.SingleNestedAttribute)
	if len(response.Schema.Blocks) != 1 || !net.NestedObject.Attributes["enabled"].IsOptional() || !deeper.Attributes["size"].IsComputed() {
		t.Errorf("blocks: %#v", response.Schema.Blocks)
	}
	if diagnostics := response.Schema.ValidateImplementation(context.Background()); diagnostics.HasError() {
		t.Error(diagnostics)
	}
}

func TestWhatATableCannotSay(t *testing.T) {
	for _, wrong := range []string{"resource it_thing", "resource a b\n  name", "resource a b\n  name string maybe", "resource a b\n    name string", "  name string", "resource a b\n  x list default=1"} {
		if _, err := Parse(wrong); err == nil {
			t.Errorf("no error: %q", wrong)
		}
	}
}

func TestDefaultsReplacementAndFlags(t *testing.T) {
	entities, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	thing := entities[1]
	if thing.attribute("note").Default != "two words" || !thing.attribute("name").Replace || thing.attribute("ports").Elem != "number" {
		t.Errorf("%#v", thing)
	}
	filled := thing.attribute("net").withDefaults([]any{map[string]any{"enabled": nil}})
	if filled.([]any)[0].(map[string]any)["enabled"] != true {
		t.Errorf("a default inside a block: %v", filled)
	}
}

func TestSetsHaveNoOrder(t *testing.T) {
	set, list := &Attribute{Kind: "set"}, &Attribute{Kind: "list"}
	one, other := []any{"a", "b"}, []any{"b", "a"}
	if !set.equal(one, other) || list.equal(one, other) {
		t.Error("sets are compared in order, or lists without")
	}
}

func TestWhatIsKnownStaysKnown(t *testing.T) {
	planned := map[string]any{"a": Unknown, "b": Unknown, "c": "new"}
	before := map[string]any{"a": "old", "b": "old", "c": "old"}
	got := known(planned, before, map[string]any{"b": Unknown}).(map[string]any)
	if got["a"] != "old" || got["b"] != Unknown || got["c"] != "new" {
		t.Errorf("%v", got)
	}
}
