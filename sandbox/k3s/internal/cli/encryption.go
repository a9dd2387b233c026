package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"infra-k3s.invalid/sandbox/k3s/internal/encryption"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
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
	dir := filepath.Join(folder(), "server")
	text, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		return err
	}
	join, err := token.Parse(string(text))
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(filepath.Join(dir, "tls/server-ca.crt"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	request, err := http.NewRequest(http.MethodGet, *server+"/v1-k3s/encrypt/status", nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth("server", join.Password)
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("see server log for details: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("see server log for details: %s", response.Status)
	}
	status := encryption.Status{}
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return err
	}
	if *output == "json" {
		return json.NewEncoder(os.Stdout).Encode(status)
	}
	fmt.Print(status)
	return nil
}
