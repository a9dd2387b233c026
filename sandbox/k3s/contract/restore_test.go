package contract

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRestoreOnANewHost(t *testing.T) {
	r := needRestoration(t)
	if r.reset.code != 0 || !strings.Contains(r.reset.said, "Managed etcd cluster membership has been reset, restart without --cluster-reset flag now") {
		t.Fatal(r.reset)
	}
	if !strings.Contains(r.maps, "/before-the-snapshot") || strings.Contains(r.maps, "/after-the-snapshot") {
		t.Errorf("the ConfigMaps are not those of the snapshot's time:\n%s", r.maps)
	}
	if r.rejected {
		t.Error("the new host's node may not have its name, because of the old one's password")
	}
}

func TestRestoreFromS3(t *testing.T) {
	r := needRestoration(t)
	if !strings.Contains(r.reset.said, "S3 download complete for "+restored+"/server/db/snapshots/"+r.snapshot) {
		t.Error(r.reset)
	}
}

func TestRestoreNeedsTheToken(t *testing.T) {
	r := needRestoration(t)
	if !r.withoutToken.failedWith("server/token does not exist, please pass --token to complete the restoration") {
		t.Errorf("without one: %v", r.withoutToken)
	}
	if !r.wrongToken.failedWith("bootstrap data already found and encrypted with different token") {
		t.Errorf("with another one: %v", r.wrongToken)
	}
	if r.authority != server.read(t, dataDir+"/server/tls/server-ca.crt") {
		t.Error("with the right one: the authority is another one")
	}
}

func TestBrokenSnapshotsAreRefused(t *testing.T) {
	r := needRestoration(t)
	for kind, text := range map[string]string{
		"empty": "start managed database: ", "truncated": "snapshot missing hash but --skip-hash-check=false", "flipped": "expected sha256 [",
	} {
		if !r.broken[kind].failedWith(text) {
			t.Errorf("%s: %v", kind, r.broken[kind])
		}
	}
}

func TestRestoreMovesTheDatabaseAway(t *testing.T) {
	r := needRestoration(t)
	if len(r.moved) == 0 || !strings.Contains(r.reset.said, "Pre-restore etcd database moved to "+restored+"/server/db/etcd-old-") {
		t.Errorf("%v: %v", r.moved, r.reset)
	}
}

func TestResetFlag(t *testing.T) {
	r := needRestoration(t)
	if r.flagAfterReset != nil {
		t.Errorf("after the reset: %v", r.flagAfterReset)
	}
	if !r.again.failedWith("Managed etcd cluster membership was previously reset, please remove the cluster-reset flag and start k3s normally") {
		t.Errorf("another reset: %v", r.again)
	}
	if r.flagAfterStart == nil {
		t.Error("it is still there after a start")
	}
}

// By then the server has another address. That etcd knows it is in no document of K3s's but in its source.
func TestResetWithoutASnapshot(t *testing.T) {
	r := needRestoration(t)
	if r.plainReset.code != 0 || !strings.Contains(r.plainReset.said, "Managed etcd cluster membership has been reset") || strings.Contains(r.plainReset.said, "etcd-old") {
		t.Error(r.plainReset)
	}
	if strings.Contains(r.plainReset.said, ".standin") && !strings.Contains(r.plainReset.said, "to https://198.18.240.4:2380") {
		t.Errorf("its member has the old address: %v", r.plainReset)
	}
}

// K3s's documentation has the service stopped first, and says no word of what happens else.
func TestStandInResetsNoRunningServer(t *testing.T) {
	if said, _ := visitor.once(nil, "--version"); !strings.Contains(said, ".standin") {
		t.Log("it is for the stand-in alone")
		return
	}
	if r := needRestoration(t); !r.whileRunning.failedWith("address already in use") || strings.Contains(r.whileRunning.said, "etcd-old") {
		t.Error(r.whileRunning)
	}
}

func TestScheduledSnapshots(t *testing.T) {
	r := needRestoration(t)
	if len(r.scheduled) == 0 || !regexp.MustCompile(`^etcd-snapshot-first-\d{10}`).MatchString(filepath.Base(r.scheduled[0])) {
		t.Errorf("found %v", r.scheduled)
	}
}

func TestTokenRotate(t *testing.T) {
	r := needRestoration(t)
	for _, text := range []string{"Recommended to keep a record of the old token", "Token rotated, restart k3s nodes with new token"} {
		if r.rotation.code != 0 || !strings.Contains(r.rotation.said, text) {
			t.Errorf("no %q: %v", text, r.rotation)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(r.tokenFile), "::server:rotated") {
		t.Errorf("the token's file says %s", r.tokenFile)
	}
	for text, refused := range r.refusedRotations {
		if !refused.failedWith(text) {
			t.Errorf("%v, want %s", refused, text)
		}
	}
	if !r.oldTokenStart.failedWith("bootstrap data already found and encrypted with different token") {
		t.Errorf("a start with the old one: %v", r.oldTokenStart)
	}
}

func TestOldSnapshotsNeedTheOldToken(t *testing.T) {
	r := needRestoration(t)
	if !r.newTokenRestore.failedWith("bootstrap data already found and encrypted with different token") {
		t.Errorf("with the new one: %v", r.newTokenRestore)
	}
	if r.oldTokenRestore.code != 0 {
		t.Errorf("with the old one: %v", r.oldTokenRestore)
	}
}
