package contract

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"infra-k3s.invalid/sandbox/k3s/internal/s3test"
)

const (
	s3Address = serverAddress + ":9000"
	s3Bucket  = "contract"
	s3CA      = "/etc/rancher/s3/ca.pem"
)

// toS3 are the flags of `k3s etcd-snapshot`.
var toS3 = []string{
	"--s3", "--s3-endpoint=" + s3Address, "--s3-endpoint-ca=" + s3CA, "--s3-bucket=" + s3Bucket, "--s3-folder=snapshots",
	"--s3-access-key=contract", "--s3-secret-key=contract-secret",
}

// startS3 serves a bucket in the server's node: versitygw where S3_SERVER is its path, else a small S3 of the tests' own.
var startS3 = sync.OnceValue(func() error {
	certificate, key, err := selfSigned()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{s3CA: certificate, "/etc/rancher/s3/key.pem": key} {
		if err := server.write(name, string(text)); err != nil {
			return err
		}
	}
	if err := visitor.write(s3CA, string(certificate)); err != nil {
		return err
	}
	if given := os.Getenv("S3_SERVER"); given != "" {
		return startGateway(given)
	}
	listener, err := server.listen(s3Address)
	if err != nil {
		return err
	}
	handler := &s3test.Server{AccessKey: "contract", Buckets: []string{s3Bucket}}
	go func() {
		_ = (&http.Server{Handler: handler}).ServeTLS(listener, server.path(s3CA), server.path("/etc/rancher/s3/key.pem"))
	}()
	return nil
})

func startGateway(program string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(server.path("/var/lib/s3/"+s3Bucket), 0o755); err != nil {
		return err
	}
	env := []string{"ROOT_ACCESS_KEY=contract", "ROOT_SECRET_KEY=contract-secret"}
	gateway := server.command(context.Background(), env, program, "--port", s3Address, "--cert", s3CA, "--key", "/etc/rancher/s3/key.pem",
		"--quiet", "posix", "/var/lib/s3")
	if err := gateway.Start(); err != nil {
		return err
	}
	return within(20*time.Second, func() error {
		connection, err := server.dial("tcp", s3Address)
		if err == nil {
			connection.Close()
		}
		return err
	})
}

func selfSigned() (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "s3"}, IPAddresses: []net.IP{net.ParseIP(serverAddress)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), nil
}
