package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	etcd "go.etcd.io/etcd/client/v3"

	"infra-k3s.invalid/sandbox/k3s/internal/bootstrap"
	"infra-k3s.invalid/sandbox/k3s/internal/process"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// keepIdentity puts the identity into etcd, encrypted with the token.
func (s *Server) keepIdentity(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("failed to save bootstrap data: %w", err)
		}
	}()
	certificate, err := tls.LoadX509KeyPair(s.file("tls/etcd/client.crt"), s.file("tls/etcd/client.key"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.identity.etcdCA.PEM)
	database, err := open("https://127.0.0.1:2379", &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}})
	if err != nil {
		return err
	}
	defer database.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	data, err := bootstrap.Collect(s.dir)
	if err != nil {
		return err
	}
	kept, err := read(ctx, database, s.identity.password)
	if err != nil || string(kept) == string(data) {
		return err
	}
	sealed, err := bootstrap.Seal(s.identity.password, data)
	if err != nil {
		return err
	}
	_, err = database.Put(ctx, bootstrap.Key(s.identity.password), string(sealed))
	return err
}

// restoreIdentity reads the identity from a database that came without it, such as on a new disk. etcd runs for
// that on a copy, without TLS on loopback: its certificates are in there.
func (s *Server) restoreIdentity() error {
	_, noMember := os.Stat(s.file("db/etcd/member"))
	_, noKey := os.Stat(s.file("tls/server-ca.key"))
	if noMember != nil || noKey == nil {
		return nil
	}
	if s.Token == "" {
		return errors.New("the database is here and the server's certificates are not: give the token that they are encrypted with (--token)")
	}
	given, err := token.Parse(s.Token)
	if err != nil {
		return err
	}
	logrus.Info("Restoring the server's identity from the database")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	work := s.file("db/etcd-tmp")
	defer os.RemoveAll(work)
	if err := errors.Join(os.RemoveAll(work), os.CopyFS(work, os.DirFS(s.file("db/etcd")))); err != nil {
		return err
	}
	const client, peer = "http://127.0.0.1:2399", "http://127.0.0.1:2398"
	command := exec.CommandContext(ctx, process.Self(), "etcd", "--name=restore", "--data-dir="+work, "--force-new-cluster",
		"--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer, "--logger=zap", "--log-level=error")
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	database, err := open(client, nil)
	if err != nil {
		return err
	}
	defer database.Close()
	data, err := read(ctx, database, given.Password)
	if err != nil {
		return err
	}
	if data == nil {
		return errors.New("the database has no bootstrap data")
	}
	return bootstrap.Restore(s.dir, data)
}

func open(endpoint string, config *tls.Config) (*etcd.Client, error) {
	return etcd.New(etcd.Config{Endpoints: []string{endpoint}, TLS: config, DialTimeout: 30 * time.Second})
}

// read returns nil where the database has no identity yet.
func read(ctx context.Context, database *etcd.Client, password string) ([]byte, error) {
	found, err := database.Get(ctx, bootstrap.Prefix, etcd.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("read the bootstrap data: %w", err)
	}
	for _, pair := range found.Kvs {
		if string(pair.Key) == bootstrap.Key(password) {
			return bootstrap.Open(password, pair.Value)
		}
	}
	if len(found.Kvs) > 0 {
		return nil, bootstrap.ErrToken
	}
	return nil, nil
}
