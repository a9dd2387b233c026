package agent

import (
	"fmt"
	"net"
	"os"
	"strings"

	"infra-k3s.invalid/sandbox/k3s/internal/flags"
)

// NodeName is --node-name, or the host's name in lower case.
func NodeName(values *flags.Values) (string, error) {
	if name := values.String("node-name"); name != "" {
		return strings.ToLower(name), nil
	}
	name, err := os.Hostname()
	return strings.ToLower(strings.TrimSpace(name)), err
}

// NodeIPs are --node-ip, or the address of the interface with the default route.
func NodeIPs(values *flags.Values) ([]string, error) {
	given := values.Strings("node-ip")
	for _, text := range given {
		address := net.ParseIP(text)
		if address == nil {
			return nil, fmt.Errorf("invalid node-ip: invalid ip format '%s'", text)
		}
		if address.To4() == nil {
			return nil, flags.NotAnswered{What: "--node-ip with an IPv6 address"}
		}
	}
	if len(given) > 0 {
		return given, nil
	}
	// No packet is sent: connecting a datagram socket only asks the routing table.
	connection, err := net.Dial("udp4", "192.88.99.1:9")
	if err != nil {
		return nil, fmt.Errorf("no --node-ip, and no default route to take an address from: %w", err)
	}
	defer connection.Close()
	return []string{connection.LocalAddr().(*net.UDPAddr).IP.String()}, nil
}

// cgroupDriver follows the host: cgroup v1, or v2 without systemd in charge of us, means cgroupfs.
func cgroupDriver() string {
	if cgroupV1() || os.Getenv("INVOCATION_ID") == "" {
		return "cgroupfs"
	}
	return "systemd"
}

func cgroupV1() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	return err != nil
}

// networkOf turns an interface address such as 10.42.1.1/24 into its network.
func networkOf(address string) (string, error) {
	_, network, err := net.ParseCIDR(address)
	if err != nil {
		return "", err
	}
	return network.String(), nil
}
