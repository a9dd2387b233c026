// Command link is the distance between the sandbox's clouds: it takes every packet that leaves a cloud from a TUN device
// and puts it back later, or never. The machine's kernel may have no netem.
//
//	link DEVICE RULES   RULES is a file, read again whenever it changes; see Rules
package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// Rules say what happens to packets. For each packet the last rule that fits counts.
type Rules struct {
	Rules []Rule `json:"rules"`
}

// Rule is one direction between two groups of addresses.
type Rule struct {
	From    []netip.Prefix `json:"from"`
	To      []netip.Prefix `json:"to"`
	DelayMs float64        `json:"delayMs"`
	Loss    float64        `json:"loss"` // percent
	Down    bool           `json:"down"`
	UDPDown bool           `json:"udpDown"`
	queue   chan packet
}

type packet struct {
	data []byte
	due  time.Time
}

const (
	// 65536 packets are a second of a gigabit; what comes in faster is dropped, as by any router.
	queueLength = 1 << 16
	protocolUDP = 17
	maxPacket   = 1 << 16
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: link DEVICE RULES")
		os.Exit(64)
	}
	device, err := openTun(os.Args[1])
	if err == nil {
		err = run(device, os.Args[2])
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func run(device *os.File, file string) error {
	var current atomic.Pointer[Rules]
	first, err := read(file, device)
	if err != nil {
		return err
	}
	current.Store(first)
	go follow(file, device, &current)
	fmt.Println("ready")
	buffer := make([]byte, maxPacket)
	for {
		n, err := device.Read(buffer)
		if err != nil {
			return err
		}
		rule := current.Load().match(buffer[:n])
		if rule == nil || rule.Down || (rule.UDPDown && isUDP(buffer[:n])) || rand.Float64()*100 < rule.Loss {
			continue
		}
		due := time.Now().Add(time.Duration(rule.DelayMs * float64(time.Millisecond)))
		select {
		case rule.queue <- packet{append([]byte(nil), buffer[:n]...), due}:
		default:
		}
	}
}

// follow reads the rules again when the file is another one; a file that can't be read changes nothing.
func follow(file string, device *os.File, current *atomic.Pointer[Rules]) {
	last := modified(file)
	for range time.Tick(50 * time.Millisecond) {
		if now := modified(file); now.Equal(last) {
			continue
		} else if rules, err := read(file, device); err != nil {
			fmt.Fprintln(os.Stderr, err)
		} else {
			last = now
			old := current.Swap(rules)
			// What is under way still arrives; the reader may just be about to send one more.
			time.AfterFunc(time.Second, old.close)
		}
	}
}

func modified(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func read(file string, device *os.File) (*Rules, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	rules := &Rules{}
	if err := json.Unmarshal(text, rules); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range rules.Rules {
		rules.Rules[i].queue = make(chan packet, queueLength)
		go deliver(rules.Rules[i].queue, device)
	}
	return rules, nil
}

func (r *Rules) close() {
	for i := range r.Rules {
		close(r.Rules[i].queue)
	}
}

// deliver keeps the order: the packets of one rule all wait equally long.
func deliver(queue <-chan packet, device *os.File) {
	for p := range queue {
		time.Sleep(time.Until(p.due))
		_, _ = device.Write(p.data)
	}
}

func (r *Rules) match(data []byte) *Rule {
	from, to, ok := addresses(data)
	if !ok {
		return nil
	}
	for i := len(r.Rules) - 1; i >= 0; i-- {
		if contains(r.Rules[i].From, from) && contains(r.Rules[i].To, to) {
			return &r.Rules[i]
		}
	}
	return nil
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

func addresses(data []byte) (from, to netip.Addr, ok bool) {
	switch {
	case len(data) >= 20 && data[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(data[12:16])), netip.AddrFrom4([4]byte(data[16:20])), true
	case len(data) >= 40 && data[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(data[8:24])), netip.AddrFrom16([16]byte(data[24:40])), true
	}
	return from, to, false
}

func isUDP(data []byte) bool {
	if data[0]>>4 == 4 {
		return data[9] == protocolUDP
	}
	return data[6] == protocolUDP
}
