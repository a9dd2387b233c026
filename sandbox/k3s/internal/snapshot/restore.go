package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	etcdrestore "go.etcd.io/etcd/etcdutl/v3/snapshot"
)

// Restore is a snapshot and the database that it is to become.
type Restore struct {
	Server   string // DATADIR/server
	Snapshot string // path, or name where it lies in S3
	Dir      string // where snapshots lie; empty for K3s's own
	S3       *S3

	Database string // folder
	Member   string
	PeerURL  string
}

// Run moves the present database away and puts the snapshot in its place. As in K3s that comes first, and then etcd's
// own library checks the snapshot's hash: after a refusal there is no database.
func (r Restore) Run(ctx context.Context) error {
	path, err := r.find(ctx)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, zipExtension) {
		if path, err = decompress(path); err != nil {
			return err
		}
	}
	if err := r.moveAway(); err != nil {
		return err
	}
	logger, err := newLogger()
	if err != nil {
		return err
	}
	return etcdrestore.NewV3(logger).Restore(etcdrestore.RestoreConfig{
		SnapshotPath: path, Name: r.Member, OutputDataDir: r.Database,
		PeerURLs: []string{r.PeerURL}, InitialCluster: r.Member + "=" + r.PeerURL,
	})
}

// moveAway names the present database after the time, which is another one for every try.
func (r Restore) moveAway() error {
	if _, err := os.Stat(r.Database); err != nil {
		return nil
	}
	for {
		old := r.Database + "-old-" + strconv.FormatInt(time.Now().Unix(), 10)
		if _, err := os.Stat(old); err == nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err := os.Rename(r.Database, old); err != nil {
			return err
		}
		logrus.Infof("Pre-restore etcd database moved to %s", old)
		return nil
	}
}

// find is the path of the snapshot, downloaded where it lies in S3.
func (r Restore) find(ctx context.Context) (string, error) {
	path := r.Snapshot
	if r.S3 != nil {
		logrus.Infof("Retrieving etcd snapshot %s from S3", r.Snapshot)
		var err error
		if path, err = r.download(ctx); err != nil {
			return "", err
		}
		logrus.Infof("S3 download complete for %s", path)
	}
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return "", fmt.Errorf("etcd: snapshot path does not exist: %s", path)
	}
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("etcd: snapshot path must be a file, not a directory: %s", path)
	}
	return path, nil
}

func (r Restore) download(ctx context.Context) (string, error) {
	resolved, err := r.S3.resolve(ctx, nil) // there is no API to ask for a Secret
	if errors.Is(err, ErrNoSecret) {
		return "", errors.New("cannot use S3 config secret when restoring snapshot; configuration must be set in CLI or config file")
	}
	if err != nil {
		return "", fmt.Errorf("failed to initialize S3 client: %w", err)
	}
	place, err := openBucket(ctx, resolved)
	if err != nil {
		return "", fmt.Errorf("failed to initialize S3 client: %w", err)
	}
	disk, err := openFolder(r.Server, r.Dir, "")
	if err != nil {
		return "", err
	}
	path, err := place.download(ctx, r.Snapshot, disk)
	if err != nil {
		return "", fmt.Errorf("failed to download snapshot from S3: %w", err)
	}
	return path, nil
}
