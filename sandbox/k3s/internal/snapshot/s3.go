package snapshot

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"infra-k3s.invalid/sandbox/k3s/internal/flags"
)

// S3 says where snapshots go besides the disk; the names are K3s's own, as its command line sends them to the server.
type S3 struct {
	AccessKey     string          `json:"accessKey,omitempty"`
	Bucket        string          `json:"bucket,omitempty"`
	BucketLookup  string          `json:"bucketLookup,omitempty"`
	ConfigSecret  string          `json:"configSecret,omitempty"`
	Endpoint      string          `json:"endpoint,omitempty"`
	EndpointCA    string          `json:"endpointCA,omitempty"`
	Folder        string          `json:"folder,omitempty"`
	Insecure      bool            `json:"insecure,omitempty"`
	Proxy         string          `json:"proxy,omitempty"`
	Region        string          `json:"region,omitempty"`
	SecretKey     string          `json:"secretKey,omitempty"`
	SessionToken  string          `json:"sessionToken,omitempty"`
	SkipSSLVerify bool            `json:"skipSSLVerify,omitempty"`
	Timeout       metav1.Duration `json:"timeout,omitempty"`
	Retention     int             `json:"retention,omitempty"`
}

// S3FromFlags is nil without --etcd-s3. Retention in S3 is as on the disk unless it was set.
func S3FromFlags(values *flags.Values) *S3 {
	if !values.Bool("etcd-s3") {
		return nil
	}
	retention := values.Int("etcd-snapshot-retention")
	if values.IsSet("etcd-s3-retention") {
		retention = values.Int("etcd-s3-retention")
	}
	return &S3{
		AccessKey: values.String("etcd-s3-access-key"), Bucket: values.String("etcd-s3-bucket"),
		BucketLookup: values.String("etcd-s3-bucket-lookup-type"), ConfigSecret: values.String("etcd-s3-config-secret"),
		Endpoint: values.String("etcd-s3-endpoint"), EndpointCA: values.String("etcd-s3-endpoint-ca"),
		Folder: values.String("etcd-s3-folder"), Insecure: values.Bool("etcd-s3-insecure"), Proxy: values.String("etcd-s3-proxy"),
		Region: values.String("etcd-s3-region"), SecretKey: values.String("etcd-s3-secret-key"),
		SessionToken: values.String("etcd-s3-session-token"), SkipSSLVerify: values.Bool("etcd-s3-skip-ssl-verify"),
		Timeout: metav1.Duration{Duration: values.Duration("etcd-s3-timeout")}, Retention: retention,
	}
}

var defaults = S3{Endpoint: "s3.amazonaws.com", Region: "us-east-1", Timeout: metav1.Duration{Duration: 5 * time.Minute}}

// ErrNoSecret says that the Secret could not be had; a snapshot then stays on the disk.
var ErrNoSecret = errors.New("failed to get etcd S3 config secret")

// resolve reads the Secret where nothing but its name was configured.
func (s S3) resolve(ctx context.Context, api kubernetes.Interface) (S3, error) {
	plain := s
	plain.ConfigSecret, plain.Retention = "", 0
	switch {
	case plain != defaults:
		if s.ConfigSecret != "" {
			logrus.Warnf("Ignoring s3 configuration from etcd-s3-config-secret %q due to existing configuration from CLI or config file", s.ConfigSecret)
		}
		return s, nil
	case s.ConfigSecret == "":
		return s, errors.New("s3 configuration was not set")
	}
	found, err := fromSecret(ctx, api, s.ConfigSecret)
	if err != nil {
		return s, fmt.Errorf("failed to get config from etcd-s3-config-secret %q: %w: %w", s.ConfigSecret, ErrNoSecret, err)
	}
	logrus.Infof("Using etcd s3 configuration from etcd-s3-config-secret %q", s.ConfigSecret)
	if found.Retention == 0 {
		found.Retention = s.Retention
	}
	return found, nil
}

func fromSecret(ctx context.Context, api kubernetes.Interface, name string) (S3, error) {
	if api == nil {
		return S3{}, ErrNotReady
	}
	secret, err := api.CoreV1().Secrets(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return S3{}, err
	}
	text := func(key, otherwise string) string {
		if value, found := secret.Data["etcd-s3-"+key]; found {
			return string(value)
		}
		return otherwise
	}
	complain := func(key string, err error) {
		logrus.Warnf("Failed to parse etcd-s3-%s value from S3 config secret %s: %v", key, name, err)
	}
	on := func(key string) bool {
		value, err := strconv.ParseBool(text(key, "false"))
		if err != nil {
			complain(key, err)
		}
		return value
	}
	s := defaults
	s.Endpoint, s.Region = text("endpoint", s.Endpoint), text("region", s.Region)
	s.AccessKey, s.SecretKey, s.SessionToken = text("access-key", ""), text("secret-key", ""), text("session-token", "")
	s.Bucket, s.Folder, s.BucketLookup, s.Proxy = text("bucket", ""), text("folder", ""), text("bucket-lookup-type", ""), text("proxy", "")
	s.SkipSSLVerify, s.Insecure = on("skip-ssl-verify"), on("insecure")
	if limit, err := time.ParseDuration(text("timeout", s.Timeout.Duration.String())); err != nil {
		complain("timeout", err)
	} else {
		s.Timeout.Duration = limit
	}
	if keep, err := strconv.Atoi(text("retention", "0")); err != nil {
		complain("retention", err)
	} else {
		s.Retention = keep
	}
	s.EndpointCA = authorities(ctx, api, secret.Data["etcd-s3-endpoint-ca"], text("endpoint-ca-name", ""))
	return s, nil
}

// authorities joins a bundle and those of a ConfigMap to what --etcd-s3-endpoint-ca takes.
func authorities(ctx context.Context, api kubernetes.Interface, bundle []byte, configMap string) string {
	var bundles []string
	if len(bundle) > 0 {
		bundles = append(bundles, base64.StdEncoding.EncodeToString(bundle))
	}
	if configMap == "" {
		return strings.Join(bundles, " ")
	}
	found, err := api.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, configMap, metav1.GetOptions{})
	if err != nil {
		logrus.Warnf("Failed to get ConfigMap %s for etcd-s3-endpoint-ca-name: %v", configMap, err)
		return strings.Join(bundles, " ")
	}
	for _, name := range slices.Sorted(maps.Keys(found.Data)) {
		bundles = append(bundles, base64.StdEncoding.EncodeToString([]byte(found.Data[name])))
	}
	for _, name := range slices.Sorted(maps.Keys(found.BinaryData)) {
		bundles = append(bundles, base64.StdEncoding.EncodeToString(found.BinaryData[name]))
	}
	return strings.Join(bundles, " ")
}
