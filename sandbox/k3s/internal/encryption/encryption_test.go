package encryption

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheKeyIsMadeOnceAndItsStatusTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "encryption-config.json")
	if status, err := Read(file); err != nil || status.String() != "Encryption Status: Disabled\n" {
		t.Fatalf("%v, %v", status, err)
	}
	if err := Ensure(file, "aescbc"); err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(file)
	if err := Ensure(file, "aescbc"); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(file); string(first) != string(second) {
		t.Error("the key changed")
	}
	status, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Encryption Status: Enabled\n", "Current Rotation Stage: start\n", " *      AES-CBC   aescbckey\n"} {
		if !strings.Contains(status.String(), want) {
			t.Errorf("%q misses %q", status.String(), want)
		}
	}
}

func TestAnUnknownProviderIsRefused(t *testing.T) {
	if err := Ensure(filepath.Join(t.TempDir(), "x"), "rot13"); err == nil {
		t.Fatal("accepted")
	}
}
