package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/flannel"
)

// startNetwork tells the server the node's addresses, waits for its pod range, and runs flannel.
func (a *Agent) startNetwork(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", a.file("kubelet.kubeconfig"))
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := a.annotate(ctx, api); err != nil {
		return err
	}
	if err := a.waitForRange(ctx, api); err != nil {
		return err
	}
	conf := a.file("etc/flannel/net-conf.json")
	text := fmt.Sprintf("{\n  \"Network\": %q,\n  \"EnableIPv6\": false,\n  \"EnableIPv4\": true,\n  \"Backend\": {\"Type\": \"vxlan\"}\n}\n", a.settings.ClusterIPRange)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return err
	}
	_ = os.Remove(flannel.SubnetFile)
	args := map[string]string{
		"kubeconfig": a.file("k3scontroller.kubeconfig"), "conf": conf,
		"iface": a.Flags.String("flannel-iface"), "node": a.name,
	}
	if err := a.component("flannel", args, nil); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(flannel.SubnetFile); err == nil {
			return a.writeCNI()
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func (a *Agent) annotate(ctx context.Context, api kubernetes.Interface) error {
	annotations := map[string]any{
		cluster.InternalIPAnnotation: strings.Join(a.nodeIPs, ","),
		cluster.HostnameAnnotation:   a.name,
		cluster.ExternalIPAnnotation: nil,
	}
	if external := a.Flags.Strings("node-external-ip"); len(external) > 0 {
		annotations[cluster.ExternalIPAnnotation] = strings.Join(external, ",")
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return err
	}
	for {
		_, err := api.CoreV1().Nodes().Patch(ctx, a.name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err == nil {
			logrus.Infof("Annotations and labels have been set successfully on node: %s", a.name)
			return nil
		}
		logrus.Debugf("Failed to set annotations and labels on node %s: %v", a.name, err)
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func (a *Agent) waitForRange(ctx context.Context, api kubernetes.Interface) error {
	for {
		var node *corev1.Node
		node, err := api.CoreV1().Nodes().Get(ctx, a.name, metav1.GetOptions{})
		if err == nil && node.Spec.PodCIDR != "" {
			return nil
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return fmt.Errorf("the node got no pod range: %w", err)
		}
	}
}

// writeCNI writes the bridge that flannel's own CNI plugin would delegate to.
func (a *Agent) writeCNI() error {
	env, err := readEnv(flannel.SubnetFile)
	if err != nil {
		return err
	}
	mtu, err := strconv.Atoi(env["FLANNEL_MTU"])
	if err != nil {
		return fmt.Errorf("%s: FLANNEL_MTU: %w", flannel.SubnetFile, err)
	}
	prefix, err := networkOf(env["FLANNEL_SUBNET"])
	if err != nil {
		return err
	}
	list := map[string]any{
		"name": "cbr0", "cniVersion": "1.0.0",
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": "cni0", "hairpinMode": true, "forceAddress": true,
				"isGateway": true, "isDefaultGateway": true, "ipMasq": false, "mtu": mtu,
				"ipam": map[string]any{
					"type": "host-local", "ranges": [][]any{{map[string]any{"subnet": prefix}}},
					"routes": []any{map[string]any{"dst": a.settings.ClusterIPRange}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
			map[string]any{"type": "bandwidth", "capabilities": map[string]any{"bandwidth": true}},
		},
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.dataDir, "agent/etc/cni/net.d/10-flannel.conflist"), text, 0o644)
}

func readEnv(name string) (map[string]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	values := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, found := strings.Cut(lines.Text(), "="); found {
			values[key] = value
		}
	}
	return values, nil
}
