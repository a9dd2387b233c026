package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"

	"infra-k3s.invalid/sandbox/k3s/internal/config"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
)

const snapshotCommands = `COMMANDS:
   delete       Delete given snapshot(s)
   ls, list, l  List snapshots
   prune        Remove snapshots that match the name prefix that exceed the configured retention count
   save         Trigger an immediate etcd snapshot

`

// manageSnapshots asks the server: the flags say what is to be otherwise than in its configuration.
func manageSnapshots(args []string) error {
	before, rest, err := flags.Split(flags.Snapshots, args)
	if err != nil && !isHelp(args) {
		return err
	}
	if len(rest) == 0 || isHelp(args) {
		flags.Usage(flags.Snapshots, "etcd-snapshot", os.Stdout)
		fmt.Print("\n" + snapshotCommands)
		return nil
	}
	values, err := snapshotFlags(before, rest[1:])
	if err != nil {
		return err
	}
	switch rest[0] {
	case "save":
		return saveSnapshot(values)
	case "delete":
		return deleteSnapshots(values)
	case "ls", "list", "l":
		return listSnapshots(values)
	case "prune":
		return pruneSnapshots(values)
	}
	return fmt.Errorf("No help topic for '%s'", rest[0])
}

func isHelp(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == "--help" || arg == "-h" || arg == "-help" })
}

// snapshotFlags reads the server's file as well. What is not about snapshots there is told and skipped, as in K3s.
func snapshotFlags(before, after []string) (*flags.Values, error) {
	file, named := config.Find(append(slices.Clone(before), after...), os.Getenv)
	all, err := config.Arguments(file, named)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, argument := range all {
		name, _, _ := strings.Cut(argument, "=")
		if flags.Known(flags.Snapshots, strings.TrimLeft(name, "-")) {
			known = append(known, argument)
		} else {
			logrus.Warnf("Unknown flag %s found in %s, skipping", name, file[strings.LastIndex(file, "/")+1:])
		}
	}
	values, err := flags.Parse(flags.Snapshots, os.Getenv, known, before, after)
	if err != nil {
		return nil, err
	}
	if values.Bool("debug") {
		logrus.SetLevel(logrus.DebugLevel)
	}
	return values, logTo(values)
}

func saveSnapshot(values *flags.Values) error {
	if len(values.Rest()) > 0 {
		return errors.New("this command does not take any arguments")
	}
	request := snapshotRequest(values, "save", values.String("name"))
	none := 0 // what is saved by hand is pruned by hand
	request.Retention = &none
	if request.S3 != nil {
		request.S3.Retention = 0
	}
	result := snapshot.Result{}
	if err := askForSnapshots(values, request, &result); err != nil {
		return err
	}
	for _, name := range result.Created {
		logrus.Infof("Snapshot %s saved.", name)
	}
	return nil
}

func deleteSnapshots(values *flags.Values) error {
	names := values.Rest()
	if len(names) == 0 {
		return errors.New("no snapshots given for removal")
	}
	result := snapshot.Result{}
	if err := askForSnapshots(values, snapshotRequest(values, "delete", names...), &result); err != nil {
		return err
	}
	tellDeleted(result)
	for _, name := range names {
		if !slices.Contains(result.Deleted, name) {
			logrus.Warnf("Snapshot %s not found.", name)
		}
	}
	return nil
}

func pruneSnapshots(values *flags.Values) error {
	result := snapshot.Result{}
	if err := askForSnapshots(values, snapshotRequest(values, "prune", values.String("name")), &result); err != nil {
		return err
	}
	tellDeleted(result)
	return nil
}

func tellDeleted(result snapshot.Result) {
	for _, name := range result.Deleted {
		logrus.Infof("Snapshot %s deleted.", name)
	}
}

func listSnapshots(values *flags.Values) error {
	format := values.String("output")
	if !slices.Contains([]string{"", "json", "yaml", "table"}, format) {
		return errors.New("invalid output format: " + format)
	}
	list := snapshot.List{}
	if err := askForSnapshots(values, snapshotRequest(values, "list"), &list); err != nil {
		return err
	}
	slices.SortFunc(list.Items, func(a, b snapshot.Object) int {
		if order := a.Status.CreationTime.Compare(b.Status.CreationTime.Time); order != 0 {
			return order
		}
		return strings.Compare(a.Spec.SnapshotName, b.Spec.SnapshotName)
	})
	switch format {
	case "json":
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "    ")
		return out.Encode(list)
	case "yaml":
		text, err := yaml.Marshal(list)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(text)
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprint(table, "Name\tLocation\tSize\tCreated\n")
	for _, item := range list.Items {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", item.Spec.SnapshotName, item.Spec.Location, item.Status.Size.Value(), item.Status.CreationTime.Format(time.RFC3339))
	}
	return table.Flush()
}

func snapshotRequest(values *flags.Values, operation string, names ...string) snapshot.Request {
	request := snapshot.Request{Operation: operation, Name: names, S3: snapshot.S3FromFlags(values)}
	if dir := values.String("etcd-snapshot-dir"); values.IsSet("etcd-snapshot-dir") {
		request.Dir = &dir
	}
	if compress := values.Bool("etcd-snapshot-compress"); values.IsSet("etcd-snapshot-compress") {
		request.Compress = &compress
	}
	if retention := values.Int("etcd-snapshot-retention"); values.IsSet("etcd-snapshot-retention") {
		request.Retention = &retention
	}
	return request
}

func askForSnapshots(values *flags.Values, request snapshot.Request, answer any) error {
	admin, err := connect(values.String("etcd-server"), values.String("etcd-token"), values.String("data-dir"))
	if err != nil {
		return err
	}
	limit := 2 * time.Minute
	if request.S3 != nil {
		limit += request.S3.Timeout.Duration
	}
	admin.SetTimeout(limit)
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	text, err := admin.Send(http.MethodPost, "/db/snapshot", body, nil)
	if err != nil {
		return serverError(err)
	}
	return json.Unmarshal(text, answer)
}
