package snapshot

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
)

func lookup(s3 S3) minio.BucketLookupType {
	switch strings.ToLower(s3.BucketLookup) {
	case "dns":
		return minio.BucketLookupDNS
	case "path":
		return minio.BucketLookupPath
	}
	return minio.BucketLookupAuto
}

func (s S3) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // an object is taken as it is, whatever it says of its encoding
	switch {
	case s.SkipSSLVerify:
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	case s.EndpointCA != "":
		pool, err := s.pool()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	if s.Proxy == "none" {
		transport.Proxy = nil
	} else if s.Proxy != "" {
		proxy, err := url.Parse(s.Proxy)
		if err != nil {
			return nil, fmt.Errorf("failed to parse etcd-s3-proxy value as URL: %w", err)
		}
		if proxy.Scheme == "" || proxy.Host == "" {
			return nil, errors.New("proxy URL must include scheme and host")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	return transport, nil
}

// pool reads --etcd-s3-endpoint-ca: files, or PEM in base64, separated by blanks.
func (s S3) pool() (*x509.CertPool, error) {
	pool, some := x509.NewCertPool(), false
	for _, given := range strings.Fields(s.EndpointCA) {
		bundle, err := base64.StdEncoding.DecodeString(given)
		if err != nil {
			if bundle, err = os.ReadFile(given); err != nil {
				return nil, err
			}
		}
		some = pool.AppendCertsFromPEM(bundle) || some
	}
	if !some {
		return nil, errors.New("no certificates loaded from etcd-s3-endpoint-ca")
	}
	return pool, nil
}
