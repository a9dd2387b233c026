// Package netpol enforces NetworkPolicies on a node. K3s does it with kube-router; this is the same contract by one
// nftables table, replaced as a whole whenever something changes.
package netpol

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Table is ours alone. The name is that of the part of K3s it stands for: what takes K3s off a host removes both.
const Table = "kube-router"

// State is what the rules follow from.
type State struct {
	Node       string
	Pods       []*corev1.Pod
	Namespaces []*corev1.Namespace
	Policies   []*networkingv1.NetworkPolicy
}

// Ruleset is nft's input: it takes the place of whatever the table held, in one transaction.
//
// Traffic is judged where it is forwarded, after kube-proxy has put a pod's address in a Service's place, and twice,
// each time by a chain of its own, so that `accept` ends only its half: leaving a pod, and reaching one. What the
// node itself sends (kubelet's probes) is not forwarded and thus allowed, as by kube-router. What a pod sends to the
// node it is on is seen in `input`.
func Ruleset(state State) string {
	r := &rules{index: newIndex(state), chains: map[string]bool{}}
	egress, ingress := map[string]string{}, map[string]string{}
	for _, pod := range r.index.pods {
		if pod.Spec.NodeName != state.Node {
			continue
		}
		if chain := r.pod(pod, networkingv1.PolicyTypeEgress); chain != "" {
			egress[pod.Status.PodIP] = chain
		}
		if chain := r.pod(pod, networkingv1.PolicyTypeIngress); chain != "" {
			ingress[pod.Status.PodIP] = chain
		}
	}
	var out strings.Builder
	// Made first, so that deleting it never fails.
	fmt.Fprintf(&out, "table ip %[1]s\ndelete table ip %[1]s\ntable ip %[1]s {\n", Table)
	out.WriteString(verdicts("egress", egress))
	out.WriteString(verdicts("ingress", ingress))
	out.WriteString(r.out.String())
	out.WriteString(hook("leaving-pods", "forward", 10, "ip saddr vmap @egress"))
	out.WriteString(hook("reaching-the-node", "input", 10, "ip saddr vmap @egress"))
	out.WriteString(hook("reaching-pods", "forward", 11, "ip daddr vmap @ingress"))
	out.WriteString("}\n")
	return out.String()
}

// hook comes after the filter chains of kube-proxy and flannel (priority 0), whose accept does not end ours.
func hook(name, where string, priority int, rule string) string {
	return fmt.Sprintf("  chain %s {\n    type filter hook %s priority %d; policy accept;\n    ct state established,related accept\n    %s\n  }\n",
		name, where, priority, rule)
}

func verdicts(name string, chains map[string]string) string {
	var elements []string
	for address, chain := range chains {
		elements = append(elements, address+" : goto "+chain)
	}
	text := "  map " + name + " {\n    type ipv4_addr : verdict\n"
	if len(elements) > 0 {
		slices.SortFunc(elements, byAddress)
		text += "    elements = { " + strings.Join(elements, ", ") + " }\n"
	}
	return text + "  }\n"
}

type rules struct {
	index  *index
	chains map[string]bool // of policies, written already
	out    strings.Builder
}

// pod writes the chain of a pod that some policy isolates in this direction; a pod always reaches itself.
func (r *rules) pod(pod *corev1.Pod, direction networkingv1.PolicyType) string {
	var jumps []string
	for _, policy := range r.index.policies {
		if policy.Namespace == pod.Namespace && applies(policy, direction) && matches(&policy.Spec.PodSelector, pod.Labels) {
			jumps = append(jumps, r.policy(policy, direction))
		}
	}
	if len(jumps) == 0 {
		return ""
	}
	name := strings.ToLower(string(direction)) + "-" + pod.Status.PodIP
	fmt.Fprintf(&r.out, "  chain %s { # %s/%s\n    ip saddr %[4]s ip daddr %[4]s accept\n", name, pod.Namespace, pod.Name, pod.Status.PodIP)
	for _, chain := range jumps {
		fmt.Fprintf(&r.out, "    jump %s\n", chain)
	}
	r.out.WriteString("    reject with icmp type admin-prohibited\n  }\n")
	return name
}

// policy writes what a policy allows in one direction, once for all pods that it selects.
func (r *rules) policy(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) string {
	name := strings.ToLower(string(direction)) + "-" + hash(policy.Namespace+"/"+policy.Name)
	if r.chains[name] {
		return name
	}
	r.chains[name] = true
	var lines []string
	if direction == networkingv1.PolicyTypeIngress {
		targets := r.index.selected(policy)
		for _, rule := range policy.Spec.Ingress {
			lines = append(lines, r.allow(policy.Namespace, "saddr", rule.From, rule.Ports, targets)...)
		}
	} else {
		for _, rule := range policy.Spec.Egress {
			lines = append(lines, r.allow(policy.Namespace, "daddr", rule.To, rule.Ports, nil)...)
		}
	}
	fmt.Fprintf(&r.out, "  chain %s { # %s/%s\n", name, policy.Namespace, policy.Name)
	for _, line := range slices.Compact(lines) {
		r.out.WriteString("    " + line + "\n")
	}
	r.out.WriteString("  }\n")
	return name
}

// allow is one rule: any of the peers at any of the ports. A port's name means a number of each pod's own: of the
// selected pods (targets) when traffic comes in, of the peers when it goes out.
func (r *rules) allow(namespace, side string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, targets []*corev1.Pod) []string {
	numbers, named := split(ports)
	pods, blocks := r.index.peers(namespace, peers)
	var from []string
	switch {
	case len(peers) == 0:
		from = []string{""}
	default:
		if len(pods) > 0 {
			from = append(from, "ip "+side+" "+addresses(pods)+" ")
		}
		for _, block := range blocks {
			if match := outside(side, block); match != "" {
				from = append(from, match)
			}
		}
	}
	var lines []string
	for _, match := range from {
		if len(ports) == 0 {
			lines = append(lines, match+"accept")
		}
		for _, number := range numbers {
			lines = append(lines, match+number+" accept")
		}
	}
	for _, port := range named {
		if side == "saddr" {
			for number, pods := range byNumber(targets, port) {
				for _, match := range from {
					lines = append(lines, fmt.Sprintf("%sip daddr %s %s dport %d accept", match, addresses(pods), protocol(port), number))
				}
			}
			continue
		}
		reached := pods
		if len(peers) == 0 {
			reached = r.index.pods
		}
		for number, pods := range byNumber(reached, port) {
			lines = append(lines, fmt.Sprintf("ip daddr %s %s dport %d accept", addresses(pods), protocol(port), number))
		}
	}
	slices.Sort(lines)
	return lines
}

// outside is a block without its exceptions; IPv6 has no part in a cluster of IPv4 pods.
func outside(side string, block *networkingv1.IPBlock) string {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil || !prefix.Addr().Is4() {
		return ""
	}
	match := ""
	if prefix.Bits() > 0 {
		match = "ip " + side + " " + prefix.Masked().String() + " "
	}
	for _, except := range block.Except {
		if prefix, err := netip.ParsePrefix(except); err == nil && prefix.Addr().Is4() {
			match += "ip " + side + " != " + prefix.Masked().String() + " "
		}
	}
	return match
}

func addresses(pods []*corev1.Pod) string {
	var list []string
	for _, pod := range pods {
		list = append(list, pod.Status.PodIP)
	}
	slices.SortFunc(list, byAddress)
	return "{ " + strings.Join(slices.Compact(list), ", ") + " }"
}

// byAddress sorts texts that begin with an address by that address.
func byAddress(a, b string) int {
	first, _ := netip.ParseAddr(strings.Fields(a)[0])
	second, _ := netip.ParseAddr(strings.Fields(b)[0])
	return first.Compare(second)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}
