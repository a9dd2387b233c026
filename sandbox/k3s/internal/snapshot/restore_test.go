package snapshot

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	etcd "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd runs a real one on loopback, at ports that the kernel picks.
func startEtcd(t *testing.T, dir string) (endpoint string, stop func()) {
	t.Helper()
	any := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config := embed.NewConfig()
	config.Dir, config.LogLevel, config.Name = dir, "fatal", "one"
	config.ListenClientUrls, config.ListenPeerUrls = any, any
	config.InitialCluster = config.InitialClusterFromName("one")
	config.ForceNewCluster = true
	config.UnsafeNoFsync = true
	server, err := embed.StartEtcd(config)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(20 * time.Second):
		t.Fatal("etcd is not ready")
	}
	return server.Clients[0].Addr().String(), server.Close
}

func client(t *testing.T, endpoint string) *etcd.Client {
	t.Helper()
	database, err := etcd.New(etcd.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	return database
}

// save has a snapshot of a database with one key.
func save(t *testing.T) string {
	t.Helper()
	endpoint, stop := startEtcd(t, filepath.Join(t.TempDir(), "etcd"))
	defer stop()
	if _, err := client(t, endpoint).Put(context.Background(), "/key", "kept"); err != nil {
		t.Fatal(err)
	}
	manager := Manager{Database: func() (etcd.Config, error) { return etcd.Config{Endpoints: []string{endpoint}}, nil }}
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := manager.save(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADatabaseComesBack(t *testing.T) {
	server := t.TempDir()
	restore := Restore{Server: server, Snapshot: save(t), Database: filepath.Join(server, "db/etcd"), Member: "one", PeerURL: "https://198.18.0.1:2380"}
	if err := os.MkdirAll(restore.Database, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(restore.Database, "of-before"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := restore.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if old, _ := filepath.Glob(filepath.Join(server, "db/etcd-old-*/of-before")); len(old) != 1 {
		t.Errorf("the database of before is not in db/etcd-old-…: %v", old)
	}
	endpoint, stop := startEtcd(t, restore.Database)
	defer stop()
	got, err := client(t, endpoint).Get(context.Background(), "/key")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "kept" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBrokenSnapshotsAreRefusedByEtcd(t *testing.T) {
	content, err := os.ReadFile(save(t))
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte{}, content...)
	flipped[len(flipped)/2] ^= 1
	for name, broken := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":     {nil, "invalid argument"},
		"truncated": {content[:len(content)/2+7], "snapshot missing hash but --skip-hash-check=false"},
		"flipped":   {flipped, "expected sha256 ["},
	} {
		server := t.TempDir()
		path := filepath.Join(server, name)
		if err := os.WriteFile(path, broken.content, 0o600); err != nil {
			t.Fatal(err)
		}
		err := Restore{Server: server, Snapshot: path, Database: filepath.Join(server, "db/etcd"), Member: "one", PeerURL: "https://198.18.0.1:2380"}.Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), broken.want) {
			t.Errorf("%s: %v, want %s", name, err, broken.want)
		}
	}
}

func TestASnapshotHasToBeThere(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "etcd: snapshot path does not exist: ",
		dir:                        "etcd: snapshot path must be a file, not a directory: ",
	} {
		if err := (Restore{Server: dir, Snapshot: path}).Run(context.Background()); err == nil || err.Error() != want+path {
			t.Errorf("%v", err)
		}
	}
	alone := defaults
	alone.ConfigSecret = "secret"
	err := Restore{Server: dir, Snapshot: "name", S3: &alone}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "cannot use S3 config secret when restoring snapshot") {
		t.Errorf("%v", err)
	}
}
