package snapshot

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// folder is where a node keeps its snapshots.
type folder struct {
	dir  string
	node string
}

// openFolder makes K3s's own folder; one that was asked for has to exist.
func openFolder(server, asked, node string) (*folder, error) {
	own := filepath.Join(server, "db/snapshots")
	dir := asked
	if dir == "" {
		dir = own
	}
	info, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err) && dir == own:
		err = os.MkdirAll(dir, 0o700)
	case err == nil && !info.IsDir():
		err = errors.New(dir + " is not a directory")
	}
	if err != nil {
		return nil, fmt.Errorf("failed to get etcd-snapshot-dir: %w", err)
	}
	return &folder{dir: dir, node: node}, nil
}

func (f *folder) path(name string) string     { return filepath.Join(f.dir, name) }
func (f *folder) metadata(name string) string { return filepath.Join(f.dir, "..", metadataDir, name) }

func (f *folder) list() ([]File, error) {
	var found []File
	err := filepath.WalkDir(f.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		file := File{
			Name: entry.Name(), Location: "file://" + path, Node: f.node,
			Created: createdAt(entry.Name(), info.ModTime()), Size: info.Size(),
		}
		if text, err := os.ReadFile(f.metadata(entry.Name())); err == nil {
			if err := json.Unmarshal(text, &file.Metadata); err != nil {
				logrus.Warnf("Failed to unmarshal metadata for %s: %v", file.Name, err)
			}
		}
		found = append(found, file)
		return nil
	})
	return found, err
}

func (f *folder) remove(name string) error {
	err := os.Remove(f.path(name))
	if err == nil || os.IsNotExist(err) {
		_ = os.Remove(f.metadata(name))
	}
	return err
}

// prune removes the oldest snapshots whose name begins with the prefix, and returns which ones.
func (f *folder) prune(prefix string, keep int) ([]string, error) {
	if keep < 1 {
		return nil, nil
	}
	logrus.Infof("Applying snapshot retention=%d to local snapshots with prefix %s in %s", keep, prefix, f.dir)
	files, err := f.list()
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, file := range beyond(files, prefix, keep) {
		logrus.Infof("Removing local snapshot %s", f.path(file.Name))
		if err := f.remove(file.Name); err != nil {
			return removed, err
		}
		removed = append(removed, file.Name)
	}
	return removed, nil
}

// beyond are the files of a prefix that are older than the newest ones.
func beyond(files []File, prefix string, keep int) []File {
	files = slices.DeleteFunc(slices.Clone(files), func(file File) bool { return !strings.HasPrefix(file.Name, prefix) })
	slices.SortStableFunc(files, func(a, b File) int { return b.Created.Compare(a.Created) })
	return files[min(keep, len(files)):]
}

func (f *folder) saveMetadata(name string, metadata map[string]string) error {
	if len(metadata) == 0 {
		return nil
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.metadata(name)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(f.metadata(name), text, 0o600)
}

// compress replaces a snapshot by NAME.zip and returns that name.
func (f *folder) compress(name string, now time.Time) (_ string, err error) {
	defer os.Remove(f.path(name))
	zipped := name + zipExtension
	defer func() {
		if err != nil {
			_ = os.Remove(f.path(zipped))
			err = fmt.Errorf("failed to compress snapshot: %w", err)
		}
	}()
	logrus.Info("Compressing etcd snapshot file: " + name)
	from, err := os.Open(f.path(name))
	if err != nil {
		return "", err
	}
	defer from.Close()
	file, err := os.OpenFile(f.path(zipped), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	archive := zip.NewWriter(file)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: now}
	header.SetMode(0o600)
	into, err := archive.CreateHeader(header)
	if err == nil {
		_, err = io.Copy(into, from)
	}
	return zipped, errors.Join(err, archive.Close(), file.Close())
}

// decompress writes the snapshot of an archive beside it and returns its path.
func decompress(path string) (string, error) {
	logrus.Info("Decompressing etcd snapshot file: " + path)
	archive, err := zip.OpenReader(path)
	if err != nil {
		return "", err
	}
	defer archive.Close()
	if len(archive.File) != 1 {
		return "", fmt.Errorf("%s holds %d files, want one", path, len(archive.File))
	}
	from, err := archive.File[0].Open()
	if err != nil {
		return "", err
	}
	defer from.Close()
	plain := strings.TrimSuffix(path, zipExtension)
	into, err := os.OpenFile(plain, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(into, from)
	return plain, errors.Join(err, into.Close())
}
