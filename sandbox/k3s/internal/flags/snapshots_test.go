package flags

import (
	"slices"
	"testing"
	"time"
)

func nothing(string) string { return "" }

func TestSnapshotFlagsHaveShortNames(t *testing.T) {
	args := []string{"--s3", "--s3-bucket=b", "save", "--dir", "/x", "--snapshot-retention=3", "--etcd-s3-timeout=90s", "one", "--two"}
	before, after, err := Split(Snapshots, args)
	if err != nil || !slices.Equal(before, args[:2]) || !slices.Equal(after, args[2:]) {
		t.Fatalf("%v | %v, %v", before, after, err)
	}
	values, err := Parse(Snapshots, nothing, []string{"--etcd-s3-bucket=of-the-file", "--etcd-s3-region=auto"}, before, after[1:])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"etcd-s3-bucket": "b", "etcd-s3-region": "auto", "etcd-snapshot-dir": "/x", "name": "on-demand", "etcd-s3-endpoint": "s3.amazonaws.com",
	} {
		if got := values.String(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !values.Bool("etcd-s3") || values.Int("etcd-snapshot-retention") != 3 || values.Duration("etcd-s3-timeout") != 90*time.Second {
		t.Errorf("%+v", values)
	}
	if rest := values.Rest(); !slices.Equal(rest, []string{"one", "--two"}) {
		t.Errorf("the rest is %v", rest)
	}
}

func TestTheServerHasNoShortNames(t *testing.T) {
	for _, flag := range []string{"--s3", "--dir=/x", "--name=x"} {
		if _, err := Parse(Server, nothing, nil, []string{flag}); err == nil {
			t.Errorf("%s is taken", flag)
		}
	}
	if Known(Server, "s3") || !Known(Snapshots, "s3") || !Known(Server, "etcd-s3") || Known(Snapshots, "tls-san") {
		t.Error("a flag is known to the wrong verb")
	}
}

func TestATimeSpanIsChecked(t *testing.T) {
	if _, err := Parse(Server, nothing, nil, []string{"--etcd-s3-timeout=soon"}); err == nil {
		t.Error("accepted")
	}
}
