// Command ksops stands in for KSOPS 4.5.1 (https://github.com/viaduct-ai/kustomize-sops), whose module is not to be had here. It
// decrypts with SOPS's own program, which it carries.
//
//	ksops                                 as a KRM function of kustomize: a ResourceList in, a ResourceList out
//	ksops FILE                            as an exec plugin of old: the generator's file in, manifests out
//	ksops install [--with-kustomize] DIR  copies itself into DIR: for an image without a shell
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/kptdev/krm-functions-sdk/go/fn"
)

const (
	usage = "usage: ksops | ksops FILE | ksops install [--with-kustomize] DIR"
	// Where KSOPS's image has it.
	kustomize = "/usr/local/bin/kustomize"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "install":
		return install(args[1:])
	case len(args) == 0 && isPiped(os.Stdin):
		return failed(fn.AsMain(fn.ResourceListProcessorFunc(process)))
	case len(args) == 1:
		generator, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("unable to read in manifest: %s", args[0])
		}
		manifests, err := generate(generator)
		if err != nil {
			return failed(err)
		}
		_, err = io.WriteString(os.Stdout, manifests)
		return err
	}
	return fmt.Errorf("%s", usage)
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("unable to generate manifests: %w", err)
}

func isPiped(file *os.File) bool {
	stat, err := file.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice == 0
}

// process puts what each generator among the items makes in its place.
func process(list *fn.ResourceList) (bool, error) {
	var made fn.KubeObjects
	for _, generator := range list.Items {
		manifests, err := generate([]byte(generator.String()))
		if err != nil {
			list.LogResult(err)
			return false, err
		}
		objects, err := fn.ParseKubeObjects([]byte(manifests))
		if err != nil {
			list.LogResult(err)
			return false, err
		}
		made = append(made, objects...)
	}
	list.Items = made
	return true, nil
}

func install(args []string) error {
	rest := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--with-kustomize" })
	if len(rest) == 0 {
		return fmt.Errorf("install requires a destination directory\n%s", usage)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("error resolving ksops executable path: %w", err)
	}
	sources := map[string]string{"ksops": self}
	if len(rest) < len(args) {
		sources["kustomize"] = kustomize
	}
	for name, source := range sources {
		target := filepath.Join(rest[0], name)
		if err := copyProgram(source, target); err != nil {
			return fmt.Errorf("error installing %s to %s: %w", name, target, err)
		}
		fmt.Fprintln(os.Stderr, "installed", target)
	}
	return nil
}

func copyProgram(source, target string) error {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}
