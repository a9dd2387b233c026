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
	return s.inDatabase(ctx, func(ctx context.Context, database *etcd.Client) error {
		data, err := bootstrap.Collect(s.dir)
		if err != nil {
			return err
		}
		kept, err := read(ctx, database, s.identity.password)
		if err != nil || string(kept) == string(data) {
			return err
		}
		return seal(ctx, database, data, s.identity.password, s.identity.password)
	})
}

// rotateToken encrypts the identity with another token. As in K3s the running server goes on with the one it was
// started with: it and its nodes have to be restarted.
func (s *Server) rotateToken(ctx context.Context, next string) error {
	if next == "" {
		next = token.Generate()
	}
	wanted, err := token.ParseServer(next)
	if err != nil {
		return err
	}
	s.rotating.Lock()
	defer s.rotating.Unlock()
	before := s.password.Load().(string)
	err = s.inDatabase(ctx, func(ctx context.Context, database *etcd.Client) error {
		if err := s.writePasswords(wanted.Password); err != nil {
			return err
		}
		data, err := bootstrap.Collect(s.dir)
		if err == nil {
			err = seal(ctx, database, data, before, wanted.Password)
		}
		if err != nil {
			return errors.Join(err, s.writePasswords(before))
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.password.Store(wanted.Password)
	return s.writeToken(token.Format(s.identity.serverCA.PEM, "server", wanted.Password))
}

// seal puts the identity under a token's key, and takes it away from another one's.
func seal(ctx context.Context, database *etcd.Client, data []byte, before, after string) error {
	sealed, err := bootstrap.Seal(after, data)
	if err != nil {
		return err
	}
	change := []etcd.Op{etcd.OpPut(bootstrap.Key(after), string(sealed))}
	if before != after {
		change = append(change, etcd.OpDelete(bootstrap.Key(before)))
	}
	_, err = database.Txn(ctx).Then(change...).Commit()
	return err
}

// databaseConfig reaches the running etcd.
func (s *Server) databaseConfig() (etcd.Config, error) {
	certificate, err := tls.LoadX509KeyPair(s.file("tls/etcd/client.crt"), s.file("tls/etcd/client.key"))
	if err != nil {
		return etcd.Config{}, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.identity.etcdCA.PEM)
	return etcd.Config{
		Endpoints: []string{"https://127.0.0.1:2379"}, DialTimeout: 30 * time.Second,
		TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}},
	}, nil
}

// inDatabase asks the running etcd, for half a minute at most.
func (s *Server) inDatabase(ctx context.Context, ask func(context.Context, *etcd.Client) error) error {
	config, err := s.databaseConfig()
	if err != nil {
		return err
	}
	database, err := etcd.New(config)
	if err != nil {
		return err
	}
	defer database.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return ask(ctx, database)
}

// restoreIdentity reads the identity from a database that came without it, such as on a new disk. etcd runs for
// that on a copy.
func (s *Server) restoreIdentity() error {
	_, noMember := os.Stat(s.file("db/etcd/member"))
	_, noKey := os.Stat(s.file("tls/server-ca.key"))
	if noMember != nil || noKey == nil {
		return nil
	}
	if s.Token == "" {
		return errors.New("the database is here and the server's certificates are not: give the token that they are encrypted with (--token)")
	}
	given, err := token.ParseServer(s.Token)
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
	database, stop, err := startAlone(ctx, work, "restore")
	if err != nil {
		return err
	}
	defer stop()
	data, err := read(ctx, database, given.Password)
	if err != nil {
		return err
	}
	if data == nil {
		return errors.New("the database has no bootstrap data")
	}
	return bootstrap.Restore(s.dir, data, false)
}

// startAlone runs etcd on a folder as the only member of its cluster, without TLS on loopback: its certificates may be
// in there.
func startAlone(ctx context.Context, dir, member string) (database *etcd.Client, stop func(), err error) {
	const client, peer = "http://127.0.0.1:2399", "http://127.0.0.1:2398"
	command := exec.CommandContext(ctx, process.Self(), "etcd", "--name="+member, "--data-dir="+dir, "--force-new-cluster",
		"--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer, "--logger=zap", "--log-level=error")
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	stop = func() {
		if database != nil {
			database.Close()
		}
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
	}
	database, err = etcd.New(etcd.Config{Endpoints: []string{client}, DialTimeout: 30 * time.Second})
	if err != nil {
		stop()
		return nil, nil, err
	}
	return database, stop, nil
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
