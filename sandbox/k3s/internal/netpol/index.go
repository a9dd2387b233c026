package netpol

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// index is the state in a fixed order, without the pods that policies don't concern.
type index struct {
	pods       []*corev1.Pod
	namespaces map[string]labels.Set
	policies   []*networkingv1.NetworkPolicy
}

func newIndex(state State) *index {
	i := &index{namespaces: map[string]labels.Set{}}
	for _, namespace := range state.Namespaces {
		i.namespaces[namespace.Name] = namespace.Labels
	}
	for _, pod := range state.Pods {
		if concerned(pod) {
			i.pods = append(i.pods, pod)
		}
	}
	slices.SortFunc(i.pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	i.policies = slices.Clone(state.Policies)
	slices.SortFunc(i.policies, func(a, b *networkingv1.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return i
}

// concerned leaves out pods in the host's network, and those that have ended: another may have their address.
func concerned(pod *corev1.Pod) bool {
	address, err := netip.ParseAddr(pod.Status.PodIP)
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return err == nil && address.Is4() && !pod.Spec.HostNetwork && !ended
}

// applies tells whether a policy isolates in this direction. Without policyTypes it is ingress, and egress where
// there are rules for it.
func applies(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) > 0 {
		return slices.Contains(policy.Spec.PolicyTypes, direction)
	}
	return direction == networkingv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

func matches(selector *metav1.LabelSelector, set labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}

func (i *index) selected(policy *networkingv1.NetworkPolicy) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, pod := range i.pods {
		if pod.Namespace == policy.Namespace && matches(&policy.Spec.PodSelector, pod.Labels) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// peers are the pods that any selector names (without one for namespaces: of the policy's own), and the blocks.
func (i *index) peers(own string, peers []networkingv1.NetworkPolicyPeer) (pods []*corev1.Pod, blocks []*networkingv1.IPBlock) {
	for _, peer := range peers {
		if peer.IPBlock != nil {
			blocks = append(blocks, peer.IPBlock)
		}
	}
	for _, pod := range i.pods {
		if slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool { return i.isPeer(own, peer, pod) }) {
			pods = append(pods, pod)
		}
	}
	return pods, blocks
}

func (i *index) isPeer(own string, peer networkingv1.NetworkPolicyPeer, pod *corev1.Pod) bool {
	if peer.IPBlock != nil {
		return false
	}
	if peer.NamespaceSelector == nil && pod.Namespace != own {
		return false
	}
	if peer.NamespaceSelector != nil && !matches(peer.NamespaceSelector, i.namespaces[pod.Namespace]) {
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, pod.Labels)
}

// split separates ports with numbers, as matches of nft, from those with names.
func split(ports []networkingv1.NetworkPolicyPort) (numbers []string, named []networkingv1.NetworkPolicyPort) {
	for _, port := range ports {
		switch {
		case port.Port == nil:
			numbers = append(numbers, "meta l4proto "+protocol(port))
		case port.Port.Type == intstr.String:
			named = append(named, port)
		case port.EndPort != nil && *port.EndPort > port.Port.IntVal:
			numbers = append(numbers, fmt.Sprintf("%s dport %d-%d", protocol(port), port.Port.IntVal, *port.EndPort))
		default:
			numbers = append(numbers, fmt.Sprintf("%s dport %d", protocol(port), port.Port.IntVal))
		}
	}
	return numbers, named
}

func protocol(port networkingv1.NetworkPolicyPort) string {
	if port.Protocol == nil {
		return "tcp"
	}
	return strings.ToLower(string(*port.Protocol))
}

// byNumber groups the pods that have a port of this name and protocol by its number.
func byNumber(pods []*corev1.Pod, port networkingv1.NetworkPolicyPort) map[int32][]*corev1.Pod {
	groups := map[int32][]*corev1.Pod{}
	for _, pod := range pods {
		for _, container := range pod.Spec.Containers {
			for _, offered := range container.Ports {
				kind := strings.ToLower(string(cmp.Or(offered.Protocol, corev1.ProtocolTCP)))
				if offered.Name == port.Port.StrVal && kind == protocol(port) {
					groups[offered.ContainerPort] = append(groups[offered.ContainerPort], pod)
				}
			}
		}
	}
	return groups
}
