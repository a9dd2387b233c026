package supervisor

import (
	"context"
	"crypto/subtle"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"infra-k3s.invalid/sandbox/k3s/internal/nodepassword"
)

// nodes lets requests through that carry the token's password as user node, or a node's certificate.
func (s *Supervisor) nodes(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, given := r.BasicAuth(); given {
			if subtle.ConstantTimeCompare([]byte(password), []byte(s.Password)) != 1 || (user != "node" && user != "server") {
				sendError(w, http.StatusUnauthorized, "not authorized")
				return
			}
			if user != "node" {
				sendError(w, http.StatusForbidden, "forbidden")
				return
			}
			next(w, r)
			return
		}
		if identity := s.certificateOf(r); identity != nil && slices.Contains(identity.Subject.Organization, "system:nodes") {
			next(w, r)
			return
		}
		sendError(w, http.StatusForbidden, "forbidden")
	})
}

// administrators lets requests through that carry the token's password as user server.
func (s *Supervisor) administrators(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, given := r.BasicAuth()
		if !given || subtle.ConstantTimeCompare([]byte(password), []byte(s.Password)) != 1 {
			sendError(w, http.StatusUnauthorized, "not authorized")
			return
		}
		if user != "server" {
			sendError(w, http.StatusForbidden, "forbidden")
			return
		}
		next(w, r)
	})
}

// certificateOf returns the client's certificate if the cluster's client CA signed it.
func (s *Supervisor) certificateOf(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(s.ClientCA.Certificate)
	for _, certificate := range r.TLS.PeerCertificates[1:] {
		between.AddCert(certificate)
	}
	leaf := r.TLS.PeerCertificates[0]
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: time.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil
	}
	return leaf
}

var errNotReady = errors.New("apiserver not ready")

// nodeName checks that a node may use the name it claims: the first to come sets the password.
func (s *Supervisor) nodeName(r *http.Request) (name string, status int, err error) {
	name = strings.ToLower(r.Header.Get("k3s-Node-Name"))
	password := r.Header.Get("k3s-Node-Password")
	if name == "" {
		return "", http.StatusBadRequest, errors.New("node name not set")
	}
	if password == "" {
		return "", http.StatusBadRequest, errors.New("node password not set")
	}
	api := s.currentAPI()
	if api == nil {
		return "", http.StatusServiceUnavailable, errNotReady
	}
	ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
	defer cancel()
	secrets := api.CoreV1().Secrets("kube-system")
	secret, err := secrets.Get(ctx, nodepassword.SecretName(name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		hash, err := nodepassword.Hash(password)
		if err != nil {
			return "", http.StatusInternalServerError, err
		}
		immutable := true
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: nodepassword.SecretName(name), Namespace: "kube-system"},
			Immutable:  &immutable,
			Data:       map[string][]byte{"hash": []byte(hash)},
		}, metav1.CreateOptions{})
		if err != nil {
			return "", http.StatusServiceUnavailable, err
		}
		return name, http.StatusOK, nil
	}
	if err != nil {
		return "", http.StatusServiceUnavailable, err
	}
	if err := nodepassword.Verify(string(secret.Data["hash"]), password); err != nil {
		return "", http.StatusForbidden, fmt.Errorf("unable to verify password for node %s: %w", name, err)
	}
	return name, http.StatusOK, nil
}

// sendError answers as the API does.
func sendError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": strings.ReplaceAll(http.StatusText(status), " ", ""), "code": status,
	})
}

func sendJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
