package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"go.etcd.io/etcd/client/pkg/v3/logutil"
	etcdsnapshot "go.etcd.io/etcd/client/v3/snapshot"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// extraMetadata is the ConfigMap whose data goes with every snapshot.
const extraMetadata = "k3s-etcd-snapshot-extra-metadata"

// Save makes a snapshot on the disk, uploads it, and applies the retention in both places. As in K3s, what fails then is
// told by the log and by the snapshot's object; the result names what was made.
func (m *Manager) Save(ctx context.Context, s Settings) (*Result, error) {
	if !m.saving.TryLock() {
		return nil, errors.New("snapshot save already in progress")
	}
	defer m.saving.Unlock()
	objects, err := m.ready(ctx)
	if err != nil {
		return nil, err
	}
	disk, err := openFolder(m.Server, s.Dir, m.Node)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	file := m.take(ctx, disk, s)
	m.keep(ctx, objects, file)
	if file.Failure != "" {
		logrus.Errorf("Failed to take etcd snapshot: %s", file.Failure)
		m.follow(ctx, s, result)
		return result, nil
	}
	result.Created = append(result.Created, file.Name)
	pruned, err := disk.prune(s.Name, s.Retention)
	if err != nil {
		logrus.Warnf("Failed to apply local snapshot retention policy: %v", err)
	}
	result.Deleted = append(result.Deleted, pruned...)
	m.upload(ctx, s, disk, objects, file, result)
	m.follow(ctx, s, result)
	return result, nil
}

// take makes the file; a failure is the file's.
func (m *Manager) take(ctx context.Context, disk *folder, s Settings) File {
	now := time.Now().Round(time.Second)
	name := fmt.Sprintf("%s-%s-%d", s.Name, m.Node, now.Unix())
	file := File{Name: name, Node: m.Node, Created: now, Metadata: m.metadata(ctx)}
	logrus.Infof("Saving etcd snapshot to %s", disk.path(name))
	err := m.save(ctx, disk.path(name))
	if err == nil && s.Compress {
		file.Name, err = disk.compress(name, now)
	}
	if err != nil {
		file.Failure = err.Error()
		return file
	}
	if err := disk.saveMetadata(file.Name, file.Metadata); err != nil {
		logrus.Warnf("Failed to save local snapshot metadata: %v", err)
	}
	file.Location, file.TokenHash = "file://"+disk.path(file.Name), token.Hash(m.Password())
	if files, err := disk.list(); err == nil {
		if i := slices.IndexFunc(files, func(f File) bool { return f.Name == file.Name }); i >= 0 {
			file.Size = files[i].Size
		}
	}
	return file
}

// save has etcd's own library do it: a copy of the database with its hash at the end.
func (m *Manager) save(ctx context.Context, path string) error {
	config, err := m.Database()
	if err != nil {
		return err
	}
	logger, err := newLogger()
	if err != nil {
		return err
	}
	_, err = etcdsnapshot.SaveWithVersion(ctx, logger, config, path)
	return err
}

func newLogger() (*zap.Logger, error) { return logutil.CreateDefaultZapLogger(zap.InfoLevel) }

func (m *Manager) upload(ctx context.Context, s Settings, disk *folder, objects *objects, file File, result *Result) {
	if s.S3 == nil {
		return
	}
	place, err := m.openBucket(ctx, s)
	if err != nil {
		logrus.Warnf("Unable to initialize S3 client: %v", err)
		if errors.Is(err, ErrNoSecret) {
			return
		}
		file.S3, file.Node, file.Location, file.Size, file.Failure = s.S3, s3Node, "", 0, err.Error()
		m.keep(ctx, objects, file)
		return
	}
	logrus.Infof("Saving etcd snapshot %s to S3", file.Name)
	file = place.upload(ctx, disk, file, m.clusterID(ctx))
	if file.Failure != "" {
		logrus.Errorf("Error received during snapshot upload to S3: %s", file.Failure)
	} else {
		result.Created = append(result.Created, file.Name)
		logrus.Infof("S3 upload complete for %s", file.Name)
	}
	// Also after a failure: a full bucket may be the reason for it.
	pruned, err := place.prune(ctx, s.Name)
	if err != nil {
		logrus.Warnf("Failed to apply s3 snapshot retention policy: %v", err)
	}
	result.Deleted = append(result.Deleted, pruned...)
	m.keep(ctx, objects, file)
}

func (m *Manager) metadata(ctx context.Context) map[string]string {
	found, err := m.api.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, extraMetadata, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return found.Data
}

// clusterID is the kube-system namespace's: nothing else of a cluster is as lasting.
func (m *Manager) clusterID(ctx context.Context) string {
	namespace, err := m.api.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return ""
	}
	return string(namespace.UID)
}
