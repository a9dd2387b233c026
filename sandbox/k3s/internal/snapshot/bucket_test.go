package snapshot

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"infra-k3s.invalid/sandbox/k3s/internal/s3test"
)

func newS3(t *testing.T) (*s3test.Server, S3) {
	t.Helper()
	server := &s3test.Server{AccessKey: "key", Buckets: []string{"bucket"}}
	listening := httptest.NewTLSServer(server)
	t.Cleanup(listening.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: listening.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return server, S3{
		Endpoint: strings.TrimPrefix(listening.URL, "https://"), EndpointCA: ca, Bucket: "bucket", Folder: "folder", Region: "auto",
		AccessKey: "key", SecretKey: "secret", Timeout: metav1.Duration{Duration: 10 * time.Second}, Retention: 1,
	}
}

func TestASnapshotGoesToS3AndComesBack(t *testing.T) {
	ctx := context.Background()
	server, s3 := newS3(t)
	place, err := openBucket(ctx, s3)
	if err != nil {
		t.Fatal(err)
	}
	disk := newFolder(t, "on-demand-one-7")
	sent := place.upload(ctx, disk, File{Name: "on-demand-one-7", Node: "one", TokenHash: "b4b83cda3099", Metadata: map[string]string{"of": "it"}}, "cluster")
	if sent.Failure != "" || sent.Location != "s3://bucket/folder/on-demand-one-7" {
		t.Fatalf("%+v", sent)
	}
	if keys := server.Keys(); !slices.Equal(keys, []string{"bucket/folder/.metadata/on-demand-one-7", "bucket/folder/on-demand-one-7"}) {
		t.Errorf("%v", keys)
	}
	files, err := place.list(ctx)
	if err != nil || len(files) != 1 {
		t.Fatalf("%+v, %v", files, err)
	}
	if f := files[0]; f.Node != "s3" || f.TokenHash != "b4b83cda3099" || f.Created.Unix() != 7 || f.Metadata["of"] != "on-demand-one-7" || f.resourceName() != sent.resourceName() {
		t.Errorf("%+v", f)
	}
	path, err := place.download(ctx, "on-demand-one-7", newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "content of on-demand-one-7" {
		t.Errorf("%q, %v", text, err)
	}
	if err := place.remove(ctx, "on-demand-one-7"); err != nil || len(server.Keys()) > 0 {
		t.Errorf("%v, %v are left", err, server.Keys())
	}
	if err := place.remove(ctx, "on-demand-one-7"); !isNotFound(err) {
		t.Errorf("again: %v", err)
	}
}

func TestTheOldestObjectsArePruned(t *testing.T) {
	ctx := context.Background()
	server, s3 := newS3(t)
	place, err := openBucket(ctx, s3)
	if err != nil {
		t.Fatal(err)
	}
	disk := newFolder(t, "a-one-1", "a-one-2", "b-one-1")
	for _, name := range disk.names(t) {
		place.upload(ctx, disk, File{Name: name, Node: "one"}, "")
	}
	server.Age("bucket/folder/a-one-2", time.Hour) // what counts is not the name
	if removed, err := place.prune(ctx, "a"); err != nil || !slices.Equal(removed, []string{"a-one-2"}) {
		t.Errorf("%v, %v", removed, err)
	}
	if keys := server.Keys(); !slices.Equal(keys, []string{"bucket/folder/a-one-1", "bucket/folder/b-one-1"}) {
		t.Errorf("%v", keys)
	}
}

func TestS3ThatCannotBeUsedIsToldBeforehand(t *testing.T) {
	_, good := newS3(t)
	for want, change := range map[string]func(*S3){
		"s3 bucket name was not set":                                    func(s *S3) { s.Bucket = "" },
		"bucket other does not exist":                                   func(s *S3) { s.Bucket = "other" },
		"failed to test for existence of bucket bucket: Access Denied.": func(s *S3) { s.AccessKey = "stranger" },
		"no certificates loaded from etcd-s3-endpoint-ca":               func(s *S3) { s.EndpointCA = base64.StdEncoding.EncodeToString([]byte("none")) },
		"proxy URL must include scheme and host":                        func(s *S3) { s.Proxy = "proxy" },
		"no such file or directory":                                     func(s *S3) { s.EndpointCA = "/nowhere.pem" },
	} {
		s3 := good
		change(&s3)
		if _, err := openBucket(context.Background(), s3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	good.EndpointCA, good.SkipSSLVerify = "", true
	if _, err := openBucket(context.Background(), good); err != nil {
		t.Error(err)
	}
}

func TestTheSecretCountsOnlyAlone(t *testing.T) {
	ctx := context.Background()
	alone := defaults
	alone.ConfigSecret, alone.Retention = "secret", 5
	if _, err := alone.resolve(ctx, nil); !errors.Is(err, ErrNoSecret) {
		t.Errorf("without an API: %v", err)
	}
	beside := alone
	beside.Bucket = "bucket"
	if resolved, err := beside.resolve(ctx, nil); err != nil || resolved != beside {
		t.Errorf("beside other settings: %+v, %v", resolved, err)
	}
	if _, err := defaults.resolve(ctx, nil); err == nil || err.Error() != "s3 configuration was not set" {
		t.Errorf("with nothing: %v", err)
	}
}
