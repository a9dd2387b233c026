package server

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// publish writes where the kubernetes Service leads: the advertised address and the supervisor's port.
// Upstream would write the port of the API server itself, which listens on loopback only.
func (s *Server) publish(ctx context.Context, api kubernetes.Interface) error {
	address, port, name, protocol := s.advertised(), int32(s.Flags.Int("https-listen-port")), "https", corev1.ProtocolTCP
	//nolint:staticcheck // old clients read Endpoints, and the API server keeps both as well
	endpoints := &corev1.Endpoints{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Endpoints"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "kubernetes", Namespace: "default", Labels: map[string]string{discoveryv1.LabelSkipMirror: "true"},
		},
		Subsets: []corev1.EndpointSubset{{
			Addresses: []corev1.EndpointAddress{{IP: address}},
			Ports:     []corev1.EndpointPort{{Name: name, Port: port, Protocol: protocol}},
		}},
	}
	ready := true
	slice := &discoveryv1.EndpointSlice{
		TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "kubernetes", Namespace: "default", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	force := true
	options := metav1.PatchOptions{FieldManager: "k3s", Force: &force}
	for object, apply := range map[any]func([]byte) error{
		endpoints: func(text []byte) error {
			_, err := api.CoreV1().Endpoints("default").Patch(ctx, "kubernetes", types.ApplyPatchType, text, options)
			return err
		},
		slice: func(text []byte) error {
			_, err := api.DiscoveryV1().EndpointSlices("default").Patch(ctx, "kubernetes", types.ApplyPatchType, text, options)
			return err
		},
	} {
		text, err := json.Marshal(object)
		if err != nil {
			return err
		}
		if err := apply(text); err != nil {
			return fmt.Errorf("publish the API's address: %w", err)
		}
	}
	return nil
}
