package process

import (
	"net"
	"os"
)

// TakeNotifySocket reads systemd's socket and removes it from the environment, so that no child speaks to
// systemd in k3s's name.
func TakeNotifySocket() string {
	socket := os.Getenv("NOTIFY_SOCKET")
	_ = os.Unsetenv("NOTIFY_SOCKET")
	return socket
}

// Ready tells systemd that a Type=notify service is up.
func Ready(socket string) error {
	if socket == "" {
		return nil
	}
	connection, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.Write([]byte("READY=1\n"))
	return err
}
