package snapshot

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	localReconciled = "etcd.k3s.cattle.io/local-snapshots-timestamp"
	s3Reconciled    = "etcd.k3s.cattle.io/s3-snapshots-timestamp"

	// jitter keeps apart the servers of a cluster, which all have the same schedule.
	jitter = 5 * time.Second
)

// SetAPI tells that the API is up: snapshots have objects from now on, and what is on the disk gets its own.
func (m *Manager) SetAPI(ctx context.Context, config *rest.Config, api kubernetes.Interface, interval time.Duration) error {
	objects, err := connect(ctx, config, api)
	if err != nil {
		return err
	}
	m.mutex.Lock()
	m.api, m.objects = api, objects
	m.mutex.Unlock()
	go func() {
		for {
			if err := m.reconcile(ctx, m.Defaults, nil); err != nil && ctx.Err() == nil {
				logrus.Errorf("Failed to reconcile ETCDSnapshotFile resources: %v", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(interval):
			}
		}
	}()
	return nil
}

// Schedule takes snapshots by a cron specification; a wrong one is an error, where K3s would take none.
func (m *Manager) Schedule(ctx context.Context, specification string) error {
	clock := cron.New(cron.WithChain(cron.SkipIfStillRunning(cron.VerbosePrintfLogger(logrus.StandardLogger()))))
	_, err := clock.AddFunc(specification, func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(rand.N(jitter)):
		}
		if _, err := m.Save(ctx, m.Defaults); err != nil {
			logrus.Errorf("Failed to take scheduled snapshot: %v", err)
		}
	})
	if err != nil {
		return err
	}
	clock.Start()
	context.AfterFunc(ctx, func() { clock.Stop() })
	return nil
}

func (m *Manager) keep(ctx context.Context, objects *objects, file File) {
	if err := objects.put(ctx, file); err != nil {
		logrus.Warnf("Failed to sync ETCDSnapshotFile: %v", err)
	}
}

// follow lets the objects follow an operation; the operation itself has succeeded.
func (m *Manager) follow(ctx context.Context, s Settings, result *Result) {
	if err := m.reconcile(ctx, s, result.Deleted); err != nil {
		logrus.Warnf("Failed to reconcile ETCDSnapshotFile resources: %v", err)
	}
}

// reconcile makes the objects tell what is on the disk and in the bucket.
func (m *Manager) reconcile(ctx context.Context, s Settings, deleted []string) error {
	objects, err := m.ready(ctx)
	if err != nil {
		return err
	}
	logrus.Info("Reconciling ETCDSnapshotFile resources")
	defer logrus.Info("Reconciliation of ETCDSnapshotFile resources complete")
	disk, err := openFolder(m.Server, s.Dir, m.Node)
	if err != nil {
		return err
	}
	files, err := disk.list()
	if err != nil {
		return err
	}
	places := []string{m.Node}
	place, err := m.openBucket(ctx, s)
	if err != nil {
		logrus.Warnf("Unable to initialize S3 client: %v", err)
	}
	if place != nil {
		remote, err := place.list(ctx)
		if err != nil {
			logrus.Errorf("Error retrieving S3 snapshots for reconciliation: %v", err)
		} else {
			files, places = append(files, remote...), append(places, s3Node)
		}
	}
	if err := objects.match(ctx, places, files, deleted); err != nil {
		return err
	}
	nodes, err := m.api.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/etcd=true"})
	if err != nil {
		return err
	}
	names := []string{m.Node}
	for _, node := range nodes.Items {
		names = append(names, node.Name)
	}
	if err := objects.forget(ctx, names); err != nil {
		return err
	}
	m.note(ctx, s.S3 != nil)
	return nil
}

// note says on the node when its snapshots were looked at; at the first start there is no node yet.
func (m *Manager) note(ctx context.Context, s3 bool) {
	now := time.Now().Round(time.Second).Format(time.RFC3339)
	annotations := map[string]string{localReconciled: now}
	if s3 {
		annotations[s3Reconciled] = now
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err == nil {
		_, err = m.api.CoreV1().Nodes().Patch(ctx, m.Node, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	if err != nil {
		logrus.Debugf("The node was not told that its snapshots were looked at: %v", err)
	}
}
