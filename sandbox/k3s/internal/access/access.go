// Package access speaks to a supervisor whose certificate authority was checked against a token.
package access

import (
	"bytes"
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

	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// Client is a user of one supervisor.
type Client struct {
	url      string
	user     string
	password string
	http     *http.Client
}

// StatusError is an answer that is none.
type StatusError struct {
	URL     string
	Status  string
	Code    int
	Message string // of the supervisor, where it sent one
}

func (e *StatusError) Error() string { return e.URL + ": " + e.Status }

// Connect fetches the CA without verification, checks it, and makes sure that it signed the server.
func Connect(server, user string, join token.Token) (*Client, error) {
	address, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("Invalid server url, failed to parse: %s: %w", server, err)
	}
	if address.Scheme != "https" {
		return nil, errors.New("only https:// URLs are supported, invalid scheme: " + server)
	}
	c := &Client{url: strings.TrimRight(server, "/"), user: user, password: join.Password}
	c.http = httpClient(&tls.Config{InsecureSkipVerify: true}) // the CA is not known yet; its hash is checked below
	authority, err := c.send(http.MethodGet, "/cacerts", nil, nil, false)
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if err := join.Check(authority); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	c.http = httpClient(&tls.Config{RootCAs: pool})
	if _, err := c.send(http.MethodGet, "/cacerts", nil, nil, false); err != nil {
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

// SetTimeout is for requests that take longer than a node's.
func (c *Client) SetTimeout(limit time.Duration) { c.http.Timeout = limit }

// Get asks for a path.
func (c *Client) Get(path string) ([]byte, error) { return c.Send(http.MethodGet, path, nil, nil) }

// Send asks as the user; an answer that is no success is a *StatusError.
func (c *Client) Send(method, path string, body []byte, header http.Header) ([]byte, error) {
	return c.send(method, path, body, header, true)
}

func (c *Client) send(method, path string, body []byte, header http.Header, authenticated bool) ([]byte, error) {
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header.Clone()
	}
	if authenticated {
		request.SetBasicAuth(c.user, c.password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		status := struct{ Message string }{}
		_ = json.Unmarshal(text, &status)
		return nil, &StatusError{URL: c.url + path, Status: response.Status, Code: response.StatusCode, Message: status.Message}
	}
	return text, nil
}
