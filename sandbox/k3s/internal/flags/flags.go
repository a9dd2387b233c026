// Package flags parses what `k3s server`, `k3s agent` and `k3s etcd-snapshot` take, from the command line, the configuration
// files and the environment. Every flag that K3s documents is known; one that the stand-in does not
// implement is an error, so that nothing a user asks for is silently left undone.
package flags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a flag's value.
type Kind int

// The kinds of K3s's flags.
const (
	String Kind = iota
	Bool
	Int
	Strings
	Duration
)

// Scope says which verbs take a flag.
type Scope int

// The verbs with a flag table.
const (
	Server Scope = 1 << iota
	Agent
	Snapshots
	Both = Server | Agent
)

// Flag is one row of the table.
type Flag struct {
	Name     string
	Short    string
	Alias    string // for Snapshots
	Kind     Kind
	Scope    Scope
	Env      string
	Default  string
	Answered bool
}

// NotAnswered is an option that K3s has and the stand-in has not.
type NotAnswered struct{ What string }

func (e NotAnswered) Error() string { return "not answered by the stand-in: " + e.What }

// Values are the parsed flags of one run.
type Values struct {
	single map[string]string
	many   map[string][]string
	set    map[string]bool
	rest   []string
}

// String returns a flag's value or its default.
func (v *Values) String(name string) string { return v.single[name] }

// Bool tells whether a boolean flag is on.
func (v *Values) Bool(name string) bool { on, _ := strconv.ParseBool(v.single[name]); return on }

// Int returns a number; the parser has made sure that it is one.
func (v *Values) Int(name string) int { n, _ := strconv.Atoi(v.single[name]); return n }

// Strings returns a repeatable flag's values; commas separate values as well, as in K3s.
func (v *Values) Strings(name string) []string { return v.many[name] }

// Duration returns a time span; the parser has made sure that it is one.
func (v *Values) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(v.single[name])
	return d
}

// Rest are the arguments of the command line after its flags.
func (v *Values) Rest() []string { return v.rest }

// IsSet tells whether the flag was given anywhere (file, command line or environment).
func (v *Values) IsSet(name string) bool { return v.set[name] }

// Parse reads the flags of one verb. Values of the configuration files come first, the command line's
// override them (and replace a repeatable flag's whole list), the environment fills what neither has. A command
// line may come in several parts: flags before a verb and after it.
func Parse(scope Scope, getenv func(string) string, fromConfig []string, fromCommandLine ...[]string) (*Values, error) {
	values := &Values{single: map[string]string{}, many: map[string][]string{}, set: map[string]bool{}}
	for _, source := range append([][]string{fromConfig}, fromCommandLine...) {
		if err := values.read(scope, source); err != nil {
			return nil, err
		}
	}
	for _, f := range Table {
		if f.Scope&scope == 0 {
			continue
		}
		if !values.set[f.Name] && f.Env != "" && getenv(f.Env) != "" {
			values.set[f.Name] = true
			if f.Kind == Strings {
				values.many[f.Name] = strings.Split(getenv(f.Env), ",")
			} else {
				values.single[f.Name] = getenv(f.Env)
			}
		}
		if !values.set[f.Name] && f.Kind != Strings {
			values.single[f.Name] = f.Default
		}
	}
	return values, values.refuse(scope)
}

// Split divides a command line behind the flags that it begins with.
func Split(scope Scope, args []string) (before, after []string, err error) {
	values := &Values{single: map[string]string{}, many: map[string][]string{}, set: map[string]bool{}}
	if err := values.read(scope, args); err != nil {
		return nil, nil, err
	}
	return args[:len(args)-len(values.rest)], values.rest, nil
}

// Known tells whether a verb takes a flag.
func Known(scope Scope, name string) bool {
	return slices.ContainsFunc(Table, func(f Flag) bool {
		return f.Scope&scope != 0 && (f.Name == name || f.Short == name || f.Alias == name && scope&Snapshots != 0)
	})
}

// read adds one source. It rests on the standard library's flag package, which is also what K3s's parser
// rests on, so the errors are worded alike.
func (v *Values) read(scope Scope, args []string) error {
	set := flag.NewFlagSet("k3s", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	seen := map[string]bool{}
	for _, f := range Table {
		if f.Scope&scope == 0 {
			continue
		}
		value := &flagValue{flag: f, values: v, seen: seen}
		set.Var(value, f.Name, "")
		if f.Short != "" {
			set.Var(value, f.Short, "")
		}
		if f.Alias != "" && scope&Snapshots != 0 {
			set.Var(value, f.Alias, "")
		}
	}
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	v.rest = set.Args()
	return nil
}

func (v *Values) refuse(scope Scope) error {
	for _, f := range Table {
		if f.Scope&scope == 0 || f.Answered || !v.set[f.Name] {
			continue
		}
		if f.Kind != Strings && v.single[f.Name] == f.Default {
			continue
		}
		return NotAnswered{"--" + f.Name}
	}
	return nil
}

type flagValue struct {
	flag   Flag
	values *Values
	seen   map[string]bool
}

// IsBoolFlag lets the flag package accept `--name` without a value.
func (f *flagValue) IsBoolFlag() bool { return f.flag.Kind == Bool }

func (f *flagValue) String() string { return "" }

func (f *flagValue) Set(text string) error {
	name := f.flag.Name
	switch f.flag.Kind {
	case Bool:
		if _, err := strconv.ParseBool(text); err != nil {
			return errors.New("parse error")
		}
	case Int:
		if _, err := strconv.Atoi(text); err != nil {
			return errors.New("parse error")
		}
	case Duration:
		if _, err := time.ParseDuration(text); err != nil {
			return errors.New("parse error")
		}
	case Strings:
		if !f.seen[name] {
			f.values.many[name] = nil
		}
		f.seen[name] = true
		f.values.set[name] = true
		f.values.many[name] = append(f.values.many[name], split(name, text)...)
		return nil
	}
	f.values.set[name] = true
	f.values.single[name] = text
	return nil
}

// split honours K3s's comma lists for addresses and parts; component arguments hold commas of their own.
func split(name, text string) []string {
	if strings.HasSuffix(name, "-arg") {
		return []string{text}
	}
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Usage lists the flags of one verb.
func Usage(scope Scope, verb string, out io.Writer) {
	fmt.Fprintf(out, "NAME:\n   k3s %s\n\nUSAGE:\n   k3s %s [OPTIONS]\n\nOPTIONS:\n", verb, verb)
	for _, f := range Table {
		if f.Scope&scope == 0 {
			continue
		}
		note := ""
		if !f.Answered {
			note = "  (not answered by the stand-in)"
		}
		if f.Alias != "" && scope == Snapshots {
			note = ", --" + f.Alias + note
		}
		if f.Env != "" {
			note += "  [$" + f.Env + "]"
		}
		fmt.Fprintf(out, "   --%s%s\n", f.Name, note)
	}
}
