package hcloud

import (
	"context"
	"errors"
	"strconv"

	"github.com/hetznercloud/hcloud-go/v2/hcloud"
)

// wanted is the name or number that a data source is asked for.
func wanted(d *data) string {
	if d.Has("id") {
		return strconv.Itoa(d.Int("id"))
	}
	return d.Str("name")
}

func readServerType(ctx context.Context, c client, d *data) error {
	found, _, err := c.ServerType.Get(ctx, wanted(d))
	if err != nil {
		return err
	}
	if found == nil {
		return errors.New("no server type " + wanted(d))
	}
	d.SetAll(map[string]any{
		"id": found.ID, "name": found.Name, "description": found.Description, "category": found.Category, "cores": found.Cores,
		"memory": found.Memory, "disk": found.Disk, "architecture": found.Architecture, "cpu_type": found.CPUType,
		"storage_type": found.StorageType,
	})
	return nil
}

func readImage(ctx context.Context, c client, d *data) error {
	architecture := hcloud.Architecture(d.Str("with_architecture"))
	if architecture == "" {
		architecture = hcloud.ArchitectureX86
	}
	found, _, err := c.Image.GetForArchitecture(ctx, wanted(d), architecture)
	if err != nil {
		return err
	}
	if found == nil {
		return errors.New("no image " + wanted(d) + " for " + string(architecture))
	}
	d.SetAll(map[string]any{
		"id": found.ID, "name": found.Name, "type": found.Type, "status": found.Status, "description": found.Description,
		"os_flavor": found.OSFlavor, "os_version": found.OSVersion, "architecture": found.Architecture,
		"rapid_deploy": found.RapidDeploy,
	})
	return nil
}

func readLocation(ctx context.Context, c client, d *data) error {
	found, _, err := c.Location.Get(ctx, wanted(d))
	if err != nil {
		return err
	}
	if found == nil {
		return errors.New("no location " + wanted(d))
	}
	d.SetAll(map[string]any{
		"id": found.ID, "name": found.Name, "description": found.Description, "country": found.Country, "city": found.City,
		"latitude": found.Latitude, "longitude": found.Longitude, "network_zone": found.NetworkZone,
	})
	return nil
}
