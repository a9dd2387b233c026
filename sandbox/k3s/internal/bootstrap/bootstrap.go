// Package bootstrap is what K3s keeps of a server's identity in the database, encrypted with the token, so that
// the database and the token are enough to make the same server again on an empty disk.
package bootstrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// Prefix is where the database has it; the rest of the key is the token's hash.
const Prefix = "/bootstrap/"

// ErrToken says that the data is there, but another token's.
var ErrToken = errors.New("bootstrap data already found and encrypted with different token")

// files are K3s's names of what is kept, and where it lies below DATADIR/server.
var files = map[string]string{
	"ServerCA":           "tls/server-ca.crt",
	"ServerCAKey":        "tls/server-ca.key",
	"ClientCA":           "tls/client-ca.crt",
	"ClientCAKey":        "tls/client-ca.key",
	"RequestHeaderCA":    "tls/request-header-ca.crt",
	"RequestHeaderCAKey": "tls/request-header-ca.key",
	"ETCDServerCA":       "tls/etcd/server-ca.crt",
	"ETCDServerCAKey":    "tls/etcd/server-ca.key",
	"ETCDPeerCA":         "tls/etcd/peer-ca.crt",
	"ETCDPeerCAKey":      "tls/etcd/peer-ca.key",
	"ServiceKey":         "tls/service.key",
	"PasswdFile":         "cred/passwd",
	"EncryptionConfig":   "cred/encryption-config.json",
}

// File is one of them.
type File struct {
	Timestamp time.Time
	Content   []byte
}

// Collect reads what there is; what is not (encryption may be off) is left out.
func Collect(dir string) ([]byte, error) {
	kept := map[string]File{}
	for name, path := range files {
		info, err := os.Stat(filepath.Join(dir, path))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil, err
		}
		kept[name] = File{Timestamp: info.ModTime().UTC(), Content: content}
	}
	return json.Marshal(kept)
}

// Restore writes the files that are missing; what lies on the disk stays, unless it is to be replaced.
func Restore(dir string, data []byte, replace bool) error {
	kept := map[string]File{}
	if err := json.Unmarshal(data, &kept); err != nil {
		return err
	}
	for name, file := range kept {
		path := filepath.Join(dir, files[name])
		if files[name] == "" {
			continue
		}
		if _, err := os.Stat(path); err == nil && !replace {
			continue
		}
		mode := os.FileMode(0o600)
		if strings.HasSuffix(path, ".crt") {
			mode = 0o644
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Content, mode); err != nil {
			return err
		}
		if err := os.Chtimes(path, file.Timestamp, file.Timestamp); err != nil {
			return err
		}
	}
	return nil
}

// Key is where the data of a token lies.
func Key(password string) string {
	return Prefix + token.Hash(password)
}

// Seal encrypts as K3s does: SALT:BASE64(NONCE + AES-GCM), the key derived from password and salt.
func Seal(password string, data []byte) ([]byte, error) {
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	salt := hex.EncodeToString(random)
	gcm, err := newGCM(password, salt)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return []byte(salt + ":" + base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, data, nil))), nil
}

// Open decrypts what Seal made.
func Open(password string, sealed []byte) ([]byte, error) {
	salt, text, found := strings.Cut(string(sealed), ":")
	if !found {
		return nil, errors.New("the bootstrap data has not the form SALT:DATA")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(password, salt)
	if err != nil {
		return nil, err
	}
	if len(data) < gcm.NonceSize() {
		return nil, errors.New("the bootstrap data is cut short")
	}
	plain, err := gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
	if err != nil {
		return nil, ErrToken
	}
	return plain, nil
}

func newGCM(password, salt string) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha1.New, password, []byte(salt), 4096, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
