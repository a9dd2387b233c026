package contract

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	endian "encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dial connects from within the node's network.
func (n *node) dial(network, address string) (connection net.Conn, err error) {
	err = n.inNetwork(func() (err error) {
		connection, err = net.DialTimeout(network, address, 5*time.Second)
		return err
	})
	return connection, err
}

// listen is open to the node's network.
func (n *node) listen(address string) (listener net.Listener, err error) {
	err = n.inNetwork(func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// inNetwork lets a socket be made in the node's network: it belongs to the namespace its thread was in at that time.
func (n *node) inNetwork(open func() error) error {
	runtime.LockOSThread()
	own, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		return err
	}
	defer own.Close()
	theirs, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", n.pid))
	if err != nil {
		return err
	}
	defer theirs.Close()
	if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	err = open()
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		return back // the thread stays locked, and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// get asks without checking who answers, as a joining node does first, and shows who answered.
func (n *node) get(t *testing.T, url string) (status int, body string, shown *x509.Certificate) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		Dial: n.dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.TLS.PeerCertificates[0]
}

// listening are the addresses on which something in the node listens at a TCP port.
func (n *node) listening(t *testing.T, port uint16) []string {
	t.Helper()
	var found []string
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", n.pid, table))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			const listens = "0A"
			if len(fields) < 4 || fields[3] != listens {
				continue
			}
			address, at, _ := strings.Cut(fields[1], ":")
			if number, err := strconv.ParseUint(at, 16, 16); err == nil && uint16(number) == port {
				found = append(found, plain(address))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// plain reads an address as the kernel prints it: words of four bytes, each in the machine's order.
func plain(text string) string {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return text
	}
	for word := 0; word+4 <= len(raw); word += 4 {
		endian.BigEndian.PutUint32(raw[word:], endian.NativeEndian.Uint32(raw[word:]))
	}
	address, _ := netip.AddrFromSlice(raw)
	return address.Unmap().String()
}

func (n *node) dialTLS(address string) (*tls.Conn, error) {
	connection, err := n.dial("tcp", address)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
	_ = secured.SetDeadline(time.Now().Add(10 * time.Second))
	return secured, secured.Handshake()
}
