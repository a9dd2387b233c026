package main

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/kptdev/krm-functions-sdk/go/fn"
)

const plain = `apiVersion: v1
kind: Secret
metadata:
    name: greeting
stringData:
    word: hello
`

// newKey makes an age key the one that SOPS finds, and gives its recipient.
func newKey(t *testing.T) string {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(file, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY_FILE", file)
	return identity.Recipient().String()
}

// seal encrypts text into a file of that name, whose ending says its format: by the program that KSOPS_SOPS names.
func seal(t *testing.T, recipient, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"encrypt", "--in-place", "--age", recipient}
	if strings.HasSuffix(name, ".yaml") {
		args = append(args, "--encrypted-regex", "^(data|stringData)$")
	}
	said, err := exec.Command(os.Getenv("KSOPS_SOPS"), append(args, file)...).CombinedOutput()
	if err != nil {
		t.Fatalf("KSOPS_SOPS has to name SOPS's program: %v\n%s", err, said)
	}
	sealed, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(sealed), "hello") {
		t.Fatalf("not sealed: %v\n%s", err, sealed)
	}
	return file
}

func generatorOf(lines ...string) string {
	head := "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata:\n  name: secrets\n"
	return head + strings.Join(lines, "\n") + "\n"
}

func TestFilesAreDecrypted(t *testing.T) {
	recipient := newKey(t)
	one := seal(t, recipient, "one.sops.yaml", plain)
	two := seal(t, recipient, "two.sops.yaml", strings.Replace(plain, "greeting", "other", 1))
	got, err := generate([]byte(generatorOf("files:", "- "+one, "- "+two)))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := fn.ParseKubeObjects([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 2 || objects[0].GetName() != "greeting" || objects[1].GetName() != "other" {
		t.Errorf("made:\n%s", got)
	}
	if strings.Contains(got, "sops:") || !strings.Contains(got, "word: hello") {
		t.Errorf("not as it was:\n%s", got)
	}
}

func TestSecretsAreMadeOfFiles(t *testing.T) {
	recipient := newKey(t)
	file := seal(t, recipient, "note.txt", "hello\n")
	env := seal(t, recipient, "app.env", "WORD=hello\n")
	got, err := generate([]byte(generatorOf(
		"secretFrom:", "- metadata:", "    name: made", "  type: Opaque",
		"  files: ["+file+", named="+file+"]", "  binaryFiles: [raw="+file+"]", "  envs: ["+env+"]",
	)))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := fn.ParseKubeObjects([]byte(got))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%v in:\n%s", err, got)
	}
	for key, want := range map[string]string{"note.txt": "hello\n", "named": "hello\n", "WORD": "hello"} {
		if value, _, _ := objects[0].NestedString("stringData", key); value != want {
			t.Errorf("%s is %q", key, value)
		}
	}
	raw, _, _ := objects[0].NestedString("data", "raw")
	if decoded, _ := base64.StdEncoding.DecodeString(raw); string(decoded) != "hello\n" {
		t.Errorf("raw is %q", raw)
	}
	if objects[0].GetName() != "made" || objects[0].GetKind() != "Secret" {
		t.Errorf("made:\n%s", got)
	}
}

func TestFaults(t *testing.T) {
	sealed := seal(t, newKey(t), "one.sops.yaml", plain)
	for name, one := range map[string]struct{ generator, want string }{
		"nothing to do": {generatorOf(), "missing the required 'files' or 'secretFrom' key"},
		"no file":       {generatorOf("files: [/nowhere.yaml]"), `error reading "/nowhere.yaml"`},
		"another key":   {generatorOf("files:", "- "+sealed), "Error getting data key: 0 successful groups required, got 0"},
		"two keys":      {generatorOf("secretFrom:", "- files: [a=b=c]"), "invalid format in file generator a=b=c"},
	} {
		t.Run(name, func(t *testing.T) {
			newKey(t)
			got, err := generate([]byte(one.generator))
			if err == nil || !strings.Contains(err.Error(), one.want) {
				t.Errorf("said %v", err)
			}
			if got != "" {
				t.Errorf("made %q", got)
			}
		})
	}
}

// asFunction runs it as kustomize does: the generators are the items.
func asFunction(generator string) (string, error) {
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(generator), "\n", "\n  ")
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n-" + indented[1:] + "\n"
	out, err := fn.Run(fn.ResourceListProcessorFunc(process), []byte(list))
	return string(out), err
}

func TestAFunctionGivesWhatItDecrypted(t *testing.T) {
	sealed := seal(t, newKey(t), "one.sops.yaml", plain)
	got, err := asFunction(generatorOf("files:", "- "+sealed))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "kind: ResourceList") || !strings.Contains(got, "word: hello") ||
		strings.Contains(got, "viaduct.ai") {
		t.Errorf("given:\n%s", got)
	}
}

func TestNothingIsGivenWhereOneFileFails(t *testing.T) {
	sealed := seal(t, newKey(t), "one.sops.yaml", plain)
	got, err := asFunction(generatorOf("files:", "- "+sealed, "- /nowhere.yaml"))
	if err == nil || strings.Contains(got, "hello") {
		t.Errorf("%v, given:\n%s", err, got)
	}
}

func TestInstall(t *testing.T) {
	folder := t.TempDir()
	if err := run([]string{"install", folder}); err != nil {
		t.Fatal(err)
	}
	stat, err := os.Stat(filepath.Join(folder, "ksops"))
	if err != nil || stat.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", stat, err)
	}
	if err := run([]string{"install"}); err == nil || !strings.Contains(err.Error(), "requires a destination directory") {
		t.Errorf("said %v", err)
	}
}
