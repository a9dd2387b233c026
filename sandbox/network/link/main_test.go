package main

import (
	"net/netip"
	"testing"
)

func v4(from, to string, protocol byte) []byte {
	data := make([]byte, 20)
	data[0], data[9] = 0x45, protocol
	copy(data[12:], netip.MustParseAddr(from).AsSlice())
	copy(data[16:], netip.MustParseAddr(to).AsSlice())
	return data
}

func prefixes(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }

func TestTheLastRuleThatFitsCounts(t *testing.T) {
	rules := Rules{Rules: []Rule{
		{From: prefixes("198.18.1.0/24"), To: prefixes("198.18.2.0/24"), DelayMs: 6},
		{From: prefixes("198.18.1.10/32"), To: prefixes("198.18.2.0/24"), DelayMs: 50},
	}}
	for from, want := range map[string]float64{"198.18.1.10": 50, "198.18.1.11": 6} {
		rule := rules.match(v4(from, "198.18.2.11", 6))
		if rule == nil || rule.DelayMs != want {
			t.Errorf("%s: got %+v, want %v ms", from, rule, want)
		}
	}
	if rule := rules.match(v4("198.18.2.11", "198.18.1.10", 6)); rule != nil {
		t.Errorf("the way back has no rule, got %+v", rule)
	}
}

func TestIPv6AndUDPAreSeen(t *testing.T) {
	data := make([]byte, 40)
	data[0], data[6] = 0x60, protocolUDP
	copy(data[8:], netip.MustParseAddr("2001:db8:1::a").AsSlice())
	copy(data[24:], netip.MustParseAddr("2001:db8:2::b").AsSlice())
	from, to, ok := addresses(data)
	if !ok || from.String() != "2001:db8:1::a" || to.String() != "2001:db8:2::b" || !isUDP(data) {
		t.Errorf("got %s %s %t %t", from, to, ok, isUDP(data))
	}
	if isUDP(v4("198.18.1.10", "198.18.2.11", 6)) {
		t.Error("TCP taken for UDP")
	}
	if _, _, ok := addresses([]byte{0x45, 0}); ok {
		t.Error("a cut packet has no addresses")
	}
}
