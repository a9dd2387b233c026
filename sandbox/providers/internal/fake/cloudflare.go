package fake

import (
	"fmt"
	"testing"
)

// Cloudflare answers as https://developers.cloudflare.com/api/ has it.
func Cloudflare(t *testing.T) *API {
	api := start(t)
	ok := func(result any) (int, any) {
		return 200, Object{"success": true, "errors": []any{}, "messages": []any{}, "result": result}
	}
	missing := func() (int, any) {
		return 404, Object{"success": false, "errors": []any{Object{"code": 10000, "message": "not found"}}}
	}
	crud := func(path string, collection string, named string, update string, fresh Object, hidden string) {
		last := func(r *Request) string { return r.Parts[len(r.Parts)-1] }
		show := func(thing Object) Object {
			copied := merge(Object{}, thing)
			delete(copied, hidden)
			return copied
		}
		api.on("POST", path, func(r *Request) (int, any) {
			id := fmt.Sprintf("%032x", api.id())
			thing := merge(merge(Object{"id": id}, fresh), r.Body)
			if named != "" {
				id = thing[named].(string)
				delete(thing, "id")
			}
			api.put(collection, id, thing)
			return ok(thing)
		})
		api.on("GET", path+"/{}", func(r *Request) (int, any) {
			if thing, found := api.Things[collection][last(r)]; found {
				return ok(show(thing))
			}
			return missing()
		})
		api.on(update, path+"/{}", func(r *Request) (int, any) {
			if class := r.Header.Get("cf-r2-storage-class"); class != "" {
				r.Body["storage_class"] = class
			}
			if thing, found := api.Things[collection][last(r)]; found {
				return ok(show(merge(thing, r.Body)))
			}
			return missing()
		})
		api.on("DELETE", path+"/{}", func(r *Request) (int, any) {
			if _, found := api.Things[collection][last(r)]; !found {
				return missing()
			}
			delete(api.Things[collection], last(r))
			return ok(Object{"id": last(r)})
		})
	}
	zone := Object{"id": "zone1", "name": "example.com", "status": "active", "type": "full", "paused": false, "name_servers": []any{"a", "b"}, "account": Object{"id": "acc1", "name": "a"}}
	api.on("GET", "/zones", func(r *Request) (int, any) {
		if r.URL.Query().Get("name") == "example.com" && r.URL.Query().Get("account.id") == "acc1" {
			return ok([]any{zone})
		}
		return ok([]any{})
	})
	api.on("GET", "/zones/zone1", func(*Request) (int, any) { return ok(zone) })
	crud("/zones/{}/dns_records", "records", "", "PUT", Object{"proxiable": true, "tags": []any{}, "settings": Object{}, "modified_on": "2026-01-01T00:00:00Z"}, "")
	settings := Object{"id": "ssl", "value": "flexible", "editable": true}
	api.on("GET", "/zones/{}/settings/{}", func(*Request) (int, any) { return ok(settings) })
	api.on("PATCH", "/zones/{}/settings/{}", func(r *Request) (int, any) { return ok(merge(settings, r.Body)) })
	crud("/accounts/{}/tokens", "tokens", "", "PUT", Object{"status": "active", "value": "the-value-that-is-told-once"}, "value")
	crud("/user/tokens", "user tokens", "", "PUT", Object{"status": "active", "value": "the-value-that-is-told-once"}, "value")
	api.on("GET", "/accounts/{}/tokens/permission_groups", func(r *Request) (int, any) {
		return ok([]any{Object{"id": "group1", "name": r.URL.Query().Get("name"), "scopes": []any{"com.cloudflare.api.account.zone"}}})
	})
	// What has no name in the path comes before the collection's own.
	last := len(api.routes) - 1
	api.routes = append([]route{api.routes[last]}, api.routes[:last]...)
	crud("/accounts/{}/r2/buckets", "buckets", "name", "PATCH", Object{"creation_date": "2026-01-01T00:00:00Z", "location": "WEUR", "storage_class": "Standard"}, "storageClass")
	for _, kind := range []string{"lifecycle", "lock"} {
		rules := Object{"rules": []any{}}
		api.on("GET", "/accounts/{}/r2/buckets/{}/"+kind, func(*Request) (int, any) { return ok(rules) })
		api.on("PUT", "/accounts/{}/r2/buckets/{}/"+kind, func(r *Request) (int, any) { merge(rules, r.Body); return ok(Object{}) })
	}
	crud("/accounts/{}/cfd_tunnel", "tunnels", "", "PATCH", Object{"account_tag": "acc1", "status": "inactive", "tun_type": "cfd_tunnel", "deleted_at": nil}, "tunnel_secret")
	config := Object{"version": 1, "source": "cloudflare"}
	api.on("GET", "/accounts/{}/cfd_tunnel/{}/configurations", func(*Request) (int, any) { return ok(config) })
	api.on("PUT", "/accounts/{}/cfd_tunnel/{}/configurations", func(r *Request) (int, any) { return ok(merge(config, r.Body)) })
	api.on("GET", "/accounts/{}/cfd_tunnel/{}/token", func(*Request) (int, any) { return ok("the-tunnel-token") })
	return api
}
