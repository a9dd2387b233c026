package agent

import (
	"io"
	"net"
	"sync"

	"github.com/sirupsen/logrus"
)

// balancer forwards 127.0.0.1:6444 to the servers, so that the node's components have one fixed address.
type balancer struct {
	mutex   sync.Mutex
	servers []string
}

func startBalancer(listen string, servers ...string) (*balancer, error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	b := &balancer{servers: servers}
	logrus.Infof("Running load balancer k3s-agent-load-balancer %s -> %v", listen, servers)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go b.forward(connection)
		}
	}()
	return b, nil
}

// set puts the servers that the cluster names before the one that the agent was started with.
func (b *balancer) set(servers []string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	known := map[string]bool{}
	var next []string
	for _, server := range append(servers, b.servers...) {
		if !known[server] {
			known[server] = true
			next = append(next, server)
		}
	}
	b.servers = next
}

func (b *balancer) forward(client net.Conn) {
	defer client.Close()
	b.mutex.Lock()
	servers := b.servers
	b.mutex.Unlock()
	for _, address := range servers {
		server, err := net.Dial("tcp", address)
		if err != nil {
			logrus.Debugf("Dial %s: %v", address, err)
			continue
		}
		defer server.Close()
		done := make(chan struct{}, 2)
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				done <- struct{}{}
			}()
		}
		<-done
		return
	}
}
