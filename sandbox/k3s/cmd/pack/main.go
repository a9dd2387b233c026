// Command pack joins the base program and a folder of programs to the one file k3s.
package main

import (
	"fmt"
	"os"

	"infra-k3s.invalid/sandbox/k3s/internal/payload"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pack BASE-PROGRAM PAYLOAD-DIRECTORY OUTPUT")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(base, dir, output string) error {
	program, err := os.Open(base)
	if err != nil {
		return err
	}
	defer program.Close()
	out, err := os.OpenFile(output+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if err := payload.Pack(out, program, dir); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(output+".part", output)
}
