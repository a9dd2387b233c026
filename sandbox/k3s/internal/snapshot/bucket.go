package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/sirupsen/logrus"
)

// K3s's names of what an object says about its snapshot.
const (
	clusterIDKey = "K3s-Cluster-Id"
	tokenHashKey = "K3s-Token-Hash"
	nodeNameKey  = "K3s-Node-Name"
)

// s3Node is where snapshots in S3 are, in place of a node.
const s3Node = "s3"

// bucket is the place in S3, which was seen to exist.
type bucket struct {
	client *minio.Client
	s3     S3
}

func openBucket(ctx context.Context, s3 S3) (*bucket, error) {
	if s3.Bucket == "" {
		return nil, errors.New("s3 bucket name was not set")
	}
	transport, err := s3.transport()
	if err != nil {
		return nil, err
	}
	// Without keys, those of ~/.aws/credentials or of the machine it runs on: an empty one of the chain is skipped.
	keys := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.Static{Value: credentials.Value{
			AccessKeyID: s3.AccessKey, SecretAccessKey: s3.SecretKey, SessionToken: s3.SessionToken, SignerType: credentials.SignatureV4,
		}},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{},
	})
	client, err := minio.New(s3.Endpoint, &minio.Options{
		Creds: keys, Secure: !s3.Insecure, Region: s3.Region, Transport: transport, BucketLookup: lookup(s3),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s3.Timeout.Duration)
	defer cancel()
	logrus.Infof("Checking if S3 bucket %s exists", s3.Bucket)
	exists, err := client.BucketExists(ctx, s3.Bucket)
	if err != nil {
		return nil, fmt.Errorf("failed to test for existence of bucket %s: %w", s3.Bucket, err)
	}
	if !exists {
		return nil, fmt.Errorf("bucket %s does not exist", s3.Bucket)
	}
	logrus.Infof("S3 bucket %s exists", s3.Bucket)
	return &bucket{client: client, s3: s3}, nil
}

func (b *bucket) timeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.s3.Timeout.Duration)
}

func (b *bucket) location(key string) string { return fmt.Sprintf("s3://%s/%s", b.s3.Bucket, key) }

// upload puts a snapshot and its metadata into the bucket. A failure is the file's.
func (b *bucket) upload(ctx context.Context, from *folder, file File, cluster string) File {
	key := path.Join(b.s3.Folder, file.Name)
	about := map[string]string{clusterIDKey: cluster, nodeNameKey: file.Node, tokenHashKey: file.TokenHash}
	file.S3, file.Node, file.Location = &b.s3, s3Node, b.location(key)
	kind := "application/octet-stream"
	if strings.HasSuffix(file.Name, zipExtension) {
		kind = "application/zip"
	}
	logrus.Infof("Uploading snapshot to %s", file.Location)
	info, err := b.put(ctx, key, from.path(file.Name), kind, about)
	file.Size = info.Size
	if err != nil {
		file.Failure, file.Size, file.TokenHash = err.Error(), 0, ""
	}
	if len(file.Metadata) > 0 {
		key := path.Join(b.s3.Folder, metadataDir, file.Name)
		if _, err := b.put(ctx, key, from.metadata(file.Name), "application/json", about); err != nil {
			logrus.Warnf("Failed to upload snapshot metadata to S3: %v", err)
		}
	}
	return file
}

func (b *bucket) put(ctx context.Context, key, path, kind string, about map[string]string) (minio.UploadInfo, error) {
	ctx, cancel := b.timeout(ctx)
	defer cancel()
	return b.client.FPutObject(ctx, b.s3.Bucket, key, path, minio.PutObjectOptions{NumThreads: 2, UserMetadata: about, ContentType: kind})
}

// download brings a snapshot and its metadata into a folder.
func (b *bucket) download(ctx context.Context, name string, into *folder) (string, error) {
	ctx, cancel := b.timeout(ctx)
	defer cancel()
	file := into.path(name)
	if err := b.client.FGetObject(ctx, b.s3.Bucket, path.Join(b.s3.Folder, name), file, minio.GetObjectOptions{}); err != nil {
		return "", err
	}
	if err := os.Chmod(file, 0o600); err != nil {
		return "", err
	}
	err := b.client.FGetObject(ctx, b.s3.Bucket, path.Join(b.s3.Folder, metadataDir, name), into.metadata(name), minio.GetObjectOptions{})
	if isNotFound(err) {
		err = nil
	}
	return file, err
}

func (b *bucket) list(ctx context.Context) ([]File, error) {
	ctx, cancel := b.timeout(ctx)
	defer cancel()
	var found []File
	metadata := map[string]string{}
	for object := range b.client.ListObjects(ctx, b.s3.Bucket, minio.ListObjectsOptions{Prefix: b.s3.Folder, Recursive: true}) {
		if object.Err != nil {
			return nil, object.Err
		}
		if object.Size == 0 {
			continue
		}
		if path.Base(path.Dir(object.Key)) == metadataDir {
			metadata[path.Base(object.Key)] = object.Key
			continue
		}
		file := File{
			Name: path.Base(object.Key), Location: b.location(object.Key), S3: &b.s3, Node: s3Node,
			Created: createdAt(path.Base(object.Key), object.LastModified), Size: object.Size,
		}
		about, err := b.client.StatObject(ctx, b.s3.Bucket, object.Key, minio.StatObjectOptions{})
		if err != nil {
			logrus.Warnf("Failed to get object metadata: %v", err)
		} else {
			file.TokenHash = about.UserMetadata[tokenHashKey]
		}
		found = append(found, file)
	}
	for i, file := range found {
		if key, has := metadata[file.Name]; has {
			found[i].Metadata = b.readMetadata(ctx, key)
		}
	}
	return found, nil
}

func (b *bucket) readMetadata(ctx context.Context, key string) (metadata map[string]string) {
	object, err := b.client.GetObject(ctx, b.s3.Bucket, key, minio.GetObjectOptions{})
	if err == nil {
		defer object.Close()
		err = json.NewDecoder(object).Decode(&metadata)
	}
	if err != nil {
		logrus.Warnf("Failed to get snapshot metadata for %s: %v", path.Base(key), err)
	}
	return metadata
}

// remove removes a snapshot and its metadata; one that is not there is an error (isNotFound).
func (b *bucket) remove(ctx context.Context, name string) error {
	ctx, cancel := b.timeout(ctx)
	defer cancel()
	key, metadata := path.Join(b.s3.Folder, name), path.Join(b.s3.Folder, metadataDir, name)
	_, missing := b.client.StatObject(ctx, b.s3.Bucket, key, minio.StatObjectOptions{})
	if missing == nil {
		if err := b.client.RemoveObject(ctx, b.s3.Bucket, key, minio.RemoveObjectOptions{}); err != nil {
			return err
		}
	}
	if _, err := b.client.StatObject(ctx, b.s3.Bucket, metadata, minio.StatObjectOptions{}); err == nil {
		if err := b.client.RemoveObject(ctx, b.s3.Bucket, metadata, minio.RemoveObjectOptions{}); err != nil {
			return err
		}
	}
	return missing
}

// prune goes by the age of the objects, as K3s does, not by the time in their names.
func (b *bucket) prune(ctx context.Context, prefix string) ([]string, error) {
	if b.s3.Retention < 1 {
		return nil, nil
	}
	prefix = path.Join(b.s3.Folder, prefix)
	logrus.Infof("Applying snapshot retention=%d to snapshots stored in %s", b.s3.Retention, b.location(prefix))
	limited, cancel := b.timeout(ctx)
	defer cancel()
	var objects []minio.ObjectInfo
	for object := range b.client.ListObjects(limited, b.s3.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, object.Err
		}
		if path.Base(path.Dir(object.Key)) != metadataDir {
			objects = append(objects, object)
		}
	}
	slices.SortStableFunc(objects, func(a, b minio.ObjectInfo) int { return b.LastModified.Compare(a.LastModified) })
	var removed []string
	for _, object := range objects[min(b.s3.Retention, len(objects)):] {
		logrus.Infof("Removing S3 snapshot: %s", b.location(object.Key))
		name := path.Base(object.Key)
		if err := b.remove(ctx, name); err != nil && !isNotFound(err) {
			return removed, err
		}
		removed = append(removed, name)
	}
	return removed, nil
}

func isNotFound(err error) bool {
	return os.IsNotExist(err) || minio.ToErrorResponse(err).StatusCode == http.StatusNotFound
}
