// Package certs makes the cluster's certificate authorities and what they sign, as files in K3s's tls folder.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	year        = 365 * 24 * time.Hour
	renewBefore = 120 * 24 * time.Hour
)

// Authority signs certificates.
type Authority struct {
	Certificate *x509.Certificate
	PEM         []byte
	key         crypto.Signer
}

// Subject is what a certificate says.
type Subject struct {
	CommonName    string
	Organizations []string
	Hosts         []string // names and addresses; a certificate with hosts serves, one without is a client's
	AlsoClient    bool
}

// EnsureAuthority reads or makes DIR/NAME.crt and .key.
func EnsureAuthority(dir, name, commonName string) (*Authority, error) {
	certFile, keyFile := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if _, err := os.Stat(certFile); err == nil {
		return loadAuthority(certFile, keyFile)
	}
	key, err := EnsureKey(keyFile)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: fmt.Sprintf("%s@%d", commonName, time.Now().Unix())},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(10 * year),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(certFile, encode("CERTIFICATE", der), 0o644); err != nil {
		return nil, err
	}
	return loadAuthority(certFile, keyFile)
}

func loadAuthority(certFile, keyFile string) (*Authority, error) {
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM certificate", certFile)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certFile, err)
	}
	key, err := EnsureKey(keyFile)
	if err != nil {
		return nil, err
	}
	return &Authority{Certificate: certificate, PEM: text, key: key}, nil
}

// EnsureKey reads or makes a private key.
func EnsureKey(file string) (crypto.Signer, error) {
	if text, err := os.ReadFile(file); err == nil {
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%s holds no PEM key", file)
		}
		return x509.ParseECPrivateKey(block.Bytes)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(file, encode("EC PRIVATE KEY", der), 0o600)
}

// Sign returns a certificate for the key, followed by the authority's own.
func (a *Authority) Sign(public crypto.PublicKey, subject Subject) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, a.template(subject), a.Certificate, public, a.key)
	if err != nil {
		return nil, err
	}
	return append(encode("CERTIFICATE", der), a.PEM...), nil
}

func (a *Authority) template(subject Subject) *x509.Certificate {
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(subject.Hosts) > 0 {
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if subject.AlsoClient {
			usages = append(usages, x509.ExtKeyUsageClientAuth)
		}
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: subject.CommonName, Organization: subject.Organizations},
		NotBefore:    a.Certificate.NotBefore,
		NotAfter:     time.Now().Add(year),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  usages,
	}
	seen := map[string]bool{}
	for _, host := range subject.Hosts {
		if host == "" || seen[host] {
			continue
		}
		seen[host] = true
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// Issue writes DIR/NAME.crt and .key. As K3s does, it keeps a certificate that says the same and has more
// than 120 days left.
func (a *Authority) Issue(dir, name string, subject Subject) error {
	key, err := EnsureKey(filepath.Join(dir, name+".key"))
	if err != nil {
		return err
	}
	file := filepath.Join(dir, name+".crt")
	if a.stillGood(file, key, subject) {
		return nil
	}
	text, err := a.Sign(key.Public(), subject)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

func (a *Authority) stillGood(file string, key crypto.Signer, subject Subject) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return false
	}
	current, err := x509.ParseCertificate(block.Bytes)
	if err != nil || time.Until(current.NotAfter) < renewBefore || current.CheckSignatureFrom(a.Certificate) != nil {
		return false
	}
	public, comparable := key.Public().(*ecdsa.PublicKey)
	if !comparable || !public.Equal(current.PublicKey) {
		return false
	}
	want := a.template(subject)
	return current.Subject.CommonName == want.Subject.CommonName &&
		slices.Equal(current.Subject.Organization, want.Subject.Organization) &&
		slices.Equal(current.DNSNames, want.DNSNames) &&
		slices.EqualFunc(current.IPAddresses, want.IPAddresses, net.IP.Equal)
}

// Split separates certificates from the key in what the server sends to a node without a request of its own.
func Split(text []byte) (certificates, key []byte) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return certificates, key
		}
		if block.Type == "CERTIFICATE" {
			certificates = append(certificates, pem.EncodeToMemory(block)...)
		} else {
			key = append(key, pem.EncodeToMemory(block)...)
		}
		text = rest
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		panic(err)
	}
	return number
}
