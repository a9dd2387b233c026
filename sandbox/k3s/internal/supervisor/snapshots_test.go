package supervisor

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"infra-k3s.invalid/sandbox/k3s/internal/certs"
	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
)

// recorded notes what it was asked for, and fails by name.
type recorded struct {
	settings snapshot.Settings
	deleted  []string
}

func (r *recorded) Check(_ context.Context, s snapshot.Settings) error {
	if s.S3 != nil {
		return errors.New("failed to initialize S3 client: no")
	}
	return nil
}

func (r *recorded) Save(_ context.Context, s snapshot.Settings) (*snapshot.Result, error) {
	r.settings = s
	if s.Name == "fails" {
		return nil, errors.New("a secret reason")
	}
	return &snapshot.Result{Created: []string{s.Name}}, nil
}

func (r *recorded) List(context.Context, snapshot.Settings) (*snapshot.List, error) {
	return &snapshot.List{}, nil
}

func (r *recorded) Prune(_ context.Context, s snapshot.Settings) (*snapshot.Result, error) {
	r.settings = s
	return &snapshot.Result{}, nil
}

func (r *recorded) Delete(_ context.Context, _ snapshot.Settings, names []string) (*snapshot.Result, error) {
	r.deleted = names
	return &snapshot.Result{Deleted: names}, nil
}

func TestSnapshotRequests(t *testing.T) {
	asked := &recorded{}
	s := &Supervisor{
		Password: "boop", ClientCA: &certs.Authority{}, Snapshots: asked, SnapshotDefaults: snapshot.Settings{Name: "etcd-snapshot", Retention: 5},
		RotateToken: func(_ context.Context, next string) error {
			if next == "bad" {
				return errors.New("a secret reason")
			}
			return nil
		},
	}
	routes := s.routes(http.NotFoundHandler())
	for _, c := range []struct {
		method, path, user, password, body string
		status                             int
		answer                             string
	}{
		{"POST", "/db/snapshot", "", "", `{"operation":"list"}`, 401, "not authorized"},
		{"POST", "/db/snapshot", "server", "other", `{"operation":"list"}`, 401, "not authorized"},
		{"POST", "/db/snapshot", "node", "boop", `{"operation":"list"}`, 403, "forbidden"},
		{"GET", "/db/snapshot", "server", "boop", ``, 405, "method not allowed"},
		{"POST", "/db/snapshot", "server", "boop", `{"operation":"eat"}`, 400, `etcd-snapshot error ID \d{5}`},
		{"POST", "/db/snapshot", "server", "boop", `{"operation":"save","name":["mine"],"retention":0}`, 200, `"created":\["mine"\]`},
		{"POST", "/db/snapshot", "server", "boop", `{"operation":"save","name":["fails"]}`, 500, `etcd-snapshot error ID \d{5}`},
		{"POST", "/db/snapshot", "server", "boop", `{"operation":"save","s3":{"bucket":"b"}}`, 400, "failed to initialize S3 client: no"},
		{"POST", "/db/snapshot", "server", "boop", `{"operation":"delete","name":["../../token"]}`, 400, "path traversal not allowed"},
		{"POST", "/db/snapshot", "server", "boop", `{"operation":"list"}`, 200, `"items"`},
		{"PUT", "/v1-k3s/token", "node", "boop", `{"newToken":"next"}`, 403, "forbidden"},
		{"PUT", "/v1-k3s/token", "server", "boop", `{"newToken":"bad"}`, 500, `token error ID \d{5}`},
		{"PUT", "/v1-k3s/token", "server", "boop", `{"newToken":"next"}`, 200, ``},
		{"POST", "/v1-k3s/token", "server", "boop", `{"newToken":"next"}`, 405, "method not allowed"},
	} {
		request := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.user != "" {
			request.SetBasicAuth(c.user, c.password)
		}
		recorder := httptest.NewRecorder()
		routes.ServeHTTP(recorder, request)
		text, _ := io.ReadAll(recorder.Body)
		if recorder.Code != c.status || !regexp.MustCompile(c.answer).Match(text) || strings.Contains(string(text), "secret") {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, recorder.Code, text)
		}
	}
	if asked.deleted != nil {
		t.Errorf("deleted %v", asked.deleted)
	}
}

func TestARequestIsPutOverTheServersSettings(t *testing.T) {
	dir, keep := "/x", 0
	server := snapshot.Settings{Name: "etcd-snapshot", Compress: true, Retention: 5, S3: &snapshot.S3{Bucket: "b"}}
	got := snapshot.Request{Name: []string{"on-demand"}, Dir: &dir, Retention: &keep}.Over(server)
	if want := (snapshot.Settings{Name: "on-demand", Dir: "/x", Compress: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
