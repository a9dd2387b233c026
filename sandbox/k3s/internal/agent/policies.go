package agent

import (
	"context"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"infra-k3s.invalid/sandbox/k3s/internal/netpol"
)

// startPolicies follows the cluster's NetworkPolicies in this process, as K3s does.
func (a *Agent) startPolicies(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", a.file("k3scontroller.kubeconfig"))
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	controller := &netpol.Controller{Node: a.name, Programs: filepath.Join(a.Programs, "aux"), API: api}
	if a.settings.DisableNPC {
		return controller.Remove(ctx)
	}
	go func() {
		if err := controller.Run(ctx); err != nil {
			a.Group.Fail(err)
		}
	}()
	return nil
}
