package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// What SOPS exits with when no key opens the file: cmd/sops/codes of SOPS, CouldNotRetrieveKey.
const noKey = 128

// decrypt has SOPS's own program decrypt a file; which format it is, SOPS sees by its name.
func decrypt(file string) ([]byte, error) {
	program, err := sops()
	if err != nil {
		return nil, err
	}
	var out, said bytes.Buffer
	command := exec.Command(program, "decrypt", file)
	command.Stdout, command.Stderr = &out, &said
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out.Bytes(), nil
	case errors.As(err, &exit) && exit.ExitCode() == noKey:
		// As SOPS's library says it, which KSOPS is built on.
		return nil, errors.New("Error getting data key: 0 successful groups required, got 0")
	}
	return nil, fmt.Errorf("%s", strings.TrimSpace(said.String()))
}

// sops is the path of SOPS's program: the one that stands behind this one's own code in its file, with its length in the last
// eight bytes (one file is all that `install` copies), or the one that SOPS names, for tests.
func sops() (string, error) {
	if given := os.Getenv("KSOPS_SOPS"); given != "" {
		return given, nil
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer self.Close()
	end, err := self.Seek(-8, io.SeekEnd)
	if err != nil {
		return "", err
	}
	var size int64
	if err := binary.Read(self, binary.LittleEndian, &size); err != nil {
		return "", err
	}
	if size <= 0 || size > end {
		return "", errors.New("this ksops was built without sops")
	}
	// In memory: the file systems of a pod may be read-only, or without programs.
	memory, err := unix.MemfdCreate("sops", 0)
	if err != nil {
		return "", err
	}
	program := os.NewFile(uintptr(memory), "sops")
	if _, err := io.Copy(program, io.NewSectionReader(self, end-size, size)); err != nil {
		return "", err
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), memory), nil
}
