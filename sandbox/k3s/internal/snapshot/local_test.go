package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func newFolder(t *testing.T, names ...string) *folder {
	t.Helper()
	disk, err := openFolder(t.TempDir(), "", "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(disk.path(name), []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := disk.saveMetadata(name, map[string]string{"of": name}); err != nil {
			t.Fatal(err)
		}
	}
	return disk
}

func (f *folder) names(t *testing.T) []string {
	t.Helper()
	files, err := f.list()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name)
	}
	return names
}

func TestTheOldestOfAPrefixArePruned(t *testing.T) {
	disk := newFolder(t, "on-demand-one-1", "on-demand-one-3", "on-demand-one-2.zip", "etcd-snapshot-one-1", "mine")
	removed, err := disk.prune("on-demand", 1)
	if err != nil || !slices.Equal(removed, []string{"on-demand-one-2.zip", "on-demand-one-1"}) {
		t.Errorf("%v, %v", removed, err)
	}
	if left := disk.names(t); !slices.Equal(left, []string{"etcd-snapshot-one-1", "mine", "on-demand-one-3"}) {
		t.Errorf("%v are left", left)
	}
	if _, err := os.Stat(disk.metadata("on-demand-one-1")); !os.IsNotExist(err) {
		t.Errorf("its metadata is left: %v", err)
	}
	if removed, err := disk.prune("etcd-snapshot", 0); err != nil || len(removed) > 0 {
		t.Errorf("without a limit: %v, %v", removed, err)
	}
}

func TestMetadataComesBack(t *testing.T) {
	files, err := newFolder(t, "a").list()
	if err != nil || len(files) != 1 || files[0].Metadata["of"] != "a" || !strings.HasPrefix(files[0].Location, "file:///") {
		t.Errorf("%+v, %v", files, err)
	}
}

func TestCompressionIsUndone(t *testing.T) {
	disk := newFolder(t, "on-demand-one-1")
	name, err := disk.compress("on-demand-one-1", time.Unix(1, 0))
	if err != nil || name != "on-demand-one-1.zip" {
		t.Fatal(name, err)
	}
	if names := disk.names(t); !slices.Equal(names, []string{name}) {
		t.Errorf("%v", names)
	}
	path, err := decompress(disk.path(name))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "content of on-demand-one-1" || path != disk.path("on-demand-one-1") {
		t.Errorf("%s: %q, %v", path, text, err)
	}
}

func TestAFolderThatWasAskedForHasToExist(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{filepath.Join(dir, "none"): "no such file", file: fmt.Sprintf("%s is not a directory", file)} {
		if _, err := openFolder(dir, asked, "one"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", asked, err)
		}
	}
}
