package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const manifests = dataDir + "/server/manifests/"

func deploy(t *testing.T, file, name, value string) {
	t.Helper()
	text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: default}\ndata: {value: %q}\n", name, value)
	if err := server.write(manifests+file, text); err != nil {
		t.Fatal(err)
	}
}

func deployed(t *testing.T, name string) string {
	t.Helper()
	return kubectl(t, "get", "configmap", name, "-n", "default", "--ignore-not-found", "-o", "jsonpath={.data.value}")
}

func waitDeployed(t *testing.T, name, value string) {
	t.Helper()
	err := within(time.Minute, func() error {
		if got := deployed(t, name); got != value {
			return fmt.Errorf("ConfigMap %s says %q, want %q", name, got, value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManifestsAreDeployed(t *testing.T) {
	deploy(t, "contract.yaml", "contract", "one")
	waitDeployed(t, "contract", "one")
	deploy(t, "contract.yaml", "contract", "two")
	waitDeployed(t, "contract", "two")
	if err := os.Remove(server.path(manifests + "contract.yaml")); err != nil {
		t.Fatal(err)
	}
	// The next look at the folder deploys this one, and sees that the other is gone.
	deploy(t, "deeper/contract-below.yaml", "contract-below", "one")
	waitDeployed(t, "contract-below", "one")
	if got := deployed(t, "contract"); got != "two" {
		t.Errorf("without its file the ConfigMap says %q", got)
	}
}

func TestSkipFiles(t *testing.T) {
	if err := server.write(manifests+"contract-skipped.yaml.skip", ""); err != nil {
		t.Fatal(err)
	}
	deploy(t, "contract-skipped.yaml", "contract-skipped", "one")
	deploy(t, "contract-unskipped.yaml", "contract-unskipped", "one")
	waitDeployed(t, "contract-unskipped", "one")
	if got := deployed(t, "contract-skipped"); got != "" {
		t.Errorf("it was deployed: %q", got)
	}
}

func TestDisable(t *testing.T) {
	deploy(t, "contract-disabled.yaml", "contract-disabled", "one")
	eventually(t, func() error {
		if exists(server, manifests+"contract-disabled.yaml") == nil {
			return errors.New("a disabled manifest still has its file")
		}
		return nil
	})
	if got := deployed(t, "contract-disabled"); got != "" {
		t.Errorf("it is deployed: %q", got)
	}
	for _, part := range []string{"coredns", "traefik", "local-storage"} {
		if err := exists(server, manifests+part+".yaml"); err == nil {
			t.Errorf("%s.yaml is there", part)
		}
	}
}

func TestClusterInit(t *testing.T) {
	if err := exists(server, dataDir+"/server/db/etcd/member"); err != nil {
		t.Error(err)
	}
}

func TestSecretsEncryption(t *testing.T) {
	kubectl(t, "create", "secret", "generic", "contract", "--from-literal=value=contract-in-the-dark")
	kubectl(t, "create", "configmap", "contract-open", "--from-literal=value=contract-in-the-open")
	onDisk := func(word string) (found bool) {
		err := filepath.WalkDir(server.path(dataDir+"/server/db/etcd/member"), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(name)
			found = found || bytes.Contains(text, []byte(word))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if !onDisk("contract-in-the-open") {
		t.Fatal("not even the ConfigMap is found in etcd's files")
	}
	if onDisk("contract-in-the-dark") {
		t.Error("etcd's files hold the Secret in the clear")
	}
}

func TestSecretsEncryptionStatus(t *testing.T) {
	said := server.must(t, binary, "secrets-encrypt", "status", "--server", serverURL)
	for _, want := range []string{"Encryption Status: Enabled", "Current Rotation Stage: start", "AES-CBC", "aescbckey"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
}
