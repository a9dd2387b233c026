// Package snapshot makes, keeps, lists and restores snapshots of the embedded database, on the disk and in S3, as
// `k3s etcd-snapshot` does.
package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	zipExtension = ".zip"
	metadataDir  = ".metadata" // beside the snapshots' folder, and below the bucket's
)

// File is one snapshot at one place.
type File struct {
	Name      string
	Location  string // file:///… or s3://…
	Node      string // that made it
	Created   time.Time
	Size      int64
	Failure   string // of one that could not be made
	S3        *S3
	Metadata  map[string]string
	TokenHash string // of the server token that opens it
}

// key is what two sightings of a snapshot have in common.
func (f *File) key() string {
	if f.S3 != nil {
		return "s3-" + f.Name
	}
	return "local-" + f.Name
}

// resourceName is fit for an object, and another one for every place.
func (f *File) resourceName() string {
	name := strings.ToLower(f.Name)
	sum := sha256.Sum256([]byte(f.Node + f.Location))
	suffix := "-" + hex.EncodeToString(sum[:])[:6]
	if len(validation.IsDNS1123Subdomain(name)) > 0 || len("local-"+name+suffix) > validation.DNS1123SubdomainMaxLength {
		node, _, _ := strings.Cut(f.Node, ".")
		name = fmt.Sprintf("etcd-snapshot-%s-%d", node, f.Created.Unix())
		if strings.HasSuffix(f.Name, zipExtension) {
			name += zipExtension
		}
	}
	place := "local-"
	if f.S3 != nil {
		place = "s3-"
	}
	return place + name + suffix
}

var timestamp = regexp.MustCompile(`-(\d+)$`)

// createdAt reads the time in a snapshot's name; a file of another name is as old as its content.
func createdAt(name string, modified time.Time) time.Time {
	found := timestamp.FindStringSubmatch(strings.TrimSuffix(name, zipExtension))
	if found == nil {
		return modified
	}
	seconds, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		return modified
	}
	return time.Unix(seconds, 0)
}
