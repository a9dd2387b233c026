package fake

import (
	"fmt"
	"net/http"
	"testing"
)

// Vultr answers as https://www.vultr.com/api/ has it. A new instance is pending at the first look.
func Vultr(t *testing.T) *API {
	api := start(t)
	missing := Object{"error": "Not found", "status": 404}
	api.on("GET", "/v2/os", func(r *Request) (int, any) {
		if r.URL.Query().Get("cursor") == "" {
			return 200, Object{"os": []any{Object{"id": 1, "name": "Other"}}, "meta": Object{"total": 2, "links": Object{"next": "more", "prev": ""}}}
		}
		return 200, Object{"os": []any{Object{"id": 2136, "name": "Debian 12 x64 (bookworm)", "arch": "x64", "family": "debian"}}, "meta": Object{"total": 2, "links": Object{"next": "", "prev": ""}}}
	})
	api.on("GET", "/v2/instances/{}/backup-schedule", func(*Request) (int, any) {
		return 200, Object{"backup_schedule": Object{"enabled": false, "type": ""}}
	})
	crud := func(path string, collection string, single string, fresh func(*Request, string) Object) {
		id := func(r *Request) string { return r.Parts[len(r.Parts)-1] }
		api.on("POST", path, func(r *Request) (int, any) {
			name := fmt.Sprint(api.id())
			api.put(collection, name, merge(merge(Object{"id": name}, r.Body), fresh(r, name)))
			return http.StatusCreated, Object{single: api.Things[collection][name]}
		})
		api.on("GET", path+"/{}", func(r *Request) (int, any) {
			thing, ok := api.Things[collection][id(r)]
			if !ok {
				return 404, missing
			}
			answer := merge(Object{}, thing)
			if thing["status"] == "pending" {
				merge(thing, Object{"status": "active", "power_status": "running"})
			}
			return 200, Object{single: answer}
		})
		for _, method := range []string{"PATCH", "PUT"} {
			api.on(method, path+"/{}", func(r *Request) (int, any) {
				thing, ok := api.Things[collection][id(r)]
				if !ok {
					return 404, missing
				}
				return 202, Object{single: merge(thing, r.Body)}
			})
		}
		api.on("DELETE", path+"/{}", func(r *Request) (int, any) {
			delete(api.Things[collection], id(r))
			return http.StatusNoContent, nil
		})
	}
	crud("/v2/ssh-keys", "ssh_keys", "ssh_key", func(*Request, string) Object { return Object{"date_created": "2026-01-01"} })
	crud("/v2/firewalls", "firewalls", "firewall_group", func(*Request, string) Object {
		return Object{"date_created": "2026-01-01", "date_modified": "2026-01-01", "max_rule_count": 50}
	})
	crud("/v2/firewalls/{}/rules", "rules", "firewall_rule", func(_ *Request, id string) Object {
		var number int
		_, _ = fmt.Sscan(id, &number)
		return Object{"id": number, "action": "accept"}
	})
	crud("/v2/instances", "instances", "instance", func(_ *Request, id string) Object {
		return Object{
			"status": "pending", "power_status": "stopped", "main_ip": "192.0.2.7", "v6_main_ip": "2001:db8:2::7", "os": "Debian 12",
			"default_password": "secret", "features": []any{"ipv6"}, "app_id": 0, "user_scheme": "root",
		}
	})
	return api
}
