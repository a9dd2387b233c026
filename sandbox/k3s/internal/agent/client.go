package agent

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/nodepassword"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// client speaks to a supervisor whose certificate authority it has checked against the token.
type client struct {
	url   string
	token token.Token
	caPEM []byte
	http  *http.Client
}

// connect fetches the CA without verification, checks it, and makes sure that it signed the server.
func connect(server string, join token.Token) (*client, error) {
	address, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("Invalid server url, failed to parse: %s: %w", server, err)
	}
	if address.Scheme != "https" {
		return nil, errors.New("only https:// URLs are supported, invalid scheme: " + server)
	}
	c := &client{url: strings.TrimRight(server, "/"), token: join}
	c.http = httpClient(&tls.Config{InsecureSkipVerify: true}) // the CA is not known yet; its hash is checked below
	c.caPEM, err = c.request(http.MethodGet, "/cacerts", nil, nil, false)
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if err := join.Check(c.caPEM); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.caPEM)
	c.http = httpClient(&tls.Config{RootCAs: pool})
	if _, err := c.request(http.MethodGet, "/cacerts", nil, nil, false); err != nil {
		return nil, fmt.Errorf("CA cert validation failed: %w", err)
	}
	return c, nil
}

func httpClient(config *tls.Config) *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config},
	}
}

func (c *client) request(method, path string, body []byte, header http.Header, authenticated bool) ([]byte, error) {
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	if authenticated {
		request.SetBasicAuth("node", c.token.Password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusForbidden && header != nil {
		return nil, fmt.Errorf("Node password rejected, duplicate hostname or contents of '%s' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag", nodepassword.File)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", c.url+path, response.Status)
	}
	return io.ReadAll(response.Body)
}

func (c *client) get(path string) ([]byte, error) {
	return c.request(http.MethodGet, path, nil, nil, true)
}

func (c *client) settings() (*cluster.Settings, error) {
	text, err := c.get("/v1-k3s/config")
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
	return c.request(http.MethodPost, path, request, header, true)
}
