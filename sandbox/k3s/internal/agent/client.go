package agent

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"infra-k3s.invalid/sandbox/k3s/internal/access"
	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/nodepassword"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// client is a node at its supervisor.
type client struct{ *access.Client }

func connect(server string, join token.Token) (*client, error) {
	c, err := access.Connect(server, "node", join)
	return &client{c}, err
}

func (c *client) settings() (*cluster.Settings, error) {
	text, err := c.Get("/v1-k3s/config")
	if err != nil {
		return nil, fmt.Errorf("failed to retrieve configuration from server: %w", err)
	}
	settings := &cluster.Settings{}
	return settings, json.Unmarshal(text, settings)
}

// certificate asks the server to sign this node's key; the key never leaves the node.
func (c *client) certificate(path string, key crypto.Signer, header http.Header) ([]byte, error) {
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	answer, err := c.Send(http.MethodPost, path, request, header)
	var refused *access.StatusError
	if errors.As(err, &refused) && refused.Code == http.StatusForbidden {
		return nil, fmt.Errorf("Node password rejected, duplicate hostname or contents of '%s' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag", nodepassword.File)
	}
	return answer, err
}
