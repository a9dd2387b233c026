// Package trial tries a provider with OpenTofu itself, as a user would.
package trial

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"infra-k3s.invalid/sandbox/providers/internal/serve"
)

// Tofu is a folder with a configuration.
type Tofu struct {
	t       *testing.T
	program string
	folder  string
	env     []string
}

// New serves a provider and makes an empty configuration. Without OpenTofu there is no trial: TOFU names it.
func New(t *testing.T, served serve.Served) *Tofu {
	t.Helper()
	program := os.Getenv("TOFU")
	if program == "" {
		t.Skip("TOFU does not name the program tofu")
	}
	// Nothing outside counts: no mirror, no cache.
	t.Setenv("TF_CLI_CONFIG_FILE", os.DevNull)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	config, err := serve.Start(ctx, served)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]serve.Reattach{served.Address: config})
	tofu := &Tofu{t: t, program: program, folder: t.TempDir(), env: append(os.Environ(), "TF_REATTACH_PROVIDERS="+string(text), "CHECKPOINT_DISABLE=1")}
	return tofu
}

// Write replaces the configuration.
func (o *Tofu) Write(text string) {
	if err := os.WriteFile(filepath.Join(o.folder, "main.tf"), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// Try runs a command and gives its code and what it says.
func (o *Tofu) Try(arguments ...string) (int, string) {
	command := exec.Command(o.program, append(arguments, "-no-color")...)
	command.Dir, command.Env = o.folder, o.env
	output, err := command.CombinedOutput()
	if command.ProcessState == nil {
		o.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

// Run is Try, and must succeed.
func (o *Tofu) Run(arguments ...string) string {
	o.t.Helper()
	code, output := o.Try(arguments...)
	if code != 0 {
		o.t.Fatalf("tofu %s: exit %d\n%s", strings.Join(arguments, " "), code, output)
	}
	return output
}

// Apply applies the configuration, after which a plan must be empty.
func (o *Tofu) Apply() string {
	o.t.Helper()
	output := o.Run("apply", "-auto-approve", "-input=false")
	o.Settled()
	return output
}

// Settled: there is nothing to do.
func (o *Tofu) Settled() {
	o.t.Helper()
	if code, output := o.Try("plan", "-detailed-exitcode", "-input=false"); code != 0 {
		o.t.Fatalf("the plan is not empty: exit %d\n%s", code, output)
	}
}

// Plan says what would be done.
func (o *Tofu) Plan() string {
	o.t.Helper()
	code, output := o.Try("plan", "-detailed-exitcode", "-input=false")
	if code != 2 {
		o.t.Fatalf("the plan has no changes: exit %d\n%s", code, output)
	}
	return output
}

// State is what is known of a resource.
func (o *Tofu) State(address string) map[string]any {
	o.t.Helper()
	var shown struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(o.Run("show", "-json")), &shown); err != nil {
		o.t.Fatal(err)
	}
	for _, one := range shown.Values.RootModule.Resources {
		if one.Address == address {
			return one.Values
		}
	}
	o.t.Fatalf("no %s in the state", address)
	return nil
}

// Reimport forgets a resource and takes it in again by its id.
func (o *Tofu) Reimport(address string, id string) {
	o.t.Helper()
	o.Run("state", "rm", address)
	o.Run("import", "-input=false", address, id)
}
