package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/joho/godotenv"
	"sigs.k8s.io/yaml"
)

// generator is what a kustomization names among its generators: apiVersion viaduct.ai/v1, kind ksops.
type generator struct {
	// Encrypted manifests.
	Files []string `json:"files"`
	// Secrets to make of encrypted files that are none.
	SecretFrom []source `json:"secretFrom"`
}

type source struct {
	// PATH, or KEY=PATH.
	Files       []string       `json:"files"`
	BinaryFiles []string       `json:"binaryFiles"`
	Envs        []string       `json:"envs"`
	Metadata    map[string]any `json:"metadata"`
	Type        string         `json:"type"`
}

type secret struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]any    `json:"metadata"`
	Type       string            `json:"type,omitempty"`
	StringData map[string]string `json:"stringData,omitempty"`
	Data       map[string]string `json:"data,omitempty"`
}

// generate gives the decrypted manifests of a generator, one document after the other.
func generate(text []byte) (string, error) {
	var wanted generator
	if err := yaml.Unmarshal(text, &wanted); err != nil {
		return "", fmt.Errorf("error unmarshalling manifest content: %q \n%s", err, text)
	}
	if wanted.Files == nil && wanted.SecretFrom == nil {
		return "", fmt.Errorf("missing the required 'files' or 'secretFrom' key in the ksops manifests: %s", text)
	}
	var documents []string
	for _, file := range wanted.Files {
		data, err := decrypted(file, "manifest.Files")
		if err != nil {
			return "", err
		}
		documents = append(documents, string(data))
	}
	for _, one := range wanted.SecretFrom {
		document, err := one.secret()
		if err != nil {
			return "", err
		}
		documents = append(documents, document)
	}
	// None at the end: an empty document is a fault to kustomize.
	return strings.Join(documents, "\n---\n"), nil
}

func (s source) secret() (string, error) {
	made := secret{APIVersion: "v1", Kind: "Secret", Metadata: s.Metadata, Type: s.Type}
	made.StringData, made.Data = map[string]string{}, map[string]string{}
	for _, file := range s.Files {
		key, data, err := keyed(file, "secretFrom.Files")
		if err != nil {
			return "", err
		}
		made.StringData[key] = string(data)
	}
	for _, file := range s.BinaryFiles {
		key, data, err := keyed(file, "secretFrom.BinaryFiles")
		if err != nil {
			return "", err
		}
		made.Data[key] = base64.StdEncoding.EncodeToString(data)
	}
	for _, file := range s.Envs {
		data, err := decrypted(file, "secretFrom.Envs")
		if err != nil {
			return "", err
		}
		variables, err := godotenv.UnmarshalBytes(data)
		if err != nil {
			return "", fmt.Errorf("error unmarshalling .env file %q: %w", file, err)
		}
		maps.Copy(made.StringData, variables)
	}
	text, err := yaml.Marshal(made)
	return string(text), err
}

// keyed takes KEY=PATH, or PATH whose file name is the key.
func keyed(file, field string) (string, []byte, error) {
	key, path, named := strings.Cut(file, "=")
	if !named {
		key, path = filepath.Base(file), file
	}
	if strings.Contains(path, "=") {
		return "", nil, fmt.Errorf("invalid format in file generator %s", file)
	}
	data, err := decrypted(path, field)
	return key, data, err
}

func decrypted(file, field string) ([]byte, error) {
	_, err := os.Stat(file)
	if err != nil {
		err = fmt.Errorf("error reading %q: %w", file, err)
	} else {
		var data []byte
		if data, err = decrypt(file); err == nil {
			return data, nil
		}
		err = fmt.Errorf("trouble decrypting file: %w", err)
	}
	return nil, fmt.Errorf("error decrypting file %q from %s: %w", file, field, err)
}
