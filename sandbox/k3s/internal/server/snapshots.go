package server

import (
	"context"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/kubernetes"

	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
)

func (s *Server) snapshotSettings() snapshot.Settings {
	return snapshot.Settings{
		Name: s.Flags.String("etcd-snapshot-name"), Dir: s.Flags.String("etcd-snapshot-dir"),
		Compress: s.Flags.Bool("etcd-snapshot-compress"), Retention: s.Flags.Int("etcd-snapshot-retention"),
		S3: snapshot.S3FromFlags(s.Flags),
	}
}

// startSnapshots takes them by the clock, and lets the cluster know of those that there are.
func (s *Server) startSnapshots(ctx context.Context, api kubernetes.Interface) error {
	config, err := s.clientConfig()
	if err != nil {
		return err
	}
	go func() {
		for {
			err := s.snapshots.SetAPI(ctx, config, api, s.Flags.Duration("etcd-snapshot-reconcile-interval"))
			if err == nil || ctx.Err() != nil {
				return
			}
			logrus.Errorf("Snapshots have no objects yet: %v", err)
			time.Sleep(time.Second)
		}
	}()
	if s.Flags.Bool("etcd-disable-snapshots") {
		return nil
	}
	if err := s.snapshots.Schedule(ctx, s.Flags.String("etcd-snapshot-schedule-cron")); err != nil {
		return fmt.Errorf("--etcd-snapshot-schedule-cron: %w", err)
	}
	return nil
}
