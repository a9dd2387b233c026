package contract

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	packaged    = dataDir + "/server/manifests/rolebindings.yaml"
	adminConfig = "/etc/rancher/k3s/k3s.yaml"
	adminCert   = dataDir + "/server/tls/client-admin"
)

// firstStart is a server on the third node that is told next to nothing, and seconds later is no more.
var firstStart = sync.OnceValue(func() error {
	err := visitor.write("/etc/rancher/plain.yaml", "cluster-init: true\nnode-ip: 198.18.240.3\nkubelet-arg: [fail-cgroupv1=false]\n")
	if err != nil {
		return err
	}
	return serveBriefly("K3S_CONFIG_FILE=/etc/rancher/plain.yaml")
})

type remains struct {
	token, packaged string
	mode            os.FileMode
	owner           uint32
	renewable       *x509.Certificate
}

// secondStart starts the same server again, after its files were meddled with and its configuration has become
// another one. It returns what the first start had left.
var secondStart = sync.OnceValues(func() (left remains, err error) {
	if err := firstStart(); err != nil {
		return left, err
	}
	for name, into := range map[string]*string{dataDir + "/server/token": &left.token, packaged: &left.packaged} {
		text, err := os.ReadFile(visitor.path(name))
		if err != nil {
			return left, err
		}
		*into = string(text)
	}
	info, err := os.Stat(visitor.path(adminConfig))
	if err != nil {
		return left, err
	}
	left.mode, left.owner = info.Mode().Perm(), info.Sys().(*syscall.Stat_t).Uid
	if left.renewable, err = shorten(adminCert, dataDir+"/server/tls/client-ca", 110*24*time.Hour); err != nil {
		return left, err
	}
	for name, text := range map[string]string{
		packaged:                  left.packaged + "# meddled with\n",
		"/etc/rancher/plain.yaml": "server: https://198.18.240.77:6443\nnode-ip: 198.18.240.3\nkubelet-arg: [fail-cgroupv1=false]\n",
	} {
		if err := visitor.write(name, text); err != nil {
			return left, err
		}
	}
	return left, serveBriefly("K3S_CONFIG_FILE=/etc/rancher/plain.yaml", "K3S_KUBECONFIG_MODE=644")
})

// serveBriefly ends as soon as the API answers and the packaged manifests are written.
func serveBriefly(env ...string) error {
	k, err := visitor.start(env, "server")
	if err != nil {
		return err
	}
	defer k.stop()
	if err := k.waitReady(time.Minute); err != nil {
		return err
	}
	return within(20*time.Second, func() error {
		text, err := os.ReadFile(visitor.path(packaged))
		if err == nil && strings.Contains(string(text), "meddled") {
			return fmt.Errorf("%s is not written anew", packaged)
		}
		return err
	})
}

// shorten replaces a certificate by one of the same authority, key and content that ends sooner.
func shorten(name, authority string, left time.Duration) (*x509.Certificate, error) {
	ca, err := certificate(authority + ".crt")
	if err != nil {
		return nil, err
	}
	caKey, err := key(authority + ".key")
	if err != nil {
		return nil, err
	}
	old, err := certificate(name + ".crt")
	if err != nil {
		return nil, err
	}
	next := *old
	next.NotAfter = time.Now().Add(left)
	der, err := x509.CreateCertificate(rand.Reader, &next, ca, old.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	chain := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})...)
	if err := os.WriteFile(visitor.path(name+".crt"), chain, 0o644); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func certificate(name string) (*x509.Certificate, error) {
	text, err := os.ReadFile(visitor.path(name))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", name)
	}
	return x509.ParseCertificate(block.Bytes)
}

func key(name string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(visitor.path(name))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", name)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func needSecondStart(t *testing.T) remains {
	t.Helper()
	left, err := secondStart()
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestTokenIsMade(t *testing.T) {
	left := needSecondStart(t)
	if !regexp.MustCompile(`^K10[0-9a-f]{64}::server:[0-9a-zA-Z]{16,}\n?$`).MatchString(left.token) {
		t.Errorf("not a token of a random password: %d characters", len(left.token))
	}
}

func TestKubeconfigDefault(t *testing.T) {
	if left := needSecondStart(t); left.mode != 0o600 || left.owner != 0 {
		t.Errorf("mode %o of user %d, want 600 of root", left.mode, left.owner)
	}
}

func TestConfigFileByEnvironment(t *testing.T) {
	needSecondStart(t) // nothing else would have told the first start to use etcd
	if err := exists(visitor, dataDir+"/server/db/etcd"); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentConfigures(t *testing.T) {
	needSecondStart(t)
	if mode := modeOf(t, visitor, adminConfig); mode != 0o644 {
		t.Errorf("mode %o, want K3S_KUBECONFIG_MODE's", mode)
	}
}

func TestDatastoreArgumentsAreIgnoredLater(t *testing.T) {
	left := needSecondStart(t) // it would not have got ready by joining 198.18.240.77
	if token := visitor.read(t, dataDir+"/server/token"); token != left.token {
		t.Error("another cluster came of it: the token has changed")
	}
}

func TestPackagedManifestsAreRewritten(t *testing.T) {
	left := needSecondStart(t)
	if text := visitor.read(t, packaged); text != left.packaged {
		t.Errorf("%s is\n%s", packaged, tail(text))
	}
}

func TestCertificatesAreRenewed(t *testing.T) {
	left := needSecondStart(t)
	now, err := certificate(adminCert + ".crt")
	if err != nil {
		t.Fatal(err)
	}
	if days := time.Until(now.NotAfter).Hours() / 24; days < 360 {
		t.Errorf("%.0f days are left: it was not renewed with 110 left", days)
	}
	if !now.PublicKey.(*ecdsa.PublicKey).Equal(left.renewable.PublicKey) {
		t.Error("the key is another one")
	}
}

func TestCertificatesLast(t *testing.T) {
	needSecondStart(t)
	for name, years := range map[string]float64{"server-ca": 10, "client-ca": 10, "etcd/server-ca": 10, "client-admin": 1, "client-controller": 1, "client-scheduler": 1} {
		c, err := certificate(dataDir + "/server/tls/" + name + ".crt")
		if err != nil {
			t.Error(err)
			continue
		}
		if days := time.Until(c.NotAfter).Hours() / 24; days < years*365-2 || days > years*365+4 {
			t.Errorf("%s is valid for %.1f more days, want %.0f years", name, days, years)
		}
	}
}

func TestPackagedComponents(t *testing.T) {
	needSecondStart(t)
	for _, part := range []string{"coredns", "metrics-server"} {
		if err := exists(visitor, manifests+part+".yaml"); err != nil {
			t.Error(err)
		}
	}
}

// It comes after the tests of what the second start has left: it takes those files away.
func TestAuthoritiesComeFromTheDatastore(t *testing.T) {
	left := needSecondStart(t)
	_, secret, _ := strings.Cut(strings.TrimSpace(left.token), "::server:")
	authorities := []string{"server-ca.crt", "client-ca.key", "etcd/peer-ca.crt", "service.key"}
	before := map[string]string{}
	for _, name := range authorities {
		before[name] = visitor.read(t, dataDir+"/server/tls/"+name)
	}
	for _, name := range []string{"tls", "cred", "token", "node-token", "agent-token"} {
		if err := os.RemoveAll(visitor.path(dataDir + "/server/" + name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := serveBriefly("K3S_CONFIG_FILE=/etc/rancher/plain.yaml", "K3S_TOKEN="+secret); err != nil {
		t.Fatal(err)
	}
	for _, name := range authorities {
		if visitor.read(t, dataDir+"/server/tls/"+name) != before[name] {
			t.Errorf("%s is another one", name)
		}
	}
}
