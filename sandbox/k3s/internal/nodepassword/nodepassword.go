// Package nodepassword holds the password a node proves its name with: a file on the node, a salted hash on
// the server.
package nodepassword

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// File is where a node keeps its password.
const File = "/etc/rancher/node/password"

const logN, blockSize, parallel, keyLength = 15, 8, 1, 64

// Ensure reads the node's password, making one first if there is none.
func Ensure(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		return "", err
	}
	password := hex.EncodeToString(bytes)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return password, os.WriteFile(file, []byte(password+"\n"), 0o600)
}

// SecretName is the Secret in kube-system that holds a node's hash.
func SecretName(node string) string { return node + ".node-password.k3s" }

// Hash salts and hashes a password.
func Hash(password string) (string, error) {
	salt := make([]byte, 8)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	sum, err := scrypt.Key([]byte(password), salt, 1<<logN, blockSize, parallel, keyLength)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$1:%x:%d:%d:%d:%s", salt, logN, blockSize, parallel, base64.RawStdEncoding.EncodeToString(sum)), nil
}

// Verify tells whether a password has this hash.
func Verify(hash, password string) error {
	fields := strings.Split(hash, ":")
	if len(fields) != 6 || fields[0] != "$1" {
		return fmt.Errorf("node password hash of unknown form")
	}
	salt, err := hex.DecodeString(fields[1])
	if err != nil {
		return err
	}
	want, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil {
		return err
	}
	sum, err := scrypt.Key([]byte(password), salt, 1<<logN, blockSize, parallel, keyLength)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(sum, want) != 1 {
		return fmt.Errorf("hash does not match")
	}
	return nil
}
