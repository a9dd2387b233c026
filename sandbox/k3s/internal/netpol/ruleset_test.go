package netpol

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Every testdata/NAME.yaml is a cluster seen from node-1, and NAME.nft what its rules have to be. GOLDEN=update
// writes them anew and fails once, so that they are read.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".yaml"), func(t *testing.T) {
			got := Ruleset(load(t, input))
			golden := strings.TrimSuffix(input, ".yaml") + ".nft"
			if os.Getenv("GOLDEN") == "update" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				t.Error("written anew: read it")
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("%v\n%s", err, got)
			}
			if nft, err := exec.LookPath("nft"); err == nil && os.Geteuid() == 0 {
				check := exec.Command(nft, "--check", "--file", "-")
				check.Stdin = strings.NewReader(got)
				if output, err := check.CombinedOutput(); err != nil {
					t.Errorf("nft refuses it: %v\n%s", err, output)
				}
			}
		})
	}
}

func TestTheOrderOfWhatIsListedChangesNothing(t *testing.T) {
	state := load(t, "testdata/rules.yaml")
	reversed := State{Node: state.Node, Namespaces: state.Namespaces}
	for _, pod := range state.Pods {
		reversed.Pods = append([]*corev1.Pod{pod}, reversed.Pods...)
	}
	for _, policy := range state.Policies {
		reversed.Policies = append([]*networkingv1.NetworkPolicy{policy}, reversed.Policies...)
	}
	if Ruleset(state) != Ruleset(reversed) {
		t.Fatal("the rules differ")
	}
}

func load(t *testing.T, file string) State {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	state := State{Node: "node-1"}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		kind := metav1.TypeMeta{}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatal(err)
		}
		switch kind.Kind {
		case "Namespace":
			state.Namespaces = append(state.Namespaces, parse[corev1.Namespace](t, document))
		case "Pod":
			state.Pods = append(state.Pods, parse[corev1.Pod](t, document))
		case "NetworkPolicy":
			state.Policies = append(state.Policies, parse[networkingv1.NetworkPolicy](t, document))
		default:
			t.Fatalf("%s: kind %q", file, kind.Kind)
		}
	}
	return state
}

func parse[T any](t *testing.T, document string) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	return object
}
