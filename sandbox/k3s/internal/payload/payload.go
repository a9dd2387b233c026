// Package payload appends the programs that k3s carries to its own file, and extracts them at run time.
// The form: the program, a tar.gz, then a trailer of the archive's SHA-256, its length and a mark.
package payload

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const mark = "K3S-STANDIN-PAY1"

const trailerLength = sha256.Size + 8 + len(mark)

// ErrNone says that a file carries no payload.
var ErrNone = errors.New("this k3s carries no payload (containerd, runc, CNI plugins): build it with sandbox/k3s/build")

// Pack writes program followed by the files of dir and the trailer.
func Pack(out io.Writer, program io.Reader, dir string) error {
	if _, err := io.Copy(out, program); err != nil {
		return err
	}
	var archive bytes.Buffer
	zip, err := gzip.NewWriterLevel(&archive, gzip.BestSpeed)
	if err != nil {
		return err
	}
	files := tar.NewWriter(zip)
	if err := files.AddFS(os.DirFS(dir)); err != nil {
		return err
	}
	if err := errors.Join(files.Close(), zip.Close()); err != nil {
		return err
	}
	sum := sha256.Sum256(archive.Bytes())
	trailer := binary.BigEndian.AppendUint64(sum[:], uint64(archive.Len()))
	trailer = append(trailer, mark...)
	_, err = io.Copy(out, io.MultiReader(&archive, bytes.NewReader(trailer)))
	return err
}

// Open finds the payload of a file.
func Open(file *os.File) (archive io.Reader, hash string, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, "", err
	}
	trailer := make([]byte, trailerLength)
	if _, err := file.ReadAt(trailer, info.Size()-int64(trailerLength)); err != nil {
		return nil, "", err
	}
	if string(trailer[trailerLength-len(mark):]) != mark {
		return nil, "", ErrNone
	}
	length := int64(binary.BigEndian.Uint64(trailer[sha256.Size:]))
	start := info.Size() - int64(trailerLength) - length
	if start < 0 {
		return nil, "", fmt.Errorf("%s: the payload's length is wrong", file.Name())
	}
	return io.NewSectionReader(file, start, length), hex.EncodeToString(trailer[:sha256.Size]), nil
}

// Extract unpacks the running program's payload to DATADIR/data/HASH once, and points data/current and
// data/cni at it.
func Extract(dataDir string) (string, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer file.Close()
	archive, hash, err := Open(file)
	if err != nil {
		return "", err
	}
	root := filepath.Join(dataDir, "data")
	dir := filepath.Join(root, hash)
	if _, err := os.Stat(dir); err != nil {
		if err := unpack(archive, dir); err != nil {
			return "", fmt.Errorf("extract k3s's programs to %s: %w", dir, err)
		}
	}
	for name, target := range map[string]string{"current": hash, "cni": filepath.Join(hash, "cni")} {
		if err := link(filepath.Join(root, name), target); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// unpack goes through a name of its own, so that an interrupted run leaves nothing that looks complete.
func unpack(archive io.Reader, dir string) error {
	unfinished := dir + "-tmp"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	zip, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	files := tar.NewReader(zip)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return os.Rename(unfinished, dir)
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("%q leads out of the archive", header.Name)
		}
		if err := write(filepath.Join(unfinished, header.Name), files); err != nil {
			return err
		}
	}
}

func write(name string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

func link(name, target string) error {
	if current, err := os.Readlink(name); err == nil && current == target {
		return nil
	}
	next := name + "-next"
	_ = os.Remove(next)
	if err := os.Symlink(target, next); err != nil {
		return err
	}
	return os.Rename(next, name)
}
