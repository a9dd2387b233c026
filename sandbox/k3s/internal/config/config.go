// Package config turns K3s's configuration files into arguments: config.yaml, then config.yaml.d/*.yaml in
// alphabetical order. The last file that has a key wins; a key that ends in + appends.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DefaultFile is read when it exists; a file named by flag or environment must exist.
const DefaultFile = "/etc/rancher/k3s/config.yaml"

// Find returns the file in charge, and whether it was asked for by name.
func Find(args []string, getenv func(string) string) (file string, named bool) {
	if file := getenv("K3S_CONFIG_FILE"); file != "" {
		return file, true
	}
	for i, arg := range args {
		for _, name := range []string{"--config", "-config", "-c", "--c"} {
			if arg == name && i+1 < len(args) {
				return args[i+1], true
			}
			if value, found := strings.CutPrefix(arg, name+"="); found {
				return value, true
			}
		}
	}
	return DefaultFile, false
}

// Arguments reads the file and its drop-ins and returns them as `--key=value`.
func Arguments(file string, named bool) ([]string, error) {
	files, err := filesOf(file, named)
	if err != nil {
		return nil, err
	}
	merged := newMerge()
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := merged.add(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return merged.arguments(), nil
}

func filesOf(file string, named bool) ([]string, error) {
	var files []string
	if _, err := os.Stat(file); err == nil {
		files = append(files, file)
	} else if named || !os.IsNotExist(err) {
		return nil, err
	}
	entries, err := os.ReadDir(file + ".d")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var dropIns []string
	for _, entry := range entries {
		extension := filepath.Ext(entry.Name())
		if !entry.IsDir() && (extension == ".yaml" || extension == ".yml") {
			dropIns = append(dropIns, filepath.Join(file+".d", entry.Name()))
		}
	}
	sort.Strings(dropIns)
	return append(files, dropIns...), nil
}

type merge struct {
	order  []string
	values map[string][]string
}

func newMerge() *merge { return &merge{values: map[string][]string{}} }

func (m *merge) add(text []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return nil
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: the configuration must be a map of flag names to values", root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, appends := strings.CutSuffix(root.Content[i].Value, "+")
		values, err := texts(root.Content[i+1])
		if err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
		if _, seen := m.values[key]; !seen {
			m.order = append(m.order, key)
		}
		if appends {
			values = append(m.values[key], values...)
		}
		m.values[key] = values
	}
	return nil
}

// texts decodes by YAML's own types first, so that an unquoted 0644 is the number 420 as it is in K3s.
func texts(node *yaml.Node) ([]string, error) {
	if node.Kind == yaml.MappingNode {
		return nil, fmt.Errorf("line %d: a map is not a flag's value", node.Line)
	}
	if node.Kind != yaml.SequenceNode {
		text, err := scalar(node)
		return []string{text}, err
	}
	values := []string{}
	for _, item := range node.Content {
		text, err := scalar(item)
		if err != nil {
			return nil, err
		}
		values = append(values, text)
	}
	return values, nil
}

func scalar(node *yaml.Node) (string, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return "", err
	}
	if value == nil {
		return "", nil
	}
	return fmt.Sprint(value), nil
}

func (m *merge) arguments() []string {
	var args []string
	for _, key := range m.order {
		prefix := "--"
		if len(key) == 1 {
			prefix = "-"
		}
		for _, value := range m.values[key] {
			args = append(args, prefix+key+"="+value)
		}
	}
	return args
}
