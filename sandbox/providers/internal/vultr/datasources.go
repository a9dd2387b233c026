package vultr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/vultr/govultr/v3"
	"infra-k3s.invalid/sandbox/providers/internal/standin"
)

// fits tells whether an item has, for each filter, one of its values in the field of its name.
func fits(d *data, item any) bool {
	text, _ := json.Marshal(item)
	fields := map[string]any{}
	_ = json.Unmarshal(text, &fields)
	for _, filter := range d.Objects("filter") {
		field := fields[filter.Str("name")]
		found := slices.ContainsFunc(standin.Strs(filter["values"]), func(value string) bool {
			if list, ok := field.([]any); ok {
				return slices.Contains(list, any(value))
			}
			return fmt.Sprint(field) == value
		})
		if !found {
			return false
		}
	}
	return true
}

// only is the one item that fits the filters, of all pages.
func only[T any](d *data, page func(*govultr.ListOptions) ([]T, *govultr.Meta, error)) (T, error) {
	var found []T
	var none T
	options := &govultr.ListOptions{}
	for {
		items, meta, err := page(options)
		if err != nil {
			return none, err
		}
		for _, item := range items {
			if fits(d, item) {
				found = append(found, item)
			}
		}
		if meta == nil || meta.Links == nil || meta.Links.Next == "" {
			break
		}
		options.Cursor = meta.Links.Next
	}
	if len(found) > 1 {
		return none, errors.New("your search returned too many results. Please refine your search to be more specific")
	}
	if len(found) == 0 {
		return none, errors.New("no results were found")
	}
	return found[0], nil
}

func readOS(ctx context.Context, c client, d *data) error {
	found, err := only(d, func(options *govultr.ListOptions) ([]govultr.OS, *govultr.Meta, error) {
		items, meta, _, err := c.OS.List(ctx, options)
		return items, meta, err
	})
	if err != nil {
		return err
	}
	d.SetAll(map[string]any{"id": strconv.Itoa(found.ID), "name": found.Name, "arch": found.Arch, "family": found.Family})
	return nil
}

func readPlan(ctx context.Context, c client, d *data) error {
	found, err := only(d, func(options *govultr.ListOptions) ([]govultr.Plan, *govultr.Meta, error) {
		items, meta, _, err := c.Plan.List(ctx, "", options)
		return items, meta, err
	})
	if err != nil {
		return err
	}
	d.SetAll(map[string]any{
		"id": found.ID, "vcpu_count": found.VCPUCount, "ram": found.RAM, "disk": found.Disk, "bandwidth": found.Bandwidth,
		"monthly_cost": found.MonthlyCost, "type": found.Type, "locations": found.Locations, "disk_count": found.DiskCount,
	})
	return nil
}
