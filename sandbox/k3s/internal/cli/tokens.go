package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"infra-k3s.invalid/sandbox/k3s/internal/access"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// manageTokens answers what is not about bootstrap tokens: those are K3s's, not the stand-in's.
func manageTokens(args []string) error {
	if len(args) == 0 || args[0] == "--help" || args[0] == "-h" {
		fmt.Print("NAME:\n   k3s token - Manage tokens\n\nCOMMANDS:\n" +
			"   generate  Generate and print a bootstrap token, but do not create it on the server\n" +
			"   rotate    Rotate original server token with a new server token\n")
		return nil
	}
	switch args[0] {
	case "generate":
		random := token.Generate() + token.Generate()
		fmt.Println(random[:6] + "." + random[6:22])
		return nil
	case "rotate":
		return rotateToken(args[1:])
	case "create", "delete", "list":
		return flags.NotAnswered{What: "k3s token " + args[0]}
	}
	return fmt.Errorf("No help topic for '%s'", strings.TrimSpace(args[0]))
}

func rotateToken(args []string) error {
	options := flag.NewFlagSet("rotate", flag.ContinueOnError)
	server, given, next, dir := environment("K3S_URL", "https://127.0.0.1:6443"), os.Getenv("K3S_TOKEN"), "", folder()
	for _, name := range []string{"server", "s"} {
		options.StringVar(&server, name, server, "Server to connect to [$K3S_URL]")
	}
	for _, name := range []string{"token", "t"} {
		options.StringVar(&given, name, given, "Existing token used to join a server or agent to a cluster [$K3S_TOKEN]")
	}
	options.StringVar(&next, "new-token", "", "New token that replaces existing token")
	options.StringVar(&dir, "data-dir", dir, "Folder to hold state [$K3S_DATA_DIR]")
	options.String("kubeconfig", "", "Server to connect to [$KUBECONFIG]")
	if err := options.Parse(args); err != nil {
		return err
	}
	fmt.Println("\033[33mWARNING\033[0m: Recommended to keep a record of the old token. " +
		"If restoring from a snapshot, you must use the token associated with that snapshot.")
	admin, err := connect(server, given, dir)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"newToken": next})
	if err != nil {
		return err
	}
	admin.SetTimeout(time.Minute)
	if _, err := admin.Send(http.MethodPut, "/v1-k3s/token", body, nil); err != nil {
		var refused *access.StatusError
		if errors.As(err, &refused) && refused.Message != "" {
			return fmt.Errorf("%w: %s", err, refused.Message)
		}
		return err
	}
	fmt.Println("Token rotated, restart k3s nodes with new token")
	return nil
}

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
