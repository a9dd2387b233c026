// Package manifests deploys the files of server/manifests, at the start and when one changes.
package manifests

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"infra-k3s.invalid/sandbox/k3s/internal/process"
)

//go:embed packaged
var packaged embed.FS

const interval = 5 * time.Second

// Deployer follows one folder.
type Deployer struct {
	dir        string
	kubeconfig string
	applied    map[string][sha256.Size]byte
	failed     map[string]string
	disabled   []string
}

// New writes the packaged files that are not disabled, with the variables (%{NAME}%) filled in.
func New(dir, kubeconfig string, disabled []string, variables map[string]string) (*Deployer, error) {
	d := &Deployer{dir: dir, kubeconfig: kubeconfig, disabled: disabled, applied: map[string][sha256.Size]byte{}, failed: map[string]string{}}
	entries, err := fs.ReadDir(packaged, "packaged")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		text, err := packaged.ReadFile("packaged/" + entry.Name())
		if err != nil {
			return nil, err
		}
		if d.isDisabled(entry.Name()) {
			continue
		}
		filled := string(text)
		for name, value := range variables {
			filled = strings.ReplaceAll(filled, "%{"+name+"}%", value)
		}
		if err := os.WriteFile(filepath.Join(dir, entry.Name()), []byte(filled), 0o600); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Deployer) isDisabled(name string) bool {
	return slices.Contains(d.disabled, strings.TrimSuffix(name, filepath.Ext(name)))
}

// Run looks at the folder until the context ends.
func (d *Deployer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
			d.Apply(ctx)
		}
	}
}

// Apply applies every file that is new or has changed. A file that fails is tried again next time.
func (d *Deployer) Apply(ctx context.Context) {
	_ = filepath.WalkDir(d.dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isManifest(entry.Name()) {
			return nil
		}
		if _, err := os.Stat(file + ".skip"); err == nil {
			return nil
		}
		if d.isDisabled(entry.Name()) {
			d.uninstall(ctx, file)
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		sum := sha256.Sum256(text)
		if d.applied[file] == sum || strings.TrimSpace(string(text)) == "" {
			return nil
		}
		if err := d.apply(ctx, file); err != nil {
			if d.failed[file] != err.Error() {
				logrus.Errorf("Failed to process config: failed to process %s: %v", file, err)
			}
			d.failed[file] = err.Error()
			return nil
		}
		delete(d.failed, file)
		d.applied[file] = sum
		logrus.Infof("Applied manifest at %q", file)
		return nil
	})
}

// uninstall removes what a disabled file had deployed, and the file.
func (d *Deployer) uninstall(ctx context.Context, file string) {
	if err := d.kubectl(ctx, "delete", "--ignore-not-found", "--wait=false", "-f", file); err != nil {
		logrus.Errorf("Failed to uninstall %s: %v", file, err)
		return
	}
	_ = os.Remove(file)
	logrus.Infof("Uninstalled %q", file)
}

func (d *Deployer) apply(ctx context.Context, file string) error {
	return d.kubectl(ctx, "apply", "--server-side", "--force-conflicts", "--field-manager=deploy@k3s", "-f", file)
}

func (d *Deployer) kubectl(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, process.Self(), append([]string{"kubectl", "--kubeconfig", d.kubeconfig}, args...)...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

func isManifest(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return !strings.HasPrefix(name, ".")
	}
	return false
}
