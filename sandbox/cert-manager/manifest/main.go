// Command manifest prints the objects of cert-manager's chart as its release build renders them, by Helm's own
// library: https://github.com/cert-manager/cert-manager/blob/v1.20.0/make/manifests.mk.
//
//	manifest CHART VERSION WITH_CRDS
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1/util"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("manifest CHART VERSION WITH_CRDS, not %q", args)
	}
	crds, err := strconv.ParseBool(args[2])
	if err != nil {
		return err
	}
	source, err := load(args[0], args[1])
	if err != nil {
		return err
	}
	text, err := render(source, crds)
	if err != nil {
		return err
	}
	fmt.Println(strings.TrimSpace(text))
	return nil
}

// load reads the chart with what the release build fills in: its version, in Chart.yaml.
func load(folder, version string) (*chart.Chart, error) {
	var files []*archive.BufferedFile
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name == "Chart.template.yaml" {
			name = "Chart.yaml"
			data = []byte(strings.ReplaceAll(string(data), "ersion: v0.0.0", "ersion: "+version))
		}
		files = append(files, &archive.BufferedFile{Name: filepath.ToSlash(name), Data: data})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return loader.LoadFiles(files)
}

// render is `helm template` with the release build's flags: Helm's engine and its order of kinds. The rest of Helm, which knows
// clusters and registries, takes minutes to build.
func render(source *chart.Chart, crds bool) (string, error) {
	version, err := common.ParseKubeVersion("1.29.0")
	if err != nil {
		return "", err
	}
	values := map[string]any{
		"creator":         "static",
		"startupapicheck": map[string]any{"enabled": false},
	}
	if crds {
		values["crds"] = map[string]any{"enabled": true}
	}
	options := common.ReleaseOptions{Name: "cert-manager", Namespace: "cert-manager", Revision: 1, IsInstall: true}
	capabilities := &common.Capabilities{KubeVersion: *version, APIVersions: common.VersionSet{}}
	given, err := util.ToRenderValues(source, values, options, capabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(source, given)
	if err != nil {
		return "", err
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	_, manifests, err := release.SortManifests(files, nil, release.InstallOrder)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, one := range manifests {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", one.Name, one.Content)
	}
	return text.String(), nil
}
