package standin

import "errors"

// ErrGone: the vendor does not know the resource any more.
var ErrGone = errors.New("it is gone")

// Data is a resource or data source at work: what is planned or known of it, and what was before.
type Data struct {
	entity *Entity
	values map[string]any
	before map[string]any
	config map[string]any
}

func object(value any) map[string]any {
	if result, ok := value.(map[string]any); ok {
		return result
	}
	return map[string]any{}
}

// Get gives a value as JSON would: nil for null and for what is not known yet.
func (d *Data) Get(name string) any {
	if d.values[name] == Unknown {
		return nil
	}
	return d.values[name]
}

func (d *Data) Str(name string) string       { return Str(d.Get(name)) }
func (d *Data) Int(name string) int          { return Int(d.Get(name)) }
func (d *Data) Bool(name string) bool        { value, _ := d.Get(name).(bool); return value }
func (d *Data) Strs(name string) []string    { return Strs(d.Get(name)) }
func (d *Data) Objects(name string) []Object { return Objects(d.Get(name)) }
func (d *Data) Map(name string) map[string]string {
	return Map(d.Get(name))
}

// ID is the identifier that the vendor gave.
func (d *Data) ID() string { return d.Str("id") }

// Config gives what the user wrote, where state holds something else.
func (d *Data) Config(name string) any {
	if d.config[name] == Unknown {
		return nil
	}
	return d.config[name]
}

// Has tells whether there is a value that says something.
func (d *Data) Has(name string) bool { return !isZero(d.Get(name)) }

// Before gives what was known before an update.
func (d *Data) Before(name string) any { return d.before[name] }

// Changed tells whether an update changes an attribute.
func (d *Data) Changed(name string) bool {
	return !d.entity.attribute(name).equal(d.values[name], d.before[name])
}

// Set stores what the vendor says. What the user left out and the vendor has not either stays null.
func (d *Data) Set(name string, value any) {
	attribute := d.entity.attribute(name)
	if attribute == nil {
		panic(d.entity.Name + " has no " + name)
	}
	next := plain(value)
	if !attribute.Computed && d.Get(name) == nil && isZero(next) {
		next = nil
	}
	if attribute.isBlock() && next == nil {
		next = []any{}
	}
	d.values[name] = next
}

// SetAll stores what the vendor says of several attributes.
func (d *Data) SetAll(values map[string]any) {
	for name, value := range values {
		d.Set(name, value)
	}
}

// Object is a value inside a value.
type Object map[string]any

func (o Object) Str(name string) string { return Str(o[name]) }
func (o Object) Int(name string) int    { return Int(o[name]) }
func (o Object) Bool(name string) bool  { value, _ := o[name].(bool); return value }

func Str(value any) string { text, _ := value.(string); return text }
func Int(value any) int    { number, _ := value.(float64); return int(number) }

func Strs(value any) []string {
	list, _ := value.([]any)
	result := []string{}
	for _, one := range list {
		result = append(result, Str(one))
	}
	return result
}

func Map(value any) map[string]string {
	result := map[string]string{}
	for name, one := range object(value) {
		result[name] = Str(one)
	}
	return result
}

func Objects(value any) []Object {
	list, _ := value.([]any)
	result := []Object{}
	for _, one := range list {
		if one, ok := one.(map[string]any); ok {
			result = append(result, Object(one))
		}
	}
	return result
}

// PlannedUnknown tells whether a planned value is known after apply only.
func (d *Data) PlannedUnknown(name string) bool { return hasUnknown(d.values[name]) }
