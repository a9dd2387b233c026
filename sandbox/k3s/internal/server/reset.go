package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"
	etcd "go.etcd.io/etcd/client/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"infra-k3s.invalid/sandbox/k3s/internal/bootstrap"
	"infra-k3s.invalid/sandbox/k3s/internal/nodepassword"
	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
	"infra-k3s.invalid/sandbox/k3s/internal/supervisor"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// Reset makes this server the only member of its database's cluster, after it has put a snapshot in the database's place
// if one was named, and takes the server's identity from there. Then K3s ends.
func (s *Server) Reset(ctx context.Context) error {
	if s.Flags.String("server") != "" {
		return errors.New("cannot perform cluster-reset while server URL is set - remove server from configuration before resetting")
	}
	if err := s.prepare(); err != nil {
		return err
	}
	password, err := s.resetPassword()
	if err != nil {
		return err
	}
	if err := s.resetDatabase(ctx); err != nil {
		return fmt.Errorf("starting kubernetes: preparing server: %w", err)
	}
	if err := s.rebootstrap(ctx, password); err != nil {
		return err
	}
	logrus.Info("Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. " +
		"Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes")
	return nil
}

// resetPassword is the token's that opens what the database has of this server.
func (s *Server) resetPassword() (string, error) {
	text := s.Token
	if text == "" {
		stored, err := os.ReadFile(s.file("token"))
		if os.IsNotExist(err) {
			return "", errors.New(s.file("token") + " does not exist, please pass --token to complete the restoration")
		}
		if err != nil {
			return "", err
		}
		text = string(stored)
	}
	parsed, err := token.ParseServer(text)
	return parsed.Password, err
}

func (s *Server) resetDatabase(ctx context.Context) error {
	// A running K3s is in the way: it listens here, and its database must not be taken from under it.
	listeners, err := supervisor.Listen(s.listen())
	if err != nil {
		return fmt.Errorf("init cluster datastore and https: %w", err)
	}
	for _, listener := range listeners {
		defer listener.Close()
	}
	member := s.newMemberName()
	if path := s.Flags.String("cluster-reset-restore-path"); path != "" {
		restore := snapshot.Restore{
			Server: s.dir, Snapshot: path, Dir: s.Flags.String("etcd-snapshot-dir"), S3: snapshot.S3FromFlags(s.Flags),
			Database: s.file("db/etcd"), Member: member, PeerURL: s.peerURL(),
		}
		if err := restore.Run(ctx); err != nil {
			return fmt.Errorf("start managed database: %w", err)
		}
	} else if _, err := os.Stat(s.resetFlag()); err == nil {
		return fmt.Errorf("start managed database: Managed etcd cluster membership was previously reset, please remove the cluster-reset flag and start k3s normally. "+
			"If you need to perform another cluster reset, you must first manually delete the file at %s", s.resetFlag())
	}
	if err := os.Chmod(s.file("db/etcd"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(s.file("db/etcd/name"), []byte(member), 0o600); err != nil {
		return err
	}
	return os.WriteFile(s.resetFlag(), nil, 0o600)
}

func (s *Server) resetFlag() string { return s.file("db/reset-flag") }

// rebootstrap starts the database without its other members, tells it this server's address, and writes the identity
// that it keeps to the disk.
func (s *Server) rebootstrap(ctx context.Context, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	member, err := s.memberName()
	if err != nil {
		return err
	}
	database, stop, err := startAlone(ctx, s.file("db/etcd"), member)
	if err != nil {
		return err
	}
	defer stop()
	if err := s.updateMember(ctx, database); err != nil {
		return err
	}
	data, err := read(ctx, database, password)
	if err != nil || data == nil {
		return err
	}
	backup := s.file("tls-" + strconv.FormatInt(time.Now().Unix(), 10))
	logrus.Infof("Cluster reset: backing up certificates directory to %s", backup)
	if err := os.CopyFS(backup, os.DirFS(s.file("tls"))); err != nil {
		return err
	}
	if err := os.Chmod(backup, 0o700); err != nil {
		return err
	}
	if err := bootstrap.Restore(s.dir, data, true); err != nil {
		return err
	}
	authority, err := os.ReadFile(s.file("tls/server-ca.crt"))
	if err != nil {
		return err
	}
	return s.writeToken(token.Format(authority, "server", password))
}

func (s *Server) updateMember(ctx context.Context, database *etcd.Client) error {
	list, err := database.MemberList(ctx)
	if err != nil {
		return err
	}
	if len(list.Members) != 1 {
		return fmt.Errorf("failed to update peer url: etcd still has %d members", len(list.Members))
	}
	if own := list.Members[0]; !slices.Equal(own.PeerURLs, []string{s.peerURL()}) {
		if _, err := database.MemberUpdate(ctx, own.ID, []string{s.peerURL()}); err != nil {
			return fmt.Errorf("failed to update peer url: %w", err)
		}
		logrus.Infof("Peer URLs of etcd member %s updated from %v to %s", own.Name, own.PeerURLs, s.peerURL())
	}
	return nil
}

// endReset is the first start after a reset: the node's password of the snapshot's time may be another one than that
// on the disk, so the node introduces itself anew.
func (s *Server) endReset(ctx context.Context, api kubernetes.Interface) error {
	if _, err := os.Stat(s.resetFlag()); err != nil {
		return nil
	}
	err := api.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, nodepassword.SecretName(s.name), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("failed to delete old node password secret: %w", err)
	}
	return os.Remove(s.resetFlag())
}
