package containerd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

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
		command := exec.CommandContext(ctx, filepath.Join(programs, "ctr"), "--address", Socket, "--namespace", "k8s.io",
			"images", "import", "--local", "--label", "io.cri-containerd.pinned=pinned", "--label", "io.cri-containerd.image=managed", file)
		if output, err := command.CombinedOutput(); err != nil {
			logrus.Errorf("Unable to import images from %s: %v: %s", file, err, strings.TrimSpace(string(output)))
			continue
		}
		logrus.Infof("Imported images from %s in %s", file, time.Since(start).Round(time.Millisecond))
	}
}

func isArchive(name string) bool {
	for _, extension := range archives {
		if strings.HasSuffix(name, extension) {
			return true
		}
	}
	return false
}
