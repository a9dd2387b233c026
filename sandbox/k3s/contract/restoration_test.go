package contract

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const restored = "/var/lib/rancher/restored"

// restoredFile is the configuration of a new host: the server's ranges and name, an address and a folder of its own.
const restoredFile = `cluster-init: true
data-dir: /var/lib/rancher/restored
node-name: first
node-ip: 198.18.240.3
flannel-iface: wire0
cluster-cidr: 10.52.0.0/16
service-cidr: 10.53.0.0/16
cluster-dns: 10.53.0.10
secrets-encryption: true
disable: [coredns, metrics-server]
write-kubeconfig: /etc/rancher/restored-kubeconfig.yaml
etcd-snapshot-schedule-cron: "@every 1s"
etcd-snapshot-retention: 2
kubelet-arg: [fail-cgroupv1=false]
kube-proxy-arg: [conntrack-max-per-core=0, conntrack-min=0]
`

// restoration is what was seen while a snapshot of the server became another server on a host that had none.
type restoration struct {
	snapshot string

	withoutToken, wrongToken, reset, again, whileRunning outcome

	broken                         map[string]outcome
	flagAfterReset, flagAfterStart error
	moved                          []string

	maps      string // the ConfigMaps: one was older than the snapshot, one younger
	authority string
	rejected  bool // the node, for its password
	scheduled []string

	refusedRotations map[string]outcome
	rotation         outcome
	tokenFile        string
	oldTokenStart    outcome
	newTokenRestore  outcome
	oldTokenRestore  outcome
	plainReset       outcome
}

type outcome struct {
	said string
	code int
}

func (o outcome) failedWith(text string) bool { return o.code != 0 && strings.Contains(o.said, text) }

func (o outcome) String() string { return fmt.Sprintf("exit code %d: %s", o.code, tail(o.said)) }

// onRestored runs a K3s of the new host to its end.
func onRestored(token string, args ...string) outcome {
	said, code := visitor.once([]string{"K3S_CONFIG_FILE=/etc/rancher/restored.yaml", "K3S_TOKEN=" + token}, args...)
	return outcome{said, code}
}

func resetFrom(token, path string, args ...string) outcome {
	return onRestored(token, append([]string{"server", "--cluster-reset", "--cluster-reset-restore-path=" + path}, args...)...)
}

var restore = sync.OnceValues(func() (r restoration, err error) {
	if r.snapshot, err = prepareSnapshot(); err != nil {
		return r, err
	}
	local := "/etc/rancher/" + r.snapshot
	r.withoutToken = resetFrom("", local)
	if r.broken, err = tryBroken(local); err != nil {
		return r, err
	}
	r.wrongToken = resetFrom("other", local)
	r.moved, _ = filepath.Glob(visitor.path(restored + "/server/db/etcd-old-*"))
	flags := []string{}
	for _, flag := range toS3 {
		flags = append(flags, strings.Replace(flag, "--s3", "--etcd-s3", 1))
	}
	r.reset = resetFrom(password, r.snapshot, flags...)
	r.flagAfterReset = exists(visitor, restored+"/server/db/reset-flag")
	r.again = onRestored(password, "server", "--cluster-reset")
	if err := r.serve(); err != nil {
		return r, err
	}
	r.oldTokenStart = onRestored(password, "server")
	r.newTokenRestore = resetFrom("rotated", local)
	r.oldTokenRestore = resetFrom(password, local)
	if err := os.Remove(visitor.path(restored + "/server/db/reset-flag")); err != nil {
		return r, err
	}
	r.plainReset = onRestored(password, "server", "--cluster-reset", "--node-ip=198.18.240.4")
	return r, nil
})

// prepareSnapshot saves the server's state between two ConfigMaps, to S3 and to the new host's disk.
func prepareSnapshot() (name string, err error) {
	if err := startS3(); err != nil {
		return "", err
	}
	if err := visitor.write("/etc/rancher/restored.yaml", restoredFile); err != nil {
		return "", err
	}
	if _, err := server.run(binary, "kubectl", "create", "configmap", "before-the-snapshot"); err != nil {
		return "", err
	}
	names, err := saveSnapshot(append([]string{"--name=to-restore"}, toS3...)...)
	if err != nil {
		return "", err
	}
	if _, err := server.run(binary, "kubectl", "create", "configmap", "after-the-snapshot"); err != nil {
		return "", err
	}
	content, err := os.ReadFile(server.path(snapshots + names[0]))
	if err != nil {
		return "", err
	}
	return names[0], visitor.write("/etc/rancher/"+names[0], string(content))
}

func tryBroken(local string) (map[string]outcome, error) {
	content, err := os.ReadFile(visitor.path(local))
	if err != nil {
		return nil, err
	}
	flipped := append([]byte{}, content...)
	flipped[len(flipped)/2] ^= 1
	outcomes := map[string]outcome{}
	for kind, broken := range map[string][]byte{"empty": nil, "truncated": content[:len(content)/2+7], "flipped": flipped} {
		if err := visitor.write("/etc/rancher/"+kind, string(broken)); err != nil {
			return nil, err
		}
		outcomes[kind] = resetFrom(password, "/etc/rancher/"+kind)
	}
	return outcomes, nil
}

// serve starts the new server and rotates its token.
func (r *restoration) serve() error {
	k, err := visitor.start([]string{"K3S_CONFIG_FILE=/etc/rancher/restored.yaml", "K3S_TOKEN=" + password}, "server")
	if err != nil {
		return err
	}
	defer k.stop()
	if err := k.waitReady(time.Minute); err != nil {
		return err
	}
	r.flagAfterStart = exists(visitor, restored+"/server/db/reset-flag")
	r.whileRunning = resetFrom(password, "/etc/rancher/"+r.snapshot)
	if r.maps, err = visitor.run(binary, "kubectl", "--kubeconfig=/etc/rancher/restored-kubeconfig.yaml", "get", "configmaps", "-o", "name"); err != nil {
		return err
	}
	authority, err := os.ReadFile(visitor.path(restored + "/server/tls/server-ca.crt"))
	if err != nil {
		return err
	}
	r.authority = string(authority)
	_ = within(15*time.Second, func() error {
		r.scheduled, _ = filepath.Glob(visitor.path(restored + "/server/db/snapshots/etcd-snapshot-*"))
		if len(r.scheduled) == 0 {
			return errors.New("none yet")
		}
		return nil
	})
	r.rejected = strings.Contains(strings.ToLower(k.said()), "node password rejected")
	rotate := func(args ...string) outcome {
		said, code := visitor.once(nil, append([]string{"token", "rotate", "--data-dir=" + restored}, args...)...)
		return outcome{said, code}
	}
	r.refusedRotations = map[string]outcome{
		"not authorized": rotate("--token=other", "--new-token=rotated"),
		"token error ID": rotate("--new-token=abcdef.0123456789abcdef"),
	}
	r.rotation = rotate("--new-token=rotated")
	token, err := os.ReadFile(visitor.path(restored + "/server/token"))
	r.tokenFile = string(token)
	return err
}

func needRestoration(t *testing.T) restoration {
	t.Helper()
	r, err := restore()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
