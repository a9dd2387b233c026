package process

import (
	"os"
	"sort"
	"strings"
)

// Arguments are a component's flags by name.
type Arguments map[string]string

// With adds what a user gave as `name=value`: it replaces K3s's own value, and a name given twice keeps both.
// Feature gates are joined, since a second flag would drop the first.
func (a Arguments) With(extra []string) []string {
	merged := map[string][]string{}
	for name, value := range a {
		merged[name] = []string{value}
	}
	given := map[string]bool{}
	for _, text := range extra {
		name, value, found := strings.Cut(strings.TrimLeft(text, "-"), "=")
		if !found {
			value = "true"
		}
		switch {
		case name == "feature-gates" && len(merged[name]) > 0:
			merged[name] = []string{merged[name][0] + "," + value}
		case given[name]:
			merged[name] = append(merged[name], value)
		default:
			merged[name] = []string{value}
		}
		given[name] = true
	}
	names := make([]string, 0, len(merged))
	for name := range merged {
		names = append(names, name)
	}
	sort.Strings(names)
	var args []string
	for _, name := range names {
		for _, value := range merged[name] {
			args = append(args, "--"+name+"="+value)
		}
	}
	return args
}

var self, selfErr = os.Executable()

// Self is the running program's path, read at the start: components then show as k3s in a process list,
// and a file replaced later does not change what this run means.
func Self() string {
	if selfErr != nil {
		return "/proc/self/exe"
	}
	return self
}
