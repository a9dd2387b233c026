package server

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// labelNode says on the server's node what it is. The kubelet may not do so itself, and its node may not be there yet.
func (s *Server) labelNode(ctx context.Context, api kubernetes.Interface) {
	const roles = `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true","node-role.kubernetes.io/etcd":"true"}}}`
	for {
		_, err := api.CoreV1().Nodes().Patch(ctx, s.name, types.MergePatchType, []byte(roles), metav1.PatchOptions{})
		if err == nil {
			logrus.Infof("Labels have been set successfully on node: %s", s.name)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}
