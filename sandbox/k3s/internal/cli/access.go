package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"infra-k3s.invalid/sandbox/k3s/internal/access"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// connect reaches a server as its administrator: with the token given, or else with the one on this server's disk.
func connect(server, given, dataDir string) (*access.Client, error) {
	if given == "" {
		text, err := os.ReadFile(filepath.Join(dataDir, "server/token"))
		if err != nil {
			return nil, err
		}
		given = string(text)
	}
	parsed, err := token.Parse(given)
	if err != nil {
		return nil, err
	}
	return access.Connect(server, "server", parsed)
}

// serverError says what the server said.
func serverError(err error) error {
	var refused *access.StatusError
	if errors.As(err, &refused) && refused.Message != "" {
		err = errors.New(refused.Message)
	}
	return fmt.Errorf("see server log for details: %w", err)
}
