package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"infra-k3s.invalid/sandbox/k3s/internal/encryption"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
)

// manageEncryption answers what changes nothing.
func manageEncryption(args []string) error {
	if len(args) == 0 || args[0] == "--help" || args[0] == "-h" {
		fmt.Print("NAME:\n   k3s secrets-encrypt - Control secrets encryption and keys rotation\n\nCOMMANDS:\n   status  Print current status of secrets encryption\n")
		return nil
	}
	switch args[0] {
	case "status":
		return encryptionStatus(args[1:])
	case "enable", "disable", "prepare", "rotate", "reencrypt", "rotate-keys":
		return flags.NotAnswered{What: "k3s secrets-encrypt " + args[0]}
	}
	return fmt.Errorf("No help topic for '%s'", args[0])
}

// encryptionStatus asks the server, as K3s does, with the server's own token.
func encryptionStatus(args []string) error {
	options := flag.NewFlagSet("status", flag.ContinueOnError)
	server := options.String("server", "https://127.0.0.1:6443", "")
	output := options.String("output", "text", "")
	if err := options.Parse(args); err != nil {
		return err
	}
	admin, err := connect(*server, "", folder())
	if err != nil {
		return err
	}
	text, err := admin.Get("/v1-k3s/encrypt/status")
	if err != nil {
		return serverError(err)
	}
	status := encryption.Status{}
	if err := json.Unmarshal(text, &status); err != nil {
		return err
	}
	if *output == "json" {
		return json.NewEncoder(os.Stdout).Encode(status)
	}
	fmt.Print(status)
	return nil
}
