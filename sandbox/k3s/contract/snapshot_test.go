package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const snapshots = dataDir + "/server/db/snapshots/"

var savedLine = regexp.MustCompile(`Snapshot ([^ ]+) saved\.`)

// saveSnapshot returns what the command named, once for every place.
func saveSnapshot(args ...string) ([]string, error) {
	said, code := server.once(nil, append([]string{"etcd-snapshot", "save"}, args...)...)
	var names []string
	for _, found := range savedLine.FindAllStringSubmatch(said, -1) {
		names = append(names, found[1])
	}
	if code != 0 || len(names) == 0 {
		return nil, fmt.Errorf("exit code %d: %s", code, tail(said))
	}
	return names, nil
}

func mustSave(t *testing.T, args ...string) string {
	t.Helper()
	names, err := saveSnapshot(args...)
	if err != nil {
		t.Fatal(err)
	}
	return names[0]
}

// listed are the lines of `k3s etcd-snapshot ls` by name, several where a snapshot is in several places.
func listed(t *testing.T, args ...string) string {
	t.Helper()
	return server.must(t, append([]string{binary, "etcd-snapshot", "ls"}, args...)...)
}

func TestSnapshotSave(t *testing.T) {
	name := mustSave(t)
	if !regexp.MustCompile(`^on-demand-first-\d{10}$`).MatchString(name) {
		t.Errorf("its name is %s", name)
	}
	info, err := os.Stat(server.path(snapshots + name))
	if err != nil || info.Size()%512 != sha256.Size || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: not a snapshot of etcd with its hash at the end", info, err)
	}
}

func TestSnapshotList(t *testing.T) {
	name := mustSave(t, "--name=listed")
	lines := strings.Split(listed(t), "\n")
	if fields := strings.Fields(lines[0]); strings.Join(fields, " ") != "Name Location Size Created" {
		t.Errorf("the head is %q", lines[0])
	}
	row := regexp.MustCompile(`(?m)^` + name + ` +file://` + snapshots + name + ` +\d+ +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)
	if !row.MatchString(strings.Join(lines, "\n")) {
		t.Errorf("not found in\n%s", strings.Join(lines, "\n"))
	}
}

func TestSnapshotFolderAndCompression(t *testing.T) {
	const dir = "/var/lib/rancher/elsewhere-snapshots"
	if err := os.MkdirAll(server.path(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	name := mustSave(t, "--name=small", "--etcd-snapshot-dir="+dir, "--etcd-snapshot-compress")
	text := server.read(t, filepath.Join(dir, name))
	if !strings.HasPrefix(name, "small-first-") || !strings.HasSuffix(name, ".zip") || !strings.HasPrefix(text, "PK") {
		t.Errorf("%s begins with %.4q", name, text)
	}
}

func TestSnapshotDelete(t *testing.T) {
	name := mustSave(t, "--name=short-lived")
	said, code := server.once(nil, "etcd-snapshot", "delete", name, "short-lived-none")
	if code != 0 || !strings.Contains(said, "Snapshot "+name+" deleted.") || !strings.Contains(said, "Snapshot short-lived-none not found.") {
		t.Errorf("exit code %d: %s", code, tail(said))
	}
	if err := exists(server, snapshots+name); err == nil {
		t.Error("it is still there")
	}
	if objects := kubectl(t, "get", "etcdsnapshotfile", "-o", "name"); strings.Contains(objects, name) {
		t.Errorf("its object is still there: %s", objects)
	}
}

func TestSnapshotPrune(t *testing.T) {
	for _, name := range []string{"pruned-first-1", "pruned-first-2", "kept-first-1"} {
		if err := server.write(snapshots+name, name); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(server.path(snapshots + name))
	}
	said, code := server.once(nil, "etcd-snapshot", "prune", "--name=pruned", "--snapshot-retention=1")
	if code != 0 || !strings.Contains(said, "Snapshot pruned-first-1 deleted.") {
		t.Errorf("exit code %d: %s", code, tail(said))
	}
	for name, kept := range map[string]bool{"pruned-first-1": false, "pruned-first-2": true, "kept-first-1": true} {
		if err := exists(server, snapshots+name); (err == nil) != kept {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSnapshotObjects(t *testing.T) {
	name := mustSave(t, "--name=seen")
	sum := sha256.Sum256([]byte(password))
	object := struct {
		Metadata struct{ Labels, Annotations map[string]string }
		Spec     struct{ SnapshotName, NodeName, Location string }
		Status   struct{ ReadyToUse bool }
	}{}
	found := false
	for id := range strings.FieldsSeq(kubectl(t, "get", "etcdsnapshotfile", "-o", "name")) {
		if strings.Contains(id, "/local-"+name+"-") {
			found = true
			if err := json.NewDecoder(bytes.NewBufferString(kubectl(t, "get", id, "-o", "json"))).Decode(&object); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !found || object.Spec.SnapshotName != name || object.Spec.NodeName != "first" || object.Spec.Location != "file://"+snapshots+name || !object.Status.ReadyToUse {
		t.Errorf("found %v: %+v", found, object)
	}
	if hash := object.Metadata.Annotations["etcd.k3s.cattle.io/snapshot-token-hash"]; hash != fmt.Sprintf("%x", sum)[:12] {
		t.Errorf("the token's hash is %q", hash)
	}
	if node := object.Metadata.Labels["etcd.k3s.cattle.io/snapshot-storage-node"]; node != "first" {
		t.Errorf("it is at %q", node)
	}
}

func needS3(t *testing.T) {
	t.Helper()
	if err := startS3(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotToS3(t *testing.T) {
	needS3(t)
	names, err := saveSnapshot(append([]string{"--name=far"}, toS3...)...)
	if err != nil || len(names) != 2 || names[0] != names[1] {
		t.Fatalf("%v, %v: want its name once for the disk and once for S3", names, err)
	}
	list := listed(t, toS3...)
	for _, place := range []string{" s3://" + s3Bucket + "/snapshots/" + names[0] + " ", " file://" + snapshots + names[0] + " "} {
		if !strings.Contains(list, place) {
			t.Errorf("no%s in\n%s", place, list)
		}
	}
	said, code := server.once(nil, append(append([]string{"etcd-snapshot"}, toS3...), "delete", names[0])...)
	if code != 0 || strings.Count(said, "Snapshot "+names[0]+" deleted.") != 2 || strings.Contains(listed(t, toS3...), names[0]) {
		t.Errorf("exit code %d: %s", code, tail(said))
	}
}

func TestS3ConfigSecret(t *testing.T) {
	needS3(t)
	kubectl(t, "create", "secret", "generic", "contract-s3", "-n", "kube-system", "--type=etcd.k3s.cattle.io/s3-config-secret",
		"--from-literal=etcd-s3-endpoint="+s3Address, "--from-file=etcd-s3-endpoint-ca="+s3CA, "--from-literal=etcd-s3-bucket="+s3Bucket,
		"--from-literal=etcd-s3-folder=by-secret", "--from-literal=etcd-s3-access-key=contract", "--from-literal=etcd-s3-secret-key=contract-secret")
	name := mustSave(t, "--name=secret", "--etcd-s3", "--etcd-s3-config-secret=contract-s3")
	if list := listed(t, "--etcd-s3", "--etcd-s3-config-secret=contract-s3"); !strings.Contains(list, "s3://"+s3Bucket+"/by-secret/"+name) {
		t.Errorf("not in the Secret's folder:\n%s", list)
	}
}

func TestS3IsCheckedBeforehand(t *testing.T) {
	needS3(t)
	said, code := server.once(nil, append(append([]string{"etcd-snapshot", "save", "--name=nowhere"}, toS3...), "--s3-bucket=none")...)
	if code == 0 || !strings.Contains(said, "see server log for details: failed to initialize S3 client: bucket none does not exist") {
		t.Errorf("exit code %d: %s", code, tail(said))
	}
	if found, _ := filepath.Glob(server.path(snapshots + "nowhere-*")); len(found) > 0 {
		t.Errorf("%v was made all the same", found)
	}
}
