package flags

// Table holds K3s's flags by their documented names (docs.k3s.io/cli/server, docs.k3s.io/cli/agent).
var Table = append(append(append(append([]Flag{
	// Files and logs
	{Name: "config", Short: "c", Scope: Both | Snapshots, Env: "K3S_CONFIG_FILE", Answered: true},
	{Name: "debug", Kind: Bool, Scope: Both | Snapshots, Env: "K3S_DEBUG", Answered: true, Default: "false"},
	{Name: "v", Kind: Int, Scope: Both, Answered: true, Default: "0"},
	{Name: "vmodule", Scope: Both},
	{Name: "log", Short: "l", Scope: Both | Snapshots, Answered: true},
	{Name: "alsologtostderr", Kind: Bool, Scope: Both | Snapshots, Answered: true, Default: "false"},
	{Name: "data-dir", Short: "d", Scope: Both | Snapshots, Env: "K3S_DATA_DIR", Answered: true, Default: "/var/lib/rancher/k3s"},

	// Cluster
	{Name: "token", Short: "t", Scope: Both, Env: "K3S_TOKEN", Answered: true},
	{Name: "token-file", Scope: Both, Env: "K3S_TOKEN_FILE", Answered: true},
	{Name: "server", Short: "s", Scope: Both, Env: "K3S_URL", Answered: true},
	{Name: "agent-token", Scope: Server, Env: "K3S_AGENT_TOKEN"},
	{Name: "agent-token-file", Scope: Server, Env: "K3S_AGENT_TOKEN_FILE"},
	{Name: "cluster-init", Kind: Bool, Scope: Server, Env: "K3S_CLUSTER_INIT", Answered: true, Default: "false"},
	{Name: "cluster-reset", Kind: Bool, Scope: Server, Env: "K3S_CLUSTER_RESET", Answered: true, Default: "false"},
	{Name: "cluster-reset-restore-path", Scope: Server, Answered: true},

	// Kubeconfig of the administrator
	{Name: "write-kubeconfig", Short: "o", Scope: Server, Env: "K3S_KUBECONFIG_OUTPUT", Answered: true, Default: "/etc/rancher/k3s/k3s.yaml"},
	{Name: "write-kubeconfig-mode", Scope: Server, Env: "K3S_KUBECONFIG_MODE", Answered: true, Default: "0600"},
	{Name: "write-kubeconfig-group", Scope: Server, Env: "K3S_KUBECONFIG_GROUP"},

	// Listener
	{Name: "bind-address", Scope: Both, Answered: true},
	{Name: "https-listen-port", Kind: Int, Scope: Server, Answered: true, Default: "6443"},
	{Name: "supervisor-port", Kind: Int, Scope: Server, Default: "0"},
	{Name: "advertise-address", Scope: Server, Answered: true},
	{Name: "advertise-port", Kind: Int, Scope: Server, Default: "0"},
	{Name: "tls-san", Kind: Strings, Scope: Server, Answered: true},
	{Name: "tls-san-security", Kind: Bool, Scope: Server, Default: "true"},

	// Network
	{Name: "cluster-cidr", Kind: Strings, Scope: Server, Answered: true},
	{Name: "service-cidr", Kind: Strings, Scope: Server, Answered: true},
	{Name: "service-node-port-range", Scope: Server, Answered: true, Default: "30000-32767"},
	{Name: "cluster-dns", Kind: Strings, Scope: Server, Answered: true},
	{Name: "cluster-domain", Scope: Server, Answered: true, Default: "cluster.local"},
	{Name: "flannel-backend", Scope: Server, Default: "vxlan"},
	{Name: "flannel-ipv6-masq", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "flannel-external-ip", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "egress-selector-mode", Scope: Server, Answered: true, Default: "agent"},
	{Name: "servicelb-namespace", Scope: Server, Default: "kube-system"},
	{Name: "flannel-iface", Scope: Both, Answered: true},
	{Name: "flannel-conf", Scope: Both},
	{Name: "flannel-cni-conf", Scope: Both},
	{Name: "vpn-auth", Scope: Both, Env: "K3S_VPN_AUTH"},
	{Name: "vpn-auth-file", Scope: Both, Env: "K3S_VPN_AUTH_FILE"},
	{Name: "node-ip", Short: "i", Kind: Strings, Scope: Both, Answered: true},
	{Name: "node-external-ip", Kind: Strings, Scope: Both, Answered: true},
	{Name: "node-internal-dns", Kind: Strings, Scope: Both},
	{Name: "node-external-dns", Kind: Strings, Scope: Both},
	{Name: "resolv-conf", Scope: Both, Env: "K3S_RESOLV_CONF", Answered: true},
	{Name: "lb-server-port", Kind: Int, Scope: Both, Env: "K3S_LB_SERVER_PORT", Answered: true, Default: "6444"},

	// Arguments for the components
	{Name: "kube-apiserver-arg", Kind: Strings, Scope: Server, Answered: true},
	{Name: "kube-controller-manager-arg", Kind: Strings, Scope: Server, Answered: true},
	{Name: "kube-scheduler-arg", Kind: Strings, Scope: Server, Answered: true},
	{Name: "kube-cloud-controller-manager-arg", Kind: Strings, Scope: Server},
	{Name: "etcd-arg", Kind: Strings, Scope: Server, Answered: true},
	{Name: "kubelet-arg", Kind: Strings, Scope: Both, Answered: true},
	{Name: "kube-proxy-arg", Kind: Strings, Scope: Both, Answered: true},

	// Parts
	{Name: "disable", Kind: Strings, Scope: Server, Answered: true},
	{Name: "disable-scheduler", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "disable-cloud-controller", Kind: Bool, Scope: Server, Answered: true, Default: "false"},
	{Name: "disable-kube-proxy", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "disable-network-policy", Kind: Bool, Scope: Server, Answered: true, Default: "false"},
	{Name: "disable-helm-controller", Kind: Bool, Scope: Server, Answered: true, Default: "false"},
	{Name: "disable-apiserver", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "disable-controller-manager", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "disable-etcd", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "disable-agent", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "embedded-registry", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "supervisor-metrics", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "helm-job-image", Scope: Server},
	{Name: "default-local-storage-path", Scope: Server},
	{Name: "system-default-registry", Scope: Server, Env: "K3S_SYSTEM_DEFAULT_REGISTRY"},
	{Name: "secrets-encryption", Kind: Bool, Scope: Server, Answered: true, Default: "false"},
	{Name: "secrets-encryption-provider", Scope: Server, Answered: true, Default: "aescbc"},
	{Name: "enable-pprof", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "rootless", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "disable-apiserver-lb", Kind: Bool, Scope: Agent, Default: "false"},
	{Name: "no-flannel", Kind: Bool, Scope: Agent, Default: "false"},
	{Name: "cluster-secret", Scope: Both, Env: "K3S_CLUSTER_SECRET"},
}, node...), images...), etcd...), datastore...)

// node holds what belongs to the node itself.
var node = []Flag{
	{Name: "node-name", Scope: Both | Snapshots, Env: "K3S_NODE_NAME", Answered: true},
	{Name: "with-node-id", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "node-label", Kind: Strings, Scope: Both, Answered: true},
	{Name: "node-taint", Kind: Strings, Scope: Both, Answered: true},
	{Name: "protect-kernel-defaults", Kind: Bool, Scope: Both, Answered: true, Default: "false"},
	{Name: "selinux", Kind: Bool, Scope: Both, Env: "K3S_SELINUX", Default: "false"},
	{Name: "prefer-bundled-bin", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "image-credential-provider-bin-dir", Scope: Both, Default: "/var/lib/rancher/credentialprovider/bin"},
	{Name: "image-credential-provider-config", Scope: Both, Default: "/var/lib/rancher/credentialprovider/config.yaml"},
}

// images holds what belongs to the container runtime.
var images = []Flag{
	{Name: "docker", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "container-runtime-endpoint", Scope: Both},
	{Name: "image-service-endpoint", Scope: Both},
	{Name: "default-runtime", Scope: Both, Default: "runc"},
	{Name: "nonroot-devices", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "disable-default-registry-endpoint", Kind: Bool, Scope: Both, Default: "false"},
	{Name: "pause-image", Scope: Both, Answered: true, Default: "rancher/mirrored-pause:3.6"},
	{Name: "snapshotter", Scope: Both, Answered: true, Default: "overlayfs"},
	{Name: "private-registry", Scope: Both, Answered: true, Default: "/etc/rancher/k3s/registries.yaml"},
	{Name: "airgap-extra-registry", Kind: Strings, Scope: Both},
}

// etcd holds what belongs to the embedded database's snapshots. `k3s etcd-snapshot` takes them by a short name too.
var etcd = []Flag{
	{Name: "etcd-expose-metrics", Kind: Bool, Scope: Server, Default: "false"},
	{Name: "etcd-disable-snapshots", Kind: Bool, Scope: Server, Answered: true, Default: "false"},
	{Name: "etcd-snapshot-name", Scope: Server, Answered: true, Default: "etcd-snapshot"},
	{Name: "etcd-snapshot-schedule-cron", Scope: Server, Answered: true, Default: "0 */12 * * *"},
	{Name: "etcd-snapshot-reconcile-interval", Kind: Duration, Scope: Server, Answered: true, Default: "10m0s"},
	{Name: "etcd-snapshot-retention", Alias: "snapshot-retention", Kind: Int, Scope: Server | Snapshots, Answered: true, Default: "5"},
	{Name: "etcd-snapshot-dir", Alias: "dir", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-snapshot-compress", Alias: "snapshot-compress", Kind: Bool, Scope: Server | Snapshots, Answered: true, Default: "false"},
	{Name: "etcd-s3", Alias: "s3", Kind: Bool, Scope: Server | Snapshots, Answered: true, Default: "false"},
	{Name: "etcd-s3-endpoint", Alias: "s3-endpoint", Scope: Server | Snapshots, Answered: true, Default: "s3.amazonaws.com"},
	{Name: "etcd-s3-endpoint-ca", Alias: "s3-endpoint-ca", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-s3-skip-ssl-verify", Alias: "s3-skip-ssl-verify", Kind: Bool, Scope: Server | Snapshots, Answered: true, Default: "false"},
	{Name: "etcd-s3-access-key", Alias: "s3-access-key", Scope: Server | Snapshots, Env: "AWS_ACCESS_KEY_ID", Answered: true},
	{Name: "etcd-s3-secret-key", Alias: "s3-secret-key", Scope: Server | Snapshots, Env: "AWS_SECRET_ACCESS_KEY", Answered: true},
	{Name: "etcd-s3-session-token", Alias: "s3-session-token", Scope: Server | Snapshots, Env: "AWS_SESSION_TOKEN", Answered: true},
	{Name: "etcd-s3-bucket", Alias: "s3-bucket", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-s3-bucket-lookup-type", Alias: "s3-bucket-lookup-type", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-s3-region", Alias: "s3-region", Scope: Server | Snapshots, Answered: true, Default: "us-east-1"},
	{Name: "etcd-s3-folder", Alias: "s3-folder", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-s3-proxy", Alias: "s3-proxy", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-s3-config-secret", Alias: "s3-config-secret", Scope: Server | Snapshots, Answered: true},
	{Name: "etcd-s3-retention", Alias: "s3-retention", Kind: Int, Scope: Server | Snapshots, Answered: true, Default: "5"},
	{Name: "etcd-s3-insecure", Alias: "s3-insecure", Kind: Bool, Scope: Server | Snapshots, Answered: true, Default: "false"},
	{Name: "etcd-s3-timeout", Alias: "s3-timeout", Kind: Duration, Scope: Server | Snapshots, Answered: true, Default: "5m0s"},
	{Name: "etcd-server", Short: "s", Scope: Snapshots, Answered: true, Default: "https://127.0.0.1:6443"},
	{Name: "etcd-token", Short: "t", Scope: Snapshots, Answered: true},
	{Name: "name", Scope: Snapshots, Answered: true, Default: "on-demand"},
	{Name: "output", Short: "o", Scope: Snapshots, Answered: true},
}

// datastore holds the databases that are not etcd.
var datastore = []Flag{
	{Name: "datastore-endpoint", Scope: Server, Env: "K3S_DATASTORE_ENDPOINT"},
	{Name: "datastore-cafile", Scope: Server, Env: "K3S_DATASTORE_CAFILE"},
	{Name: "datastore-certfile", Scope: Server, Env: "K3S_DATASTORE_CERTFILE"},
	{Name: "datastore-keyfile", Scope: Server, Env: "K3S_DATASTORE_KEYFILE"},
	{Name: "kine-tls", Kind: Bool, Scope: Server, Default: "false"},
}
