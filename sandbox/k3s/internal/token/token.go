// Package token reads and writes K3s's join tokens: K10<sha256 of the CA's PEM>::<user>:<password>, or the
// bare password.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

const prefix = "K10"

// Token is a parsed token; CAHash is empty for a short one.
type Token struct {
	CAHash   string
	Username string
	Password string
}

// Parse reads either format.
func Parse(text string) (Token, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Token{}, errors.New("token must not be empty")
	}
	rest, full := strings.CutPrefix(text, prefix)
	if !full {
		return Token{Password: text}, nil
	}
	hash, credentials, found := strings.Cut(rest, "::")
	if !found {
		hash, credentials = "", rest
	}
	if hash != "" && len(hash) != sha256.Size*2 {
		return Token{}, errors.New("invalid token CA hash length")
	}
	username, password, found := strings.Cut(credentials, ":")
	if !found || password == "" {
		return Token{}, errors.New("invalid token format")
	}
	return Token{CAHash: hash, Username: username, Password: password}, nil
}

// HashCA is the hash a full token carries for a self-signed CA: that of the PEM file as stored.
func HashCA(pem []byte) string {
	sum := sha256.Sum256(pem)
	return hex.EncodeToString(sum[:])
}

// Format writes a full token.
func Format(caPEM []byte, username, password string) string {
	return prefix + HashCA(caPEM) + "::" + username + ":" + password
}

// Check compares the CA bundle a server showed with the token's hash.
func (t Token) Check(caPEM []byte) error {
	if hash := HashCA(caPEM); t.CAHash != "" && t.CAHash != hash {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", t.CAHash, hash)
	}
	return nil
}

// Generate makes a password.
func Generate() string {
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return hex.EncodeToString(bytes)
}

// FromFlags picks the token of --token or --token-file.
func FromFlags(text, file string) (string, error) {
	if text != "" || file == "" {
		return text, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
