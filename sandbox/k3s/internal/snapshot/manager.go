package snapshot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	etcd "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ErrNotReady says that the API is not up yet.
var ErrNotReady = errors.New("runtime core not ready")

// Settings are of one operation: the server's own, or those that came with a request.
type Settings struct {
	Name      string // what the snapshots' names begin with
	Dir       string // empty for K3s's own
	Compress  bool
	Retention int // zero for no limit
	S3        *S3 // nil for the disk alone
}

// Result names what came and what went, once for the disk and once for S3.
type Result struct {
	Created []string `json:"created,omitempty"`
	Deleted []string `json:"deleted,omitempty"`
}

// Manager makes and keeps the snapshots of one server.
type Manager struct {
	Server   string // DATADIR/server
	Node     string
	Database func() (etcd.Config, error)
	Password func() string // of the server token in force
	Defaults Settings

	saving  sync.Mutex
	mutex   sync.Mutex // of what is below
	api     kubernetes.Interface
	objects *objects
	buckets map[S3]*bucket
}

// Snapshots is what `k3s etcd-snapshot` asks for.
type Snapshots interface {
	Check(ctx context.Context, s Settings) error
	Save(ctx context.Context, s Settings) (*Result, error)
	List(ctx context.Context, s Settings) (*List, error)
	Prune(ctx context.Context, s Settings) (*Result, error)
	Delete(ctx context.Context, s Settings, names []string) (*Result, error)
}

var _ Snapshots = (*Manager)(nil)

// Check makes sure that S3 can be used, where it is asked for.
func (m *Manager) Check(ctx context.Context, s Settings) error {
	_, err := m.openBucket(ctx, s)
	return err
}

// openBucket is nil without S3.
func (m *Manager) openBucket(ctx context.Context, s Settings) (*bucket, error) {
	if s.S3 == nil {
		return nil, nil
	}
	m.mutex.Lock()
	api := m.api
	m.mutex.Unlock()
	resolved, err := s.S3.resolve(ctx, api)
	if err != nil {
		return nil, fmt.Errorf("failed to initialize S3 client: %w", err)
	}
	m.mutex.Lock()
	known := m.buckets[resolved]
	m.mutex.Unlock()
	if known != nil {
		return known, nil
	}
	opened, err := openBucket(ctx, resolved)
	if err != nil {
		return nil, fmt.Errorf("failed to initialize S3 client: %w", err)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.buckets == nil {
		m.buckets = map[S3]*bucket{}
	}
	m.buckets[resolved] = opened
	return opened, nil
}

// List looks at the disk and into the bucket, not at the objects: it tells what can be restored.
func (m *Manager) List(ctx context.Context, s Settings) (*List, error) {
	files, err := m.files(ctx, s)
	if err != nil {
		return nil, err
	}
	list := &List{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []Object{}}
	for _, file := range files {
		list.Items = append(list.Items, *file.object())
	}
	return list, nil
}

func (m *Manager) files(ctx context.Context, s Settings) ([]File, error) {
	disk, err := openFolder(m.Server, s.Dir, m.Node)
	if err != nil {
		return nil, err
	}
	files, err := disk.list()
	if err != nil {
		return nil, err
	}
	place, err := m.openBucket(ctx, s)
	if err != nil || place == nil {
		return files, err
	}
	remote, err := place.list(ctx)
	return append(files, remote...), err
}

// Prune removes what exceeds the retention.
func (m *Manager) Prune(ctx context.Context, s Settings) (*Result, error) {
	disk, err := openFolder(m.Server, s.Dir, m.Node)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	if result.Deleted, err = disk.prune(s.Name, s.Retention); err != nil {
		logrus.Errorf("Error applying snapshot retention policy: %v", err)
	}
	place, err := m.openBucket(ctx, s)
	if err != nil {
		return nil, err
	}
	if place != nil {
		wanted := *place // the same bucket may be pruned to another number
		wanted.s3.Retention = s.S3.Retention
		pruned, err := wanted.prune(ctx, s.Name)
		if err != nil {
			logrus.Errorf("Error applying S3 snapshot retention policy: %v", err)
		}
		result.Deleted = append(result.Deleted, pruned...)
	}
	m.follow(ctx, s, result)
	return result, nil
}

// Delete removes snapshots by name, in both places; one that is in neither is missing in the result.
func (m *Manager) Delete(ctx context.Context, s Settings, names []string) (*Result, error) {
	disk, err := openFolder(m.Server, s.Dir, m.Node)
	if err != nil {
		return nil, err
	}
	place, err := m.openBucket(ctx, s)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	removed := func(name, where string, err error) {
		switch {
		case err == nil:
			result.Deleted = append(result.Deleted, name)
			logrus.Infof("Snapshot %s deleted from %s", name, where)
		case isNotFound(err):
			logrus.Infof("Snapshot %s not found in %s", name, where)
		default:
			logrus.Errorf("Failed to delete snapshot %s from %s: %v", name, where, err)
		}
	}
	for _, name := range names {
		removed(name, disk.dir, disk.remove(name))
		if place != nil {
			removed(name, "S3", place.remove(ctx, name))
		}
	}
	m.follow(ctx, s, result)
	return result, nil
}

// ready waits for the API.
func (m *Manager) ready(ctx context.Context) (*objects, error) {
	for {
		m.mutex.Lock()
		objects := m.objects
		m.mutex.Unlock()
		if objects != nil {
			return objects, nil
		}
		select {
		case <-ctx.Done():
			return nil, ErrNotReady
		case <-time.After(100 * time.Millisecond):
		}
	}
}
