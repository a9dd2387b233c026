package components

import "go.etcd.io/etcd/server/v3/etcdmain"

// runEtcd takes etcd's own flags; etcdmain ends the process itself.
func runEtcd(args []string) int {
	etcdmain.Main(append([]string{"etcd"}, args...))
	return 0
}
