package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// row is one line of the table: behaviour, quote, page, test.
var row = regexp.MustCompile("(?m)^\\| (.+?) \\| \"(.+)\" \\| <(https://[^>]+)> \\| `(Test[A-Za-z0-9]+)` \\|$")

// Tests about the table and about the stand-in alone have no row.
var aboutOurselves = map[string]bool{"TestMain": true, "TestTable": true, "TestStandInSaysWhatItHasNot": true, "TestStandInResetsNoRunningServer": true}

func TestTable(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := row.FindAllStringSubmatch(string(text), -1)
	if lines := strings.Count(string(text), "| `Test"); lines != len(rows) || len(rows) == 0 {
		t.Errorf("%d lines of the table name a test, %d have the form of a row", lines, len(rows))
	}
	tests := testsHere(t)
	described := map[string]bool{}
	for _, r := range rows {
		name, page := r[4], r[3]
		if described[name] {
			t.Errorf("%s has two rows", name)
		}
		described[name] = true
		if !tests[name] {
			t.Errorf("the row %q names %s, which is no test", r[1], name)
		}
		if !strings.HasPrefix(page, "https://docs.k3s.io/") && !strings.HasPrefix(page, "https://github.com/k3s-io/k3s/") {
			t.Errorf("%s quotes %s, which is not K3s's", name, page)
		}
	}
	for name := range tests {
		if !described[name] && !aboutOurselves[name] {
			t.Errorf("%s has no row", name)
		}
	}
}

func testsHere(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if function, is := declared.(*ast.FuncDecl); is && strings.HasPrefix(function.Name.Name, "Test") {
				tests[function.Name.Name] = true
			}
		}
	}
	return tests
}
