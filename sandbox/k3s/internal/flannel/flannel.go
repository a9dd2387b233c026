// Package flannel runs flannel's VXLAN backend over the node's interface, as a child process of k3s.
package flannel

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan" // registers the backend
	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
)

// SubnetFile is where flannel tells the node's subnet and MTU.
const SubnetFile = "/run/flannel/subnet.env"

const resyncSeconds = 60

// Main is the child process: --kubeconfig, --conf, --iface and --node.
func Main(args []string) int {
	flags := flag.NewFlagSet("flannel", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the node")
	conf := flags.String("conf", "", "flannel's net-conf.json")
	iface := flags.String("iface", "", "interface that carries the packets")
	node := flags.String("node", "", "name of the node")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// flannel takes the node's name from the environment only.
	_ = os.Setenv("NODE_NAME", *node)
	if err := run(ctx, *kubeconfig, *conf, *iface); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "flannel exited:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, kubeconfig, conf, ifaceName string) error {
	external, err := externalInterface(ifaceName)
	if err != nil {
		return err
	}
	manager, err := kube.NewSubnetManager(ctx, "", kubeconfig, "flannel.alpha.coreos.com", conf, false)
	if err != nil {
		return err
	}
	config, err := manager.GetNetworkConfig(ctx)
	if err != nil {
		return err
	}
	vxlan, err := backend.NewManager(ctx, manager, external).GetBackend(config.BackendType)
	if err != nil {
		return err
	}
	network, err := vxlan.RegisterNetwork(ctx, &sync.WaitGroup{}, config)
	if err != nil {
		return err
	}
	traffic := &iptables.IPTablesManager{}
	if err := traffic.Init(ctx); err != nil {
		return err
	}
	lease := network.Lease()
	err = traffic.SetupAndEnsureMasqRules(ctx, config.Network, ip.IP4Net{}, ip.IP4Net{}, ip.IP6Net{}, ip.IP6Net{}, ip.IP6Net{}, lease, resyncSeconds, false)
	if err != nil {
		return err
	}
	traffic.SetupAndEnsureForwardRules(ctx, config.Network, ip.IP6Net{}, resyncSeconds)
	if err := os.MkdirAll("/run/flannel", 0o755); err != nil {
		return err
	}
	err = manager.HandleSubnetFile(SubnetFile, config, true, lease.Subnet, ip.IP6Net{}, network.MTU())
	if err != nil {
		return err
	}
	return followLeases(ctx, manager, lease)
}

// externalInterface takes the named interface, or the one with the default route.
func externalInterface(name string) (*backend.ExternalInterface, error) {
	var iface *net.Interface
	var err error
	if name == "" {
		iface, err = ip.GetDefaultGatewayInterface()
	} else {
		iface, err = net.InterfaceByName(name)
	}
	if err != nil {
		return nil, fmt.Errorf("unable to find interface %s: %w", name, err)
	}
	addresses, err := ip.GetInterfaceIP4Addrs(iface)
	if err != nil || len(addresses) == 0 {
		return nil, fmt.Errorf("failed to find IPv4 address for interface %s", iface.Name)
	}
	return &backend.ExternalInterface{
		Iface: iface, IfaceName: iface.Name, IfaceAddr: addresses[0], ExtAddr: addresses[0],
	}, nil
}
