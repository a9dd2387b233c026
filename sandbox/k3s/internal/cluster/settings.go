// Package cluster holds what a server tells its agents about the cluster.
package cluster

// Settings is the answer of /v1-k3s/config; the names are K3s's own.
type Settings struct {
	ClusterIPRange string   `json:"ClusterIPRange"`
	ServiceIPRange string   `json:"ServiceIPRange"`
	ClusterDNS     []string `json:"ClusterDNSs"`
	ClusterDomain  string   `json:"ClusterDomain"`
	FlannelBackend string   `json:"FlannelBackend"`
	HTTPSPort      int      `json:"HTTPSPort"`
	SupervisorPort int      `json:"SupervisorPort"`
	DisableCCM     bool     `json:"DisableCCM"`
	DisableNPC     bool     `json:"DisableNPC"`
}

// Annotations of a node that carry its addresses from the agent to the server's node controller.
const (
	InternalIPAnnotation = "k3s.io/internal-ip"
	ExternalIPAnnotation = "k3s.io/external-ip"
	HostnameAnnotation   = "k3s.io/hostname"
)
