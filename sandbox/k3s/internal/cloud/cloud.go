// Package cloud is the small part of K3s's embedded cloud controller that nodes need: addresses from the
// annotations their agents set, a provider id, and the end of the "uninitialized" taint.
package cloud

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/nodepassword"
)

const uninitialized = "node.cloudprovider.kubernetes.io/uninitialized"

// Run follows the nodes until the context ends.
func Run(ctx context.Context, api kubernetes.Interface) {
	reconcile := func(object any) {
		if node, isNode := object.(*corev1.Node); isNode {
			if err := initialize(ctx, api, node); err != nil {
				logrus.Debugf("node %s: %v", node.Name, err)
			}
		}
	}
	follow(ctx, api, cache.ResourceEventHandlerFuncs{
		AddFunc:    reconcile,
		UpdateFunc: func(_, object any) { reconcile(object) },
		DeleteFunc: func(object any) { forget(ctx, api, object) },
	})
}

// ForgetPasswords only drops the passwords of deleted nodes.
func ForgetPasswords(ctx context.Context, api kubernetes.Interface) {
	follow(ctx, api, cache.ResourceEventHandlerFuncs{DeleteFunc: func(object any) { forget(ctx, api, object) }})
}

func follow(ctx context.Context, api kubernetes.Interface, handler cache.ResourceEventHandler) {
	// The resync repeats what failed.
	nodes := informers.NewSharedInformerFactory(api, 10*time.Second).Core().V1().Nodes().Informer()
	if _, err := nodes.AddEventHandler(handler); err != nil {
		logrus.Errorf("node controller: %v", err)
		return
	}
	nodes.Run(ctx.Done())
}

// forget drops a deleted node's password, so that a new machine may take the name.
func forget(ctx context.Context, api kubernetes.Interface, object any) {
	if gone, isTombstone := object.(cache.DeletedFinalStateUnknown); isTombstone {
		object = gone.Obj
	}
	if node, isNode := object.(*corev1.Node); isNode {
		err := api.CoreV1().Secrets("kube-system").Delete(ctx, nodepassword.SecretName(node.Name), metav1.DeleteOptions{})
		logrus.Infof("Deleted the password of node %s: %v", node.Name, err)
	}
}

func initialize(ctx context.Context, api kubernetes.Interface, node *corev1.Node) error {
	want := addresses(node)
	if want == nil {
		return nil
	}
	if !reflect.DeepEqual(node.Status.Addresses, want) {
		changed := node.DeepCopy()
		changed.Status.Addresses = want
		if _, err := api.CoreV1().Nodes().UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
			return err
		}
		return nil // the update's event brings us back
	}
	return finish(ctx, api, node)
}

func finish(ctx context.Context, api kubernetes.Interface, node *corev1.Node) error {
	taints := []corev1.Taint{}
	for _, taint := range node.Spec.Taints {
		if taint.Key != uninitialized {
			taints = append(taints, taint)
		}
	}
	provider := "k3s://" + node.Name
	labels := map[string]string{"node.kubernetes.io/instance-type": "k3s"}
	if node.Spec.ProviderID == provider && len(taints) == len(node.Spec.Taints) && node.Labels["node.kubernetes.io/instance-type"] == "k3s" {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"labels": labels, "resourceVersion": node.ResourceVersion},
		"spec":     map[string]any{"providerID": provider, "taints": taints},
	})
	if err != nil {
		return err
	}
	_, err = api.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// addresses reads the annotations; nil before the agent has set them.
func addresses(node *corev1.Node) []corev1.NodeAddress {
	internal := node.Annotations[cluster.InternalIPAnnotation]
	if internal == "" {
		return nil
	}
	var list []corev1.NodeAddress
	for address := range strings.SplitSeq(internal, ",") {
		list = append(list, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
	}
	if external := node.Annotations[cluster.ExternalIPAnnotation]; external != "" {
		for address := range strings.SplitSeq(external, ",") {
			list = append(list, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: address})
		}
	}
	return append(list, corev1.NodeAddress{Type: corev1.NodeHostName, Address: node.Annotations[cluster.HostnameAnnotation]})
}
