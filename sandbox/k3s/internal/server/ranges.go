package server

import (
	"errors"
	"fmt"
	"net"

	"infra-k3s.invalid/sandbox/k3s/internal/flags"
)

func (s *Server) ranges() error {
	var err error
	if s.clusterCIDR, err = one(s.Flags, "cluster-cidr", "10.42.0.0/16"); err != nil {
		return err
	}
	if s.serviceCIDR, err = one(s.Flags, "service-cidr", "10.43.0.0/16"); err != nil {
		return err
	}
	s.clusterDNS = s.Flags.Strings("cluster-dns")
	if len(s.clusterDNS) == 0 {
		address, err := nth(s.serviceCIDR, 10)
		if err != nil {
			return err
		}
		s.clusterDNS = []string{address}
	}
	return nil
}

func one(values *flags.Values, name, fallback string) (string, error) {
	given := values.Strings(name)
	if len(given) == 0 {
		return fallback, nil
	}
	if len(given) > 1 {
		return "", flags.NotAnswered{What: "--" + name + " with two ranges (dual stack)"}
	}
	if _, network, err := net.ParseCIDR(given[0]); err != nil {
		return "", fmt.Errorf("invalid %s %s: %w", name, given[0], err)
	} else if network.IP.To4() == nil {
		return "", flags.NotAnswered{What: "--" + name + " with an IPv6 range"}
	}
	return given[0], nil
}

// nth is an address of a range: the first for the kubernetes Service, the tenth for DNS.
func nth(cidr string, n byte) (string, error) {
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return "", err
	}
	address := network.IP.To4()
	if address == nil {
		return "", errors.New(cidr + " is not an IPv4 range")
	}
	return net.IPv4(address[0], address[1], address[2], address[3]+n).String(), nil
}
