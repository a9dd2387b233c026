// Package encryption makes the API's encryption configuration and tells what it says.
package encryption

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	apiserver "k8s.io/apiserver/pkg/apis/apiserver/v1"
)

// names of K3s's keys, by --secrets-encryption-provider, and what it calls their kind.
var names = map[string]struct{ key, kind string }{
	"aescbc":    {"aescbckey", "AES-CBC"},
	"secretbox": {"secretboxkey", "XSalsa20-POLY1305"},
}

// Ensure writes the configuration with a new key, unless there is one.
func Ensure(file, provider string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	known, found := names[provider]
	if !found {
		return fmt.Errorf("--secrets-encryption-provider %q is not supported: aescbc or secretbox", provider)
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	keys := []any{map[string]string{"name": known.key, "secret": base64.StdEncoding.EncodeToString(random)}}
	text, err := json.Marshal(map[string]any{
		"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1",
		"resources": []any{map[string]any{
			"resources": []string{"secrets"},
			"providers": []any{
				map[string]any{provider: map[string]any{"keys": keys}},
				map[string]any{"identity": map[string]any{}},
			},
		}},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// Status is the answer of /v1-k3s/encrypt/status; the names are K3s's own.
type Status struct {
	Stage     string `json:"stage"`
	ActiveKey string `json:"activekey"`
	Enable    *bool  `json:"enable"`
	HashMatch bool   `json:"hashmatch"`
}

// Read tells the status. One server's configuration always matches; nothing here rotates keys.
func Read(file string) (Status, error) {
	disabled := false
	status := Status{Stage: "start", Enable: &disabled, HashMatch: true}
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return status, nil
	}
	if err != nil {
		return status, err
	}
	config := apiserver.EncryptionConfiguration{}
	if err := json.Unmarshal(text, &config); err != nil {
		return status, fmt.Errorf("%s: %w", file, err)
	}
	if len(config.Resources) == 0 || len(config.Resources[0].Providers) == 0 {
		return status, nil
	}
	first := config.Resources[0].Providers[0]
	enabled := first.Identity == nil
	status.Enable = &enabled
	switch {
	case first.AESCBC != nil && len(first.AESCBC.Keys) > 0:
		status.ActiveKey = names["aescbc"].kind + " " + first.AESCBC.Keys[0].Name
	case first.Secretbox != nil && len(first.Secretbox.Keys) > 0:
		status.ActiveKey = names["secretbox"].kind + " " + first.Secretbox.Keys[0].Name
	}
	return status, nil
}

// String is what `k3s secrets-encrypt status` prints.
func (s Status) String() string {
	if s.Enable == nil || !*s.Enable {
		return "Encryption Status: Disabled\n"
	}
	kind, name, _ := strings.Cut(s.ActiveKey, " ")
	return "Encryption Status: Enabled\n" +
		"Current Rotation Stage: " + s.Stage + "\n" +
		"Server Encryption Hashes: All hashes match\n\n" +
		"Active  Key Type  Name\n" +
		"------  --------  ----\n" +
		fmt.Sprintf(" *      %-8s  %s\n", kind, name)
}
