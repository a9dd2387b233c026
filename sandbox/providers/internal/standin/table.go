// Package standin turns a table of a vendor's documented schema and a few functions into an OpenTofu provider.
package standin

import (
	"fmt"
	"strings"
)

// Attribute is one line of a table.
type Attribute struct {
	Name string
	// Kind is string, number, bool or dynamic; list, set or map of Elem; object, objects or objectset of Children, as
	// attributes; block or blockset of Children, as blocks.
	Kind      string
	Elem      string
	Required  bool
	Optional  bool
	Computed  bool
	Sensitive bool
	// Replace: a change of it means another resource.
	Replace bool
	// Volatile: the vendor changes it at every update.
	Volatile bool
	Default  any
	Children []*Attribute
}

// Entity is a section of a table: the provider itself, a resource or a data source.
type Entity struct {
	Kind       string
	Name       string
	URL        string
	Attributes []*Attribute
}

func (e *Entity) attribute(name string) *Attribute {
	for _, one := range e.Attributes {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// Parse reads a table: sections `provider|resource|data NAME URL`, in each a line per attribute, two spaces deeper for
// what is inside it, `name kind flag…`.
func Parse(text string) ([]*Entity, error) {
	var entities []*Entity
	var parents []*Attribute
	for number, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		if depth == 0 {
			if len(words) != 3 {
				return nil, fmt.Errorf("line %d: a section is KIND NAME URL: %s", number+1, line)
			}
			entities = append(entities, &Entity{Kind: words[0], Name: words[1], URL: words[2]})
			parents = nil
			continue
		}
		attribute, err := parseAttribute(words)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if len(entities) == 0 || depth > len(parents)+1 {
			return nil, fmt.Errorf("line %d is indented too far", number+1)
		}
		parents = append(parents[:depth-1], attribute)
		if depth == 1 {
			last := entities[len(entities)-1]
			last.Attributes = append(last.Attributes, attribute)
		} else {
			parents[depth-2].Children = append(parents[depth-2].Children, attribute)
		}
	}
	return entities, nil
}

func parseAttribute(words []string) (*Attribute, error) {
	if len(words) < 2 {
		return nil, fmt.Errorf("%s has no kind", words[0])
	}
	kind, elem, _ := strings.Cut(words[1], ":")
	if elem == "" {
		elem = "string"
	}
	attribute := &Attribute{Name: words[0], Kind: kind, Elem: elem}
	for _, flag := range words[2:] {
		name, value, _ := strings.Cut(flag, "=")
		switch name {
		case "required":
			attribute.Required = true
		case "optional":
			attribute.Optional = true
		case "computed":
			attribute.Computed = true
		case "sensitive":
			attribute.Sensitive = true
		case "replace":
			attribute.Replace = true
		case "volatile":
			attribute.Volatile = true
		case "default":
			given, err := literal(kind, value)
			if err != nil {
				return nil, err
			}
			attribute.Default = given
		default:
			return nil, fmt.Errorf("%s: unknown flag %s", words[0], flag)
		}
	}
	return attribute, nil
}

func literal(kind string, text string) (any, error) {
	switch kind {
	case "string":
		// A flag holds no space; an underscore stands for one.
		return strings.ReplaceAll(text, "_", " "), nil
	case "bool":
		return text == "true", nil
	case "number":
		var number float64
		_, err := fmt.Sscan(text, &number)
		return number, err
	}
	return nil, fmt.Errorf("no default for a %s", kind)
}
