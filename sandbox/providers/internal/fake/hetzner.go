package fake

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
)

// Hetzner answers as https://docs.hetzner.cloud/reference/cloud has it.
func Hetzner(t *testing.T) *API {
	api := start(t)
	success := Object{"id": 1, "command": "any", "status": "success", "progress": 100, "started": "2026-01-01T00:00:00Z", "resources": []any{}}
	missing := Object{"error": Object{"code": "not_found", "message": "it is not there"}}
	list := func(name string, items ...any) {
		api.on("GET", "/"+name, func(*Request) (int, any) { return 200, Object{name: items} })
	}
	list("server_types", Object{"id": 1, "name": "cx23", "architecture": "x86", "cores": 2, "memory": 4.0, "disk": 40}, Object{"id": 2, "name": "cx33", "architecture": "x86"})
	list("images", Object{"id": 9, "name": "debian-12", "type": "system", "status": "available", "architecture": "x86", "os_flavor": "debian", "os_version": "12"})
	list("locations", Object{"id": 3, "name": "fsn1", "city": "Falkenstein", "country": "DE", "network_zone": "eu-central"})
	for collection, single := range map[string]string{"ssh_keys": "ssh_key", "firewalls": "firewall", "servers": "server"} {
		found := func(r *Request) (Object, bool) { thing, ok := api.Things[collection][r.Parts[0]]; return thing, ok }
		api.on("POST", "/"+collection, func(r *Request) (int, any) {
			id := api.id()
			thing := merge(Object{"id": id, "labels": Object{}, "created": "2026-01-01T00:00:00Z"}, r.Body)
			switch collection {
			case "ssh_keys":
				thing["fingerprint"] = "aa:bb"
			case "firewalls":
				thing["applied_to"] = []any{}
			case "servers":
				thing = merge(thing, hetznerServer(id, r.Body))
			}
			api.put(collection, strconv.Itoa(id), thing)
			return http.StatusCreated, Object{single: thing, "action": success, "actions": []any{success}, "next_actions": []any{}}
		})
		api.on("GET", "/"+collection+"/{}", func(r *Request) (int, any) {
			if thing, ok := found(r); ok {
				return 200, Object{single: thing}
			}
			return 404, missing
		})
		api.on("GET", "/"+collection, func(r *Request) (int, any) { return 200, Object{collection: []any{}} })
		api.on("PUT", "/"+collection+"/{}", func(r *Request) (int, any) {
			thing, ok := found(r)
			if !ok {
				return 404, missing
			}
			return 200, Object{single: merge(thing, r.Body)}
		})
		api.on("DELETE", "/"+collection+"/{}", func(r *Request) (int, any) {
			thing, ok := found(r)
			if !ok {
				return 404, missing
			}
			if protection, _ := thing["protection"].(Object); protection["delete"] == true {
				return 403, Object{"error": Object{"code": "protected", "message": "server is protected"}}
			}
			delete(api.Things[collection], r.Parts[0])
			return 200, Object{"action": success}
		})
		api.on("POST", "/"+collection+"/{}/actions/{}", func(r *Request) (int, any) {
			thing, ok := found(r)
			if !ok {
				return 404, missing
			}
			switch r.Parts[1] {
			case "change_protection":
				thing["protection"] = Object{"delete": r.Body["delete"], "rebuild": r.Body["rebuild"]}
			case "change_type":
				thing["server_type"] = Object{"id": 2, "name": r.Body["server_type"]}
			case "poweroff":
				thing["status"] = "off"
			case "poweron":
				thing["status"] = "running"
			case "set_rules":
				thing["rules"] = r.Body["rules"]
			case "apply_to_resources":
				thing["applied_to"] = r.Body["apply_to"]
			case "remove_from_resources":
				thing["applied_to"] = []any{}
			}
			return http.StatusCreated, Object{"action": success, "actions": []any{success}}
		})
	}
	return api
}

func hetznerServer(id int, wanted Object) Object {
	firewalls := []any{}
	given, _ := wanted["firewalls"].([]any)
	for _, one := range given {
		firewalls = append(firewalls, Object{"id": one.(Object)["firewall"], "status": "applied"})
	}
	return Object{
		"status": "running", "protection": Object{"delete": false, "rebuild": false}, "primary_disk_size": 40,
		"server_type": Object{"id": 1, "name": "cx23"}, "location": Object{"id": 3, "name": "fsn1"}, "image": Object{"id": 9, "name": "debian-12"},
		"public_net": Object{
			"ipv4": Object{"id": 1, "ip": fmt.Sprintf("192.0.2.%d", id%250)}, "ipv6": Object{"id": 2, "ip": "2001:db8:1::/64"},
			"firewalls": firewalls, "floating_ips": []any{},
		},
		"private_net": []any{}, "volumes": []any{}, "load_balancers": []any{},
	}
}
