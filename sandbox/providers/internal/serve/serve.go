// Package serve keeps providers ready for OpenTofu to attach to: what TF_REATTACH_PROVIDERS describes.
package serve

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// Served is a provider to be served.
type Served struct {
	Address string
	Legacy  bool
	New     func() provider.Provider
}

// Reattach is one provider's value in TF_REATTACH_PROVIDERS.
type Reattach struct {
	Protocol        string
	ProtocolVersion int
	Pid             int
	Test            bool
	Addr            struct{ Network, String string }
}

// OpenTofu's side checks neither; go-plugin wants them said.
var handshake = plugin.HandshakeConfig{
	ProtocolVersion: 6, MagicCookieKey: "TF_PLUGIN_MAGIC_COOKIE",
	MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
}

// As much as terraform-plugin-go allows.
const maxMessage = 256 << 20

// By default all is told, with the values of attributes: https://pkg.go.dev/github.com/hashicorp/terraform-plugin-log
func init() {
	for _, name := range []string{"TF_LOG_PROVIDER", "TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK"} {
		if os.Getenv(name) == "" {
			_ = os.Setenv(name, "ERROR")
		}
	}
}

// Start serves a provider on a socket of its own until the context ends.
func Start(ctx context.Context, served Served) (Reattach, error) {
	ready := make(chan *plugin.ReattachConfig)
	closed := make(chan struct{})
	dispatch := &dispatcher{served: served, servers: map[any]reflect.Value{}}
	go plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr}),
		Plugins: plugin.PluginSet{"provider": &tf6server.GRPCProviderPlugin{
			Name:         served.Address,
			GRPCProvider: func() tfprotov6.ProviderServer { return providerserver.NewProtocol6(served.New())() },
		}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
				grpc.StatsHandler(dispatch), grpc.UnaryInterceptor(dispatch.intercept))...)
		},
		Test: &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: ready, CloseCh: closed},
	})
	select {
	case config := <-ready:
		reattach := Reattach{Protocol: string(config.Protocol), ProtocolVersion: 6, Pid: config.Pid, Test: config.Test}
		reattach.Addr.Network, reattach.Addr.String = config.Addr.Network(), config.Addr.String()
		return reattach, nil
	case <-closed:
		return Reattach{}, fmt.Errorf("%s ended before it was ready", served.Address)
	}
}

// dispatcher gives every connection a provider of its own. OpenTofu opens one per provider configuration, where it would
// start a process; one provider for all would have the configuration of whoever spoke last.
type dispatcher struct {
	served  Served
	mutex   sync.Mutex
	servers map[any]reflect.Value
}

type connectionKey struct{}

func (d *dispatcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(byte))
}
func (d *dispatcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (d *dispatcher) HandleRPC(context.Context, stats.RPCStats)                       {}
func (d *dispatcher) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, ended := event.(*stats.ConnEnd); ended {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		delete(d.servers, ctx.Value(connectionKey{}))
	}
}

func (d *dispatcher) server(ctx context.Context) reflect.Value {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	key := ctx.Value(connectionKey{})
	server, ok := d.servers[key]
	if !ok {
		server = reflect.ValueOf(tf6server.New(d.served.Address, providerserver.NewProtocol6(d.served.New())()))
		d.servers[key] = server
	}
	return server
}

func (d *dispatcher) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	// One provider's fault must not end the others.
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(os.Stderr, "%s %s: %v\n%s", d.served.Address, info.FullMethod, fault, debug.Stack())
			err = status.Errorf(codes.Internal, "a fault of the stand-in provider: %v", fault)
		}
	}()
	method, isProvider := strings.CutPrefix(info.FullMethod, "/tfplugin6.Provider/")
	if !isProvider {
		return handler(ctx, request)
	}
	// The type of the server is internal to terraform-plugin-go: its methods are reached by their names.
	results := d.server(ctx).MethodByName(method).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
	if err, _ := results[1].Interface().(error); err != nil {
		return nil, err
	}
	if d.served.Legacy && !results[0].IsNil() {
		if field := results[0].Elem().FieldByName("LegacyTypeSystem"); field.IsValid() {
			field.SetBool(true)
		}
	}
	return results[0].Interface(), nil
}
