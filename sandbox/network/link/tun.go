package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// openTun attaches to a TUN device that is there already (linux/if_tun.h).
func openTun(name string) (*os.File, error) {
	const (
		tunSetIff = 0x400454ca
		iffTun    = 0x0001
		iffNoPI   = 0x1000
	)
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = iffTun | iffNoPI
	if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), tunSetIff, uintptr(unsafe.Pointer(&request[0]))); code != 0 {
		return nil, fmt.Errorf("%s: %w", name, code)
	}
	// Non-blocking, so that Go's poller waits for packets instead of a thread.
	return os.NewFile(uintptr(fd), name), nil
}
