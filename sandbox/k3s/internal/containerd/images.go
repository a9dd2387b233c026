package containerd

import (
	"compress/bzip2"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/sirupsen/logrus"
)

// WaitForSocket blocks until containerd accepts connections.
func WaitForSocket(ctx context.Context) error {
	for {
		connection, err := net.Dial("unix", Socket)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("containerd is not there: %w", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

var archives = []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz"}

// Importer loads the archives and image lists of agent/images: at the start, and when one comes or changes.
type Importer struct {
	DataDir  string
	Programs string // the folder with ctr
	seen     map[string]time.Time
}

// Run imports again and again until the context ends.
func (i *Importer) Run(ctx context.Context) {
	for {
		i.Once(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
	}
}

// Once imports what is new. A file that fails does not keep the node from starting.
func (i *Importer) Once(ctx context.Context) {
	if i.seen == nil {
		i.seen = map[string]time.Time{}
	}
	dir := filepath.Join(i.DataDir, "agent/images")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		info, err := entry.Info()
		isList := strings.HasSuffix(entry.Name(), ".txt")
		if err != nil || i.seen[file].Equal(info.ModTime()) || (!isArchive(entry.Name()) && !isList) {
			continue
		}
		i.seen[file] = info.ModTime()
		start := time.Now()
		load := i.importArchive
		if isList {
			load = i.pullList
		}
		if err := load(ctx, file); err != nil {
			logrus.Errorf("Unable to import images from %s: %v", file, err)
			continue
		}
		logrus.Infof("Imported images from %s in %s", file, time.Since(start).Round(time.Millisecond))
	}
}

func (i *Importer) ctr(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(i.Programs, "ctr"), append([]string{"--address", Socket, "--namespace", "k8s.io", "images"}, args...)...)
}

// pullList pulls the images that a text file names, one per line.
func (i *Importer) pullList(ctx context.Context, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		image := strings.TrimSpace(line)
		if image == "" || strings.HasPrefix(image, "#") {
			continue
		}
		command := i.ctr(ctx, "pull", "--local", "--hosts-dir", filepath.Join(i.DataDir, "agent/etc/containerd/certs.d"), image)
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", image, err, strings.TrimSpace(string(output)))
		}
	}
	return nil
}

// importArchive gives ctr the plain tar: it does not decompress by itself.
func (i *Importer) importArchive(ctx context.Context, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := decompress(name, file)
	if err != nil {
		return err
	}
	command := i.ctr(ctx, "import", "--local",
		"--label", "io.cri-containerd.pinned=pinned", "--label", "io.cri-containerd.image=managed", "-")
	command.Stdin = plain
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

func decompress(name string, file io.Reader) (io.Reader, error) {
	switch {
	case strings.HasSuffix(name, "gz"):
		return gzip.NewReader(file)
	case strings.HasSuffix(name, "bz2"), strings.HasSuffix(name, "tbz"):
		return bzip2.NewReader(file), nil
	case strings.HasSuffix(name, "zst"):
		return zstd.NewReader(file)
	}
	return file, nil
}

func isArchive(name string) bool {
	for _, extension := range archives {
		if strings.HasSuffix(name, extension) {
			return true
		}
	}
	return false
}
