package snapshot

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	storageLabel        = "etcd.k3s.cattle.io/snapshot-storage-node"
	tokenHashAnnotation = "etcd.k3s.cattle.io/snapshot-token-hash"
)

// Object is K3s's ETCDSnapshotFile.
type Object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   Spec   `json:"spec"`
	Status Status `json:"status"`
}

// List is several of them.
type List struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Object `json:"items"`
}

// Spec says where a snapshot is.
type Spec struct {
	SnapshotName string            `json:"snapshotName"`
	NodeName     string            `json:"nodeName"`
	Location     string            `json:"location"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	S3           *SpecS3           `json:"s3,omitempty"`
}

// SpecS3 has no keys.
type SpecS3 struct {
	Endpoint      string `json:"endpoint,omitempty"`
	EndpointCA    string `json:"endpointCA,omitempty"`
	SkipSSLVerify bool   `json:"skipSSLVerify,omitempty"`
	Bucket        string `json:"bucket,omitempty"`
	Region        string `json:"region,omitempty"`
	Prefix        string `json:"prefix,omitempty"`
	Insecure      bool   `json:"insecure,omitempty"`
}

// Status says what it is.
type Status struct {
	Size         *resource.Quantity `json:"size,omitempty"`
	CreationTime *metav1.Time       `json:"creationTime,omitempty"`
	ReadyToUse   *bool              `json:"readyToUse,omitempty"`
	Error        *Failure           `json:"error,omitempty"`
}

// Failure is why there is none.
type Failure struct {
	Time    *metav1.Time `json:"time,omitempty"`
	Message *string      `json:"message,omitempty"`
}

func (f *File) object() *Object {
	created, ready := metav1.NewTime(f.Created), f.Failure == ""
	o := &Object{
		TypeMeta:   metav1.TypeMeta{APIVersion: "k3s.cattle.io/v1", Kind: "ETCDSnapshotFile"},
		ObjectMeta: metav1.ObjectMeta{Name: f.resourceName(), Labels: map[string]string{storageLabel: f.Node}},
		Spec:       Spec{SnapshotName: f.Name, NodeName: f.Node, Location: f.Location, Metadata: f.Metadata},
		Status:     Status{Size: resource.NewQuantity(f.Size, resource.DecimalSI), CreationTime: &created, ReadyToUse: &ready},
	}
	if f.TokenHash != "" {
		o.Annotations = map[string]string{tokenHashAnnotation: f.TokenHash}
	}
	if f.Failure != "" {
		o.Status.Error = &Failure{Time: &created, Message: &f.Failure}
	}
	if f.S3 != nil {
		o.Spec.S3 = &SpecS3{
			Endpoint: f.S3.Endpoint, EndpointCA: f.S3.EndpointCA, SkipSSLVerify: f.S3.SkipSSLVerify, Bucket: f.S3.Bucket,
			Region: f.S3.Region, Prefix: f.S3.Folder, Insecure: f.S3.Insecure,
		}
	}
	return o
}
