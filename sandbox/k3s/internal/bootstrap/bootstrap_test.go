package bootstrap

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyTheTokenOpensIt(t *testing.T) {
	sealed, err := Seal("password", []byte("the keys"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("the keys")) {
		t.Fatalf("not encrypted: %s", sealed)
	}
	if data, err := Open("password", sealed); err != nil || string(data) != "the keys" {
		t.Fatalf("got %q, %v", data, err)
	}
	if _, err := Open("another", sealed); !errors.Is(err, ErrToken) {
		t.Fatalf("got %v", err)
	}
}

func TestKeyIsTheTokensHash(t *testing.T) {
	if key := Key("password"); key != "/bootstrap/5e884898da28" {
		t.Fatal(key)
	}
}

func TestRestoreMakesTheSameServerAndReplacesOnlyWhenAsked(t *testing.T) {
	before, after := t.TempDir(), t.TempDir()
	write := func(dir, name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(before, "tls/server-ca.key", "key")
	write(before, "tls/etcd/peer-ca.crt", "certificate")
	write(before, "cred/encryption-config.json", "encryption")
	write(after, "tls/server-ca.key", "newer key")
	data, err := Collect(before)
	if err != nil {
		t.Fatal(err)
	}
	for _, replace := range []bool{false, true} {
		if err := Restore(after, data, replace); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"tls/server-ca.key": map[bool]string{false: "newer key", true: "key"}[replace], "tls/etcd/peer-ca.crt": "certificate", "cred/encryption-config.json": "encryption",
		} {
			if content, err := os.ReadFile(filepath.Join(after, name)); err != nil || string(content) != want {
				t.Errorf("replace %v: %s: %q, %v", replace, name, content, err)
			}
		}
	}
}
