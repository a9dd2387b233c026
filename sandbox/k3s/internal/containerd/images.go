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

// Import loads the archives of agent/images, as K3s does at each start. One that fails does not keep the
// node from starting.
func Import(ctx context.Context, dataDir, programs string) {
	dir := filepath.Join(dataDir, "agent/images")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !isArchive(entry.Name()) {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		start := time.Now()
		if err := importArchive(ctx, file, filepath.Join(programs, "ctr")); err != nil {
			logrus.Errorf("Unable to import images from %s: %v", file, err)
			continue
		}
		logrus.Infof("Imported images from %s in %s", file, time.Since(start).Round(time.Millisecond))
	}
}

// importArchive gives ctr the plain tar: it does not decompress by itself.
func importArchive(ctx context.Context, name, ctr string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := decompress(name, file)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, ctr, "--address", Socket, "--namespace", "k8s.io", "images", "import", "--local",
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
