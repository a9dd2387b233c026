// Package fake answers as the vendors' APIs do, as far as the tests of the providers go. The simulators are in sandbox/clouds.
package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

type Object = map[string]any

// API holds what was made, by collection and id, and every request that changed something.
type API struct {
	*httptest.Server
	mutex   sync.Mutex
	routes  []route
	last    int
	Things  map[string]map[string]Object
	Changes []string
}

type route struct {
	method  string
	pattern *regexp.Regexp
	answer  func(request *Request) (int, any)
}

// Request is a request with the parts of its path that a route named, and its JSON.
type Request struct {
	*http.Request
	Parts []string
	Body  Object
}

func start(t *testing.T) *API {
	api := &API{Things: map[string]map[string]Object{}, last: 1000}
	api.Server = httptest.NewServer(http.HandlerFunc(api.serve))
	t.Cleanup(api.Close)
	return api
}

// on answers a method and path, in which {} stands for a part.
func (a *API) on(method string, path string, answer func(request *Request) (int, any)) {
	pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(path), `\{\}`, "([^/]+)") + "$")
	a.routes = append(a.routes, route{method, pattern, answer})
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	request := &Request{Request: r, Body: Object{}}
	_ = json.NewDecoder(r.Body).Decode(&request.Body)
	w.Header().Set("Content-Type", "application/json")
	for _, one := range a.routes {
		if parts := one.pattern.FindStringSubmatch(r.URL.Path); one.method == r.Method && parts != nil {
			request.Parts = parts[1:]
			if r.Method != http.MethodGet {
				a.Changes = append(a.Changes, r.Method+" "+r.URL.Path)
			}
			status, answer := one.answer(request)
			w.WriteHeader(status)
			if answer != nil {
				_ = json.NewEncoder(w).Encode(answer)
			}
			return
		}
	}
	w.WriteHeader(http.StatusNotImplemented)
	fmt.Fprintf(w, `{"error":"not in the fake: %s %s"}`, r.Method, r.URL.Path)
}

// id is a new one, as number.
func (a *API) id() int { a.last++; return a.last }

func (a *API) put(collection string, id string, thing Object) {
	if a.Things[collection] == nil {
		a.Things[collection] = map[string]Object{}
	}
	a.Things[collection][id] = thing
}

// Only is the one thing in a collection.
func (a *API) Only(t *testing.T, collection string) Object {
	t.Helper()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if len(a.Things[collection]) != 1 {
		t.Fatalf("%s: %d, not 1", collection, len(a.Things[collection]))
	}
	for _, thing := range a.Things[collection] {
		return thing
	}
	return nil
}

// Forget takes a thing away behind OpenTofu's back.
func (a *API) Forget(collection string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.Things[collection] = map[string]Object{}
}

// Count is how many things there are in all collections.
func (a *API) Count() int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	count := 0
	for _, things := range a.Things {
		count += len(things)
	}
	return count
}

// Changed gives the requests that changed something since it was asked last.
func (a *API) Changed() []string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	changes := a.Changes
	a.Changes = nil
	return changes
}

func merge(thing Object, more Object) Object {
	for name, value := range more {
		if value != nil {
			thing[name] = value
		}
	}
	return thing
}
