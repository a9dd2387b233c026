// Command scan looks at hosts from outside, as a stranger would.
//
//	scan tcp ADDRESS...             a SYN to every port of each; prints `ADDRESS PORT` for each that answers with SYN-ACK
//	scan udp ADDRESS PORT...        a datagram to each port; prints `ADDRESS PORT` for each that answers, be it "unreachable"
//	scan vxlan ADDRESS MAC COUNT    sends valid VXLAN frames (VNI 1) for the device with that MAC
//
// Root, for raw sockets: waiting for 65535 connections that nobody refuses would take minutes.
package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	ports = 65535
	// Twice, because a burst may overflow a queue on the way.
	rounds = 2
	burst  = 500
	pause  = 10 * time.Millisecond
	// How long the last answers may take.
	patience = 2 * time.Second
	from     = 40000
)

func main() {
	args := os.Args[1:]
	switch {
	case len(args) >= 2 && args[0] == "tcp":
		var all sync.WaitGroup
		for _, address := range args[1:] {
			all.Go(func() { scanTCP(address) })
		}
		all.Wait()
	case len(args) >= 3 && args[0] == "udp":
		scanUDP(args[1], args[2:])
	case len(args) == 4 && args[0] == "vxlan":
		sendVXLAN(args[1], args[2], args[3])
	default:
		fmt.Fprintln(os.Stderr, "usage: scan tcp ADDRESS... | udp ADDRESS PORT... | vxlan ADDRESS MAC COUNT")
		os.Exit(64)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// own is the address that packets to the target leave from.
func own(target net.IP) net.IP {
	c, err := net.Dial("udp", net.JoinHostPort(target.String(), "9"))
	check(err)
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP
}

func scanTCP(address string) {
	target := net.ParseIP(address)
	network := "ip4:tcp"
	if target.To4() == nil {
		network = "ip6:tcp"
	}
	source := own(target)
	c, err := net.ListenIP(network, &net.IPAddr{IP: source})
	check(err)
	check(c.SetReadBuffer(8 << 20))
	open := make(chan map[uint16]bool)
	go collect(c, target, open)
	for range rounds {
		for port := 1; port <= ports; port++ {
			_, err := c.WriteToIP(syn(source, target, uint16(port)), &net.IPAddr{IP: target})
			check(err)
			if port%burst == 0 {
				time.Sleep(pause)
			}
		}
	}
	check(c.SetReadDeadline(time.Now().Add(patience)))
	for _, port := range slices.Sorted(maps.Keys(<-open)) {
		fmt.Println(address, port)
	}
}

// collect gathers the ports that answer our SYNs with SYN-ACK until the deadline.
func collect(c *net.IPConn, target net.IP, open chan<- map[uint16]bool) {
	found := map[uint16]bool{}
	packet := make([]byte, 2048)
	for {
		n, peer, err := c.ReadFromIP(packet)
		if err != nil {
			open <- found
			return
		}
		const synAck = 0x12
		if n < 20 || !peer.IP.Equal(target) || binary.BigEndian.Uint16(packet[2:]) != from || packet[13]&synAck != synAck {
			continue
		}
		found[binary.BigEndian.Uint16(packet)] = true
	}
}

// syn is a TCP header alone: https://www.rfc-editor.org/rfc/rfc9293#section-3.1
func syn(source, target net.IP, port uint16) []byte {
	header := make([]byte, 20)
	binary.BigEndian.PutUint16(header, from)
	binary.BigEndian.PutUint16(header[2:], port)
	binary.BigEndian.PutUint32(header[4:], 1)
	header[12], header[13] = 5<<4, 0x02
	binary.BigEndian.PutUint16(header[14:], 1024)
	if v4 := target.To4(); v4 != nil {
		source, target = source.To4(), v4
	}
	pseudo := slices.Concat([]byte(source), target, []byte{0, 6, 0, byte(len(header))})
	binary.BigEndian.PutUint16(header[16:], checksum(slices.Concat(pseudo, header)))
	return header
}

func checksum(data []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func scanUDP(address string, list []string) {
	var all sync.WaitGroup
	for _, port := range list {
		all.Go(func() {
			c, err := net.Dial("udp", net.JoinHostPort(address, port))
			check(err)
			defer c.Close()
			for range rounds {
				_, _ = c.Write([]byte("anybody there?"))
				_ = c.SetReadDeadline(time.Now().Add(patience))
				_, err := c.Read(make([]byte, 64))
				// A refusal is an answer, too: the packet was let in.
				if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
					fmt.Println(address, port)
					return
				}
			}
		})
	}
	all.Wait()
}

// sendVXLAN wraps an Ethernet frame as a node would: https://www.rfc-editor.org/rfc/rfc7348#section-5
func sendVXLAN(address, mac, count string) {
	device, err := net.ParseMAC(mac)
	check(err)
	n, err := strconv.Atoi(count)
	check(err)
	header := []byte{0x08, 0, 0, 0, 0, 0, 1, 0}
	const arp = "\x08\x06"
	frame := slices.Concat(header, device, []byte{2, 0, 0, 0, 0, 1}, []byte(arp), make([]byte, 46))
	c, err := net.Dial("udp", net.JoinHostPort(address, "8472"))
	check(err)
	for i := range n {
		// The port may be refused, which is heard at the next write.
		_, _ = c.Write(frame)
		if i%burst == 0 {
			time.Sleep(pause)
		}
	}
}
