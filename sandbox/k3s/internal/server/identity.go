package server

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"infra-k3s.invalid/sandbox/k3s/internal/bootstrap"
	"infra-k3s.invalid/sandbox/k3s/internal/certs"
	"infra-k3s.invalid/sandbox/k3s/internal/encryption"
	"infra-k3s.invalid/sandbox/k3s/internal/kubeconfig"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// identity is what makes this cluster this one: the authorities, the token and the encryption keys. It lives in
// files, and in etcd encrypted with the token: bootstrap.go.
type identity struct {
	password string
	token    string // full form
	serverCA *certs.Authority
	clientCA *certs.Authority
	headerCA *certs.Authority
	etcdCA   *certs.Authority
	peerCA   *certs.Authority
}

func (s *Server) ensureIdentity() (*identity, error) {
	if err := s.restoreIdentity(); err != nil {
		return nil, err
	}
	i := &identity{}
	for _, authority := range []struct {
		into       **certs.Authority
		dir, name  string
		commonName string
	}{
		{&i.serverCA, "tls", "server-ca", "k3s-server-ca"},
		{&i.clientCA, "tls", "client-ca", "k3s-client-ca"},
		{&i.headerCA, "tls", "request-header-ca", "k3s-request-header-ca"},
		{&i.etcdCA, "tls/etcd", "server-ca", "etcd-server-ca"},
		{&i.peerCA, "tls/etcd", "peer-ca", "etcd-peer-ca"},
	} {
		made, err := certs.EnsureAuthority(s.file(authority.dir), authority.name, authority.commonName)
		if err != nil {
			return nil, err
		}
		*authority.into = made
	}
	if err := s.ensureToken(i); err != nil {
		return nil, err
	}
	if err := s.issue(i); err != nil {
		return nil, err
	}
	if _, err := certs.EnsureKey(s.file("tls/service.key")); err != nil {
		return nil, err
	}
	if !s.Flags.Bool("secrets-encryption") {
		return i, nil
	}
	return i, encryption.Ensure(s.file("cred/encryption-config.json"), s.Flags.String("secrets-encryption-provider"))
}

// ensureToken settles the password and writes the token files.
func (s *Server) ensureToken(i *identity) error {
	stored, err := os.ReadFile(s.file("token"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	known, _ := token.Parse(string(stored))
	switch {
	case s.Token != "":
		given, err := token.ParseServer(s.Token)
		if err != nil {
			return err
		}
		if err := given.Check(i.serverCA.PEM); err != nil {
			return err
		}
		if known.Password != "" && known.Password != given.Password {
			return bootstrap.ErrToken
		}
		i.password = given.Password
	case known.Password != "":
		i.password = known.Password
	default:
		i.password = token.Generate()
	}
	i.token = token.Format(i.serverCA.PEM, "server", i.password)
	s.password.Store(i.password)
	return errors.Join(s.writeToken(i.token), s.writePasswords(i.password))
}

// writeToken writes the server token's file, and the links that make it the agents' as well.
func (s *Server) writeToken(full string) error {
	if err := os.WriteFile(s.file("token"), []byte(full+"\n"), 0o600); err != nil {
		return err
	}
	for _, name := range []string{"node-token", "agent-token"} {
		_ = os.Remove(s.file(name))
		if err := os.Symlink(s.file("token"), s.file(name)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) writePasswords(password string) error {
	passwd := fmt.Sprintf("%[1]s,node,node,k3s:agent\n%[1]s,server,server,k3s:server\n", password)
	return os.WriteFile(s.file("cred/passwd"), []byte(passwd), 0o600)
}

// issue writes the components' certificates and kubeconfigs.
func (s *Server) issue(i *identity) error {
	masters := []string{"system:masters"}
	clients := []struct {
		file, config string
		subject      certs.Subject
	}{
		{"client-admin", "admin.kubeconfig", certs.Subject{CommonName: "system:admin", Organizations: masters}},
		{"client-supervisor", "supervisor.kubeconfig", certs.Subject{CommonName: "system:k3s-supervisor", Organizations: masters}},
		{"client-controller", "controller.kubeconfig", certs.Subject{CommonName: "system:kube-controller-manager"}},
		{"client-scheduler", "scheduler.kubeconfig", certs.Subject{CommonName: "system:kube-scheduler"}},
		{"client-kube-apiserver", "", certs.Subject{CommonName: "system:apiserver", Organizations: masters}},
	}
	tls, etcd := s.file("tls"), s.file("tls/etcd")
	for _, client := range clients {
		if err := i.clientCA.Issue(tls, client.file, client.subject); err != nil {
			return err
		}
		if client.config == "" {
			continue
		}
		server := fmt.Sprintf("https://127.0.0.1:%d", apiServerPort)
		err := kubeconfig.Write(s.file("cred/"+client.config), server, s.file("tls/server-ca.crt"), s.file("tls/"+client.file+".crt"), s.file("tls/"+client.file+".key"))
		if err != nil {
			return err
		}
	}
	local := []string{"localhost", "127.0.0.1", s.nodeIP, s.name}
	return errors.Join(
		i.headerCA.Issue(tls, "client-auth-proxy", certs.Subject{CommonName: "system:auth-proxy"}),
		i.serverCA.Issue(tls, "serving-kube-apiserver", certs.Subject{CommonName: "kube-apiserver", Hosts: s.servingHosts()}),
		i.serverCA.Issue(tls, "serving-k3s", certs.Subject{CommonName: "k3s", Organizations: []string{"k3s"}, Hosts: s.servingHosts()}),
		i.serverCA.Issue(tls, "serving-kube-controller-manager", certs.Subject{CommonName: "kube-controller-manager", Hosts: local[:2]}),
		i.serverCA.Issue(tls, "serving-kube-scheduler", certs.Subject{CommonName: "kube-scheduler", Hosts: local[:2]}),
		i.etcdCA.Issue(etcd, "server-client", certs.Subject{CommonName: "etcd-server", Hosts: local, AlsoClient: true}),
		i.etcdCA.Issue(etcd, "client", certs.Subject{CommonName: "etcd-client"}),
		i.peerCA.Issue(etcd, "peer-server-client", certs.Subject{CommonName: "etcd-peer", Hosts: local, AlsoClient: true}),
	)
}

// servingHosts are the names and addresses that reach the API.
func (s *Server) servingHosts() []string {
	domain := s.Flags.String("cluster-domain")
	service, _ := nth(s.serviceCIDR, 1)
	hosts := []string{"localhost", "127.0.0.1", "::1", s.name, s.nodeIP, s.advertised(), service,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + domain}
	hosts = append(hosts, s.Flags.String("bind-address"))
	hosts = append(hosts, s.Flags.Strings("node-external-ip")...)
	return append(hosts, s.Flags.Strings("tls-san")...)
}

// writeAdminKubeconfig writes /etc/rancher/k3s/k3s.yaml.
func (s *Server) writeAdminKubeconfig() error {
	mode, err := parseMode(s.Flags.String("write-kubeconfig-mode"))
	if err != nil {
		return err
	}
	certificate, err := os.ReadFile(s.file("tls/client-admin.crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(s.file("tls/client-admin.key"))
	if err != nil {
		return err
	}
	file := s.Flags.String("write-kubeconfig")
	if err := kubeconfig.WriteEmbedded(file, mode, s.URL(), s.identity.serverCA.PEM, certificate, key); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

func parseMode(text string) (os.FileMode, error) {
	var mode os.FileMode
	if _, err := fmt.Sscanf(strings.TrimPrefix(text, "0o"), "%o", &mode); err != nil {
		return 0, fmt.Errorf("invalid write-kubeconfig-mode %q: %w", text, err)
	}
	return mode, nil
}
