// Package kubeconfig writes the kubeconfig files of components and of the administrator.
package kubeconfig

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes a file that names certificates by their paths.
func Write(file, server, caFile, certFile, keyFile string) error {
	text := fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    server: %s
    certificate-authority: %s
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate: %s
    client-key: %s
`, server, caFile, certFile, keyFile)
	return os.WriteFile(file, []byte(text), 0o600)
}

// WriteEmbedded writes the administrator's file, which holds the certificates themselves.
func WriteEmbedded(file string, mode os.FileMode, server string, caPEM, certPEM, keyPEM []byte) error {
	encode := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %s
    server: %s
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: %s
    client-key-data: %s
`, encode(caPEM), server, encode(certPEM), encode(keyPEM))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		return err
	}
	return os.Chmod(file, mode)
}
