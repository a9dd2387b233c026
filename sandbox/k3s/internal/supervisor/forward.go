package supervisor

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"
)

// newForward passes requests on to the API server. A client with a certificate is named by front-proxy
// headers, which the API server believes because of our own certificate; a bearer token passes as it is,
// over a connection without that certificate; with neither the API server says 401.
func (s *Supervisor) newForward() (http.Handler, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.ServerCA.PEM)
	certificate, err := tls.LoadX509KeyPair(filepath.Join(s.TLSDir, "client-auth-proxy.crt"), filepath.Join(s.TLSDir, "client-auth-proxy.key"))
	if err != nil {
		return nil, err
	}
	plain := s.proxy(&tls.Config{RootCAs: pool})
	named := s.proxy(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Remote-") {
				delete(r.Header, name)
			}
		}
		identity := s.certificateOf(r)
		if identity == nil {
			plain.ServeHTTP(w, r)
			return
		}
		r.Header.Set("X-Remote-User", identity.Subject.CommonName)
		for _, group := range identity.Subject.Organization {
			r.Header.Add("X-Remote-Group", group)
		}
		named.ServeHTTP(w, r)
	}), nil
}

func (s *Supervisor) proxy(config *tls.Config) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "https", Host: s.Backend}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		// HTTP/1.1 only: exec and port-forward upgrade the connection, which HTTP/2 can't. Watches need
		// every event at once.
		Transport:     &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 200, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				logrus.Debugf("API server: %v", err)
			}
			sendError(w, http.StatusServiceUnavailable, errNotReady.Error())
		},
	}
}
