package snapshot

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/yaml"
)

//go:embed crd.yaml
var definition []byte

var (
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	resources   = schema.GroupVersionResource{Group: "k3s.cattle.io", Version: "v1", Resource: "etcdsnapshotfiles"}
)

const (
	failureLasts = 24 * time.Hour // a failure's object
	uploadLasts  = time.Minute    // until a fresh upload has to be seen in the bucket
)

// objects are the cluster's ETCDSnapshotFiles.
type objects struct {
	client dynamic.ResourceInterface
	events record.EventRecorder
}

// connect defines the resource and waits until it can be used.
func connect(ctx context.Context, config *rest.Config, api kubernetes.Interface) (*objects, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	text, err := yaml.YAMLToJSON(definition)
	if err != nil {
		return nil, err
	}
	force := true
	_, err = client.Resource(definitions).Patch(ctx, "etcdsnapshotfiles.k3s.cattle.io", types.ApplyPatchType, text,
		metav1.PatchOptions{FieldManager: "k3s", Force: &force})
	if err != nil {
		return nil, fmt.Errorf("define ETCDSnapshotFile: %w", err)
	}
	o := &objects{client: client.Resource(resources)}
	for {
		if _, err = o.client.List(ctx, metav1.ListOptions{Limit: 1}); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("ETCDSnapshotFile is not served: %w", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: api.CoreV1().Events("")})
	o.events = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "k3s-supervisor"})
	return o, nil
}

// put makes or changes a snapshot's object; a new one has an event.
func (o *objects) put(ctx context.Context, file File) error {
	want, err := file.unstructured()
	if err != nil {
		return err
	}
	created, err := o.client.Create(ctx, want, metav1.CreateOptions{FieldManager: "k3s"})
	if apierrors.IsAlreadyExists(err) {
		text, err := json.Marshal(want)
		if err != nil {
			return err
		}
		_, err = o.client.Patch(ctx, want.GetName(), types.MergePatchType, text, metav1.PatchOptions{FieldManager: "k3s"})
		return err
	}
	if err != nil {
		return err
	}
	where := file.Node
	if file.S3 != nil {
		where = "S3"
	}
	if file.Failure != "" {
		o.events.Eventf(created, corev1.EventTypeWarning, "ETCDSnapshotFailed", "Failed to save snapshot %s on %s: %s", file.Name, where, file.Failure)
	} else {
		o.events.Eventf(created, corev1.EventTypeNormal, "ETCDSnapshotCreated", "Snapshot %s saved on %s", file.Name, where)
	}
	return nil
}

func (f *File) unstructured() (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(f.object())
	return &unstructured.Unstructured{Object: content}, err
}

// match makes the objects of the given places (nodes, and "s3") be those of the files.
func (o *objects) match(ctx context.Context, places []string, files []File, deleted []string) error {
	missing := map[string]File{}
	for _, file := range files {
		missing[file.key()] = file
	}
	list, err := o.client.List(ctx, metav1.ListOptions{LabelSelector: storageLabel + " in (" + strings.Join(places, ",") + ")"})
	if err != nil {
		return err
	}
	for i := range list.Items {
		object := Object{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &object); err != nil {
			return err
		}
		key := object.key()
		if file, there := missing[key]; there && file.resourceName() == object.Name {
			delete(missing, key)
			continue
		}
		if !slices.Contains(deleted, object.Spec.SnapshotName) && object.mayBeMissing(time.Now()) {
			continue
		}
		logrus.Infof("Deleting ETCDSnapshotFile for %s", object.Spec.SnapshotName)
		if err := o.client.Delete(ctx, object.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			logrus.Errorf("Failed to delete ETCDSnapshotFile: %v", err)
		}
	}
	for _, file := range missing {
		logrus.Infof("Creating ETCDSnapshotFile for %s", file.Name)
		if err := o.put(ctx, file); err != nil {
			logrus.Errorf("Failed to create ETCDSnapshotFile: %v", err)
		}
	}
	return nil
}

func (o *Object) key() string {
	if o.Spec.S3 != nil {
		return "s3-" + o.Spec.SnapshotName
	}
	return "local-" + o.Spec.SnapshotName
}

// mayBeMissing holds for what was never there, and for an upload that the bucket's list may not show yet.
func (o *Object) mayBeMissing(now time.Time) bool {
	if o.Status.Error != nil && o.Status.Error.Time != nil {
		return now.Before(o.Status.Error.Time.Add(failureLasts))
	}
	return o.Spec.S3 != nil && now.Before(o.CreationTimestamp.Add(uploadLasts))
}

// forget removes the objects of nodes that no longer have a database.
func (o *objects) forget(ctx context.Context, nodes []string) error {
	return o.client.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{
		LabelSelector: storageLabel + " notin (" + strings.Join(append([]string{s3Node}, nodes...), ",") + ")",
	})
}
