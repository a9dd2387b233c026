package standin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type genericResource[C any] struct {
	*Resource[C]
	entity   *Entity
	legacy   bool
	regional bool
	client   C
}

func (r *genericResource[C]) Metadata(_ context.Context, _ resource.MetadataRequest, response *resource.MetadataResponse) {
	response.TypeName = r.entity.Name
}

func (r *genericResource[C]) Schema(_ context.Context, _ resource.SchemaRequest, response *resource.SchemaResponse) {
	response.Schema = schema.Schema{Attributes: attributesOf(r.entity.Attributes), Blocks: blocksOf(r.entity.Attributes)}
}

func (r *genericResource[C]) Configure(_ context.Context, request resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.client, _ = request.ProviderData.(C)
}

func (r *genericResource[C]) data(values tftypes.Value, before tftypes.Value, config tftypes.Value) *Data {
	return &Data{entity: r.entity, values: object(toAny(values)), before: object(toAny(before)), config: object(toAny(config))}
}

func (r *genericResource[C]) Create(ctx context.Context, request resource.CreateRequest, response *resource.CreateResponse) {
	data := r.data(request.Plan.Raw, tftypes.Value{}, request.Config.Raw)
	err := r.Resource.Create(ctx, r.client, data)
	r.fail(err, "created", &response.Diagnostics)
	// What has an id exists, although not all went well: it is kept, and OpenTofu marks it as tainted.
	if err == nil || data.values["id"] != Unknown && data.Has("id") {
		store(ctx, &response.State, data)
	}
}

func (r *genericResource[C]) Read(ctx context.Context, request resource.ReadRequest, response *resource.ReadResponse) {
	data := r.data(request.State.Raw, request.State.Raw, tftypes.Value{})
	err := r.Resource.Read(ctx, r.client, data)
	if errors.Is(err, ErrGone) {
		response.State.RemoveResource(ctx)
		return
	}
	if r.fail(err, "read", &response.Diagnostics) {
		return
	}
	store(ctx, &response.State, data)
}

func (r *genericResource[C]) Update(ctx context.Context, request resource.UpdateRequest, response *resource.UpdateResponse) {
	data := r.data(request.Plan.Raw, request.State.Raw, request.Config.Raw)
	err := errors.New("this resource has no attribute that can be changed")
	if r.Resource.Update != nil {
		err = r.Resource.Update(ctx, r.client, data)
	}
	if !r.fail(err, "updated", &response.Diagnostics) {
		store(ctx, &response.State, data)
	}
}

func (r *genericResource[C]) Delete(ctx context.Context, request resource.DeleteRequest, response *resource.DeleteResponse) {
	err := r.Resource.Delete(ctx, r.client, r.data(request.State.Raw, request.State.Raw, tftypes.Value{}))
	if !errors.Is(err, ErrGone) {
		r.fail(err, "deleted", &response.Diagnostics)
	}
}

func (r *genericResource[C]) ImportState(ctx context.Context, request resource.ImportStateRequest, response *resource.ImportStateResponse) {
	names, divider := r.Import, r.Divider
	if len(names) == 0 {
		names = []string{"id"}
	}
	if divider == "" {
		divider = "/"
	}
	id, region, hasRegion := strings.Cut(request.ID, "@")
	if !r.regional {
		id, hasRegion = request.ID, false
	}
	parts := strings.Split(id, divider)
	if len(names) == 1 {
		parts = []string{id}
	}
	// The last part of an id may be left out where the vendor has a default for it: it is given as NAME=DEFAULT.
	last, preset, optional := strings.Cut(names[len(names)-1], "=")
	if optional && len(parts) == len(names)-1 {
		parts = append(parts, preset)
	}
	if len(parts) != len(names) {
		response.Diagnostics.AddError("This is no id to import "+r.entity.Name+" by", fmt.Sprintf("%q is not of the form %s", request.ID, strings.Join(names, divider)))
		return
	}
	values := map[string]any{}
	if hasRegion {
		values["region"] = region
	}
	for _, one := range r.entity.Attributes {
		if one.isBlock() {
			values[one.Name] = []any{}
		}
	}
	for i, name := range names {
		if i == len(names)-1 {
			name = last
		}
		values[name] = parts[i]
		if r.entity.attribute(name).Kind == "number" {
			number, err := strconv.ParseFloat(parts[i], 64)
			if err != nil {
				response.Diagnostics.AddError("This is no id to import "+r.entity.Name+" by", fmt.Sprintf("%s is a number, not %q", name, parts[i]))
				return
			}
			values[name] = number
		}
	}
	response.State.Raw = fromAny(response.State.Schema.Type().TerraformType(ctx), values)
}

func (r *genericResource[C]) fail(err error, done string, diagnostics *diag.Diagnostics) bool {
	if err != nil {
		diagnostics.AddError(fmt.Sprintf("%s cannot be %s", r.entity.Name, done), err.Error())
	}
	return err != nil
}

func store(ctx context.Context, state *tfsdk.State, data *Data) {
	state.Raw = fromAny(state.Schema.Type().TerraformType(ctx), settle(data.values))
}
