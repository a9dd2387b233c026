package supervisor

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"

	"infra-k3s.invalid/sandbox/k3s/internal/certs"
)

func (s *Supervisor) sendPEM(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(text)
}

func (s *Supervisor) ready(w http.ResponseWriter, _ *http.Request) {
	if s.currentAPI() == nil {
		sendError(w, http.StatusServiceUnavailable, "runtime core not ready")
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte("ok"))
}

func (s *Supervisor) servingKubelet(w http.ResponseWriter, r *http.Request) {
	name, status, err := s.nodeName(r)
	if err != nil {
		refuse(w, r, status, err)
		return
	}
	hosts := []string{name, "localhost", "127.0.0.1"}
	for address := range strings.SplitSeq(r.Header.Get("k3s-Node-IP"), ",") {
		if address == "" {
			continue
		}
		if net.ParseIP(address) == nil {
			refuse(w, r, http.StatusInternalServerError, fmt.Errorf("invalid node IP address %s", address))
			return
		}
		hosts = append(hosts, address)
	}
	s.sign(w, r, s.ServerCA, "serving-kubelet", certs.Subject{CommonName: name, Hosts: hosts})
}

func (s *Supervisor) clientKubelet(w http.ResponseWriter, r *http.Request) {
	name, status, err := s.nodeName(r)
	if err != nil {
		refuse(w, r, status, err)
		return
	}
	s.sign(w, r, s.ClientCA, "client-kubelet", certs.Subject{CommonName: "system:node:" + name, Organizations: []string{"system:nodes"}})
}

func (s *Supervisor) fixedClient(file, commonName string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.sign(w, r, s.ClientCA, file, certs.Subject{CommonName: commonName})
	}
}

// sign signs the key of a posted request; a GET is answered with a key that all nodes share, as K3s does
// for old agents.
func (s *Supervisor) sign(w http.ResponseWriter, r *http.Request, authority *certs.Authority, file string, subject certs.Subject) {
	public, key, err := s.publicKey(r, file)
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, err)
		return
	}
	text, err := authority.Sign(public, subject)
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, err)
		return
	}
	s.sendPEM(w, append(text, key...))
}

func (s *Supervisor) publicKey(r *http.Request, file string) (crypto.PublicKey, []byte, error) {
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return nil, nil, err
		}
		if request, err := x509.ParseCertificateRequest(body); err == nil {
			return request.PublicKey, nil, request.CheckSignature()
		}
	}
	name := filepath.Join(s.TLSDir, file+".key")
	key, err := certs.EnsureKey(name)
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(name)
	return key.Public(), text, err
}

func refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	logrus.Errorf("Sending HTTP %d response to %s: %v", status, r.RemoteAddr, err)
	sendError(w, status, err.Error())
}
