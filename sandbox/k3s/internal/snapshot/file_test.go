package snapshot

import (
	"strings"
	"testing"
	"time"
)

func TestANameTellsTheTime(t *testing.T) {
	modified := time.Unix(1000, 0)
	for name, want := range map[string]int64{
		"on-demand-one-1753178523":         1753178523,
		"etcd-snapshot-one-1753178523.zip": 1753178523,
		"before-the-upgrade":               1000,
		"1753178523":                       1000,
	} {
		if created := createdAt(name, modified); created.Unix() != want {
			t.Errorf("%s: %d, want %d", name, created.Unix(), want)
		}
	}
}

// The digests are those of the page's example: docs.k3s.io/cli/etcd-snapshot#etcdsnapshotfile-custom-resources.
func TestAnObjectIsNamedAfterPlaceAndSnapshot(t *testing.T) {
	const name = "on-demand-k3s-server-1-1730308816"
	local := File{Name: name, Node: "k3s-server-1", Location: "file:///var/lib/rancher/k3s/server/db/snapshots/" + name}
	if got := local.resourceName(); got != "local-"+name+"-3e9290" {
		t.Error(got)
	}
	remote := File{Name: name, Node: "s3", Location: "s3://etcd/k3s-test/" + name, S3: &S3{}}
	if got := remote.resourceName(); got != "s3-"+name+"-79b15c" {
		t.Error(got)
	}
}

func TestAnUnfitNameIsReplaced(t *testing.T) {
	for _, name := range []string{"what is this.zip", strings.Repeat("long", 70) + ".zip"} {
		file := File{Name: name, Node: "one.example", Created: time.Unix(42, 0)}
		if got := file.resourceName(); !strings.HasPrefix(got, "local-etcd-snapshot-one-42.zip-") {
			t.Error(got)
		}
	}
}

func TestAnObjectHasNoKeys(t *testing.T) {
	file := File{Name: "a", Node: "s3", S3: &S3{Endpoint: "s3.example", AccessKey: "AKIA", SecretKey: "secret", Bucket: "b"}, TokenHash: "b4b83cda3099"}
	content, err := file.unstructured()
	if err != nil {
		t.Fatal(err)
	}
	text, err := content.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "AKIA") || strings.Contains(string(text), "secret") {
		t.Errorf("%s", text)
	}
	for _, want := range []string{`/snapshot-storage-node":"s3"`, `/snapshot-token-hash":"b4b83cda3099"`, `"endpoint":"s3.example"`, `"readyToUse":true`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
