package standin

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// Vendor is a provider: its table, and how each of its resources is made by the vendor's SDK, whose client is a C.
type Vendor[C any] struct {
	Name string
	// Address is where OpenTofu would look for the real one.
	Address string
	Table   string
	// Legacy: the real one is built on the plugin SDK of old, of which OpenTofu tolerates more.
	Legacy bool
	// Regional: an import's id may end with the region of the resource, as ID@REGION.
	Regional    bool
	Configure   func(ctx context.Context, config *Data) (C, error)
	Resources   map[string]*Resource[C]
	DataSources map[string]func(ctx context.Context, client C, data *Data) error
}

// Resource is what can be done with one kind of resource. Each function stores what it learns in the data.
type Resource[C any] struct {
	Create func(ctx context.Context, client C, data *Data) error
	// Read returns ErrGone when the vendor does not know it any more.
	Read func(ctx context.Context, client C, data *Data) error
	// Update is not there where every change means another resource.
	Update func(ctx context.Context, client C, data *Data) error
	Delete func(ctx context.Context, client C, data *Data) error
	// Import names the parts of an import's id, divided by a slash or Divider; nothing means `id`.
	Import  []string
	Divider string
	// Plan sees a planned creation or change once computed values are settled.
	Plan func(client C, data *Data)
	// Same tells of attributes whose values differ and yet mean the same.
	Same map[string]func(before string, planned string) bool
}

type generic[C any] struct {
	vendor   *Vendor[C]
	entities []*Entity
}

// Provider makes the provider that the framework serves.
func (v *Vendor[C]) Provider() provider.Provider {
	entities, err := Parse(v.Table)
	if err != nil {
		panic(fmt.Sprintf("table of %s: %v", v.Name, err))
	}
	return &generic[C]{vendor: v, entities: entities}
}

func (g *generic[C]) entity(kind string, name string) *Entity {
	for _, one := range g.entities {
		if one.Kind == kind && one.Name == name {
			return one
		}
	}
	panic(fmt.Sprintf("the table of %s has no %s %s", g.vendor.Name, kind, name))
}

func (g *generic[C]) Metadata(_ context.Context, _ provider.MetadataRequest, response *provider.MetadataResponse) {
	response.TypeName = g.vendor.Name
}

func (g *generic[C]) Schema(_ context.Context, _ provider.SchemaRequest, response *provider.SchemaResponse) {
	entity := g.entity("provider", g.vendor.Name)
	response.Schema = providerschema.Schema{Attributes: map[string]providerschema.Attribute{}, Blocks: map[string]providerschema.Block{}}
	for name, one := range attributesOf(entity.Attributes) {
		response.Schema.Attributes[name] = one
	}
	for name, one := range blocksOf(entity.Attributes) {
		response.Schema.Blocks[name] = one
	}
}

func (g *generic[C]) Configure(ctx context.Context, request provider.ConfigureRequest, response *provider.ConfigureResponse) {
	values := object(toAny(request.Config.Raw))
	client, err := g.vendor.Configure(ctx, &Data{entity: g.entity("provider", g.vendor.Name), values: values, config: values})
	if err != nil {
		response.Diagnostics.AddError("The provider "+g.vendor.Name+" cannot be configured", err.Error())
		return
	}
	response.ResourceData = client
	response.DataSourceData = client
}

func (g *generic[C]) Resources(context.Context) []func() resource.Resource {
	var result []func() resource.Resource
	for name, one := range g.vendor.Resources {
		made := genericResource[C]{entity: g.entity("resource", name), Resource: one, legacy: g.vendor.Legacy, regional: g.vendor.Regional}
		result = append(result, func() resource.Resource { copied := made; return &copied })
	}
	return result
}

func (g *generic[C]) DataSources(context.Context) []func() datasource.DataSource {
	var result []func() datasource.DataSource
	for name, read := range g.vendor.DataSources {
		made := genericDataSource[C]{entity: g.entity("data", name), read: read}
		result = append(result, func() datasource.DataSource { copied := made; return &copied })
	}
	return result
}

type genericDataSource[C any] struct {
	entity *Entity
	read   func(context.Context, C, *Data) error
	client C
}

func (d *genericDataSource[C]) Metadata(_ context.Context, _ datasource.MetadataRequest, response *datasource.MetadataResponse) {
	response.TypeName = d.entity.Name
}

func (d *genericDataSource[C]) Schema(_ context.Context, _ datasource.SchemaRequest, response *datasource.SchemaResponse) {
	response.Schema = dataschema.Schema{Attributes: map[string]dataschema.Attribute{}, Blocks: map[string]dataschema.Block{}}
	for name, one := range attributesOf(d.entity.Attributes) {
		response.Schema.Attributes[name] = one
	}
	for name, one := range blocksOf(d.entity.Attributes) {
		response.Schema.Blocks[name] = one
	}
}

func (d *genericDataSource[C]) Configure(_ context.Context, request datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.client, _ = request.ProviderData.(C)
}

func (d *genericDataSource[C]) Read(ctx context.Context, request datasource.ReadRequest, response *datasource.ReadResponse) {
	values := object(toAny(request.Config.Raw))
	data := &Data{entity: d.entity, values: values, config: object(toAny(request.Config.Raw))}
	if err := d.read(ctx, d.client, data); err != nil {
		response.Diagnostics.AddError(d.entity.Name+" cannot be read", err.Error())
		return
	}
	response.State.Raw = fromAny(response.State.Schema.Type().TerraformType(ctx), settle(values))
}
