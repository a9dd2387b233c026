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
	"regexp"
	"strings"
)

const prefix = "K10"

// ErrServer says that a token can't be a server's: bootstrap tokens are for agents.
var ErrServer = errors.New("failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>")

var bootstrapToken = regexp.MustCompile(`^[a-z0-9]{6}\.[a-z0-9]{16}$`)

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

// ParseServer reads a server's token.
func ParseServer(text string) (Token, error) {
	parsed, err := Parse(text)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrServer, err)
	}
	if bootstrapToken.MatchString(parsed.Password) {
		return Token{}, ErrServer
	}
	return parsed, nil
}

// Hash tells a server's password without telling it: the database's key and a snapshot's annotation.
func Hash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])[:12]
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
