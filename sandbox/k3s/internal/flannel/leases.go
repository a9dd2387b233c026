package flannel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/flannel-io/flannel/pkg/lease"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/vishvananda/netlink"
)

const device = "flannel.1"

// followLeases programs a route, an ARP entry and a forwarding entry for every other node. flannel's own
// loop would also recreate a lost VXLAN device; K3s versions differ in that, so the stand-in does not, and
// what must work after an interface was recreated has to be done by whoever runs the host.
func followLeases(ctx context.Context, manager subnet.Manager, own *lease.Lease) error {
	events := make(chan []lease.Event)
	go subnet.WatchLeases(ctx, manager, own, events)
	for {
		select {
		case <-ctx.Done():
			return nil
		case batch, open := <-events:
			if !open {
				return errors.New("the watch of the nodes' subnets ended")
			}
			for _, event := range batch {
				if err := apply(event); err != nil {
					fmt.Fprintf(os.Stderr, "subnet %s: %v\n", event.Lease.Subnet, err)
				}
			}
		}
	}
}

func apply(event lease.Event) error {
	other := event.Lease
	if !other.EnableIPv4 || other.Attrs.BackendType != "vxlan" {
		return nil
	}
	var data struct{ VtepMAC string }
	if err := json.Unmarshal(other.Attrs.BackendData, &data); err != nil {
		return err
	}
	mac, err := net.ParseMAC(data.VtepMAC)
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	index := link.Attrs().Index
	gateway := other.Subnet.IP.ToIP()
	arp := &netlink.Neigh{LinkIndex: index, State: netlink.NUD_PERMANENT, Type: syscall.RTN_UNICAST, IP: gateway, HardwareAddr: mac}
	forward := &netlink.Neigh{
		LinkIndex: index, State: netlink.NUD_PERMANENT, Family: syscall.AF_BRIDGE, Flags: netlink.NTF_SELF,
		IP: other.Attrs.PublicIP.ToIP(), HardwareAddr: mac,
	}
	route := &netlink.Route{
		LinkIndex: index, Scope: netlink.SCOPE_UNIVERSE, Dst: other.Subnet.ToIPNet(), Gw: gateway,
		Flags: int(netlink.FLAG_ONLINK),
	}
	if event.Type == lease.EventRemoved {
		return errors.Join(netlink.RouteDel(route), netlink.NeighDel(arp), netlink.NeighDel(forward))
	}
	return errors.Join(netlink.NeighSet(arp), netlink.NeighSet(forward), netlink.RouteReplace(route))
}
