package netpol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const (
	settle = 100 * time.Millisecond // changes come in bursts
	resync = time.Minute            // somebody else may have removed the table
)

// Controller keeps the node's table as the cluster's policies ask for.
type Controller struct {
	Node     string
	Programs string // folder that has nft
	API      kubernetes.Interface
}

// Run returns when it can't watch or the context ends. The table stays, so that a restart of K3s opens nothing.
func (c *Controller) Run(ctx context.Context) error {
	// Without it the kernel forwards between two pods of this node without asking any rule; K3s sets it, too.
	const bridged = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	if err := os.WriteFile(bridged, []byte("1"), 0o644); err != nil {
		logrus.Warnf("Network policies don't hold between pods of one node: %v", err)
	}
	factory := informers.NewSharedInformerFactory(c.API, 0)
	pods := factory.Core().V1().Pods()
	namespaces := factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	note := func(any) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		handler := cache.ResourceEventHandlerFuncs{AddFunc: note, UpdateFunc: func(_, after any) { note(after) }, DeleteFunc: note}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	logrus.Info("Starting network policy controller")
	applied := ""
	for ctx.Err() == nil {
		state := State{Node: c.Node}
		var faults [3]error
		state.Pods, faults[0] = pods.Lister().List(labels.Everything())
		state.Namespaces, faults[1] = namespaces.Lister().List(labels.Everything())
		state.Policies, faults[2] = policies.Lister().List(labels.Everything())
		if err := errors.Join(faults[:]...); err != nil {
			return err
		}
		if next := Ruleset(state); next != applied {
			if err := c.nft(ctx, next); err != nil {
				logrus.Errorf("Failed to apply the network policies: %v", err)
				applied = ""
			} else {
				applied = next
			}
		}
		select {
		case <-ctx.Done():
		case <-changed:
			time.Sleep(settle)
		case <-time.After(resync):
			applied = ""
		}
	}
	return nil
}

// Remove leaves no table: for --disable-network-policy on a node that had it enabled.
func (c *Controller) Remove(ctx context.Context) error {
	return c.nft(ctx, fmt.Sprintf("table ip %[1]s\ndelete table ip %[1]s\n", Table))
}

func (c *Controller) nft(ctx context.Context, input string) error {
	command := exec.CommandContext(ctx, filepath.Join(c.Programs, "nft"), "-f", "-")
	command.Stdin = bytes.NewBufferString(input)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}
