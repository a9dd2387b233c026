package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/sirupsen/logrus"

	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
)

// snapshots answers `k3s etcd-snapshot`.
func (s *Supervisor) snapshots(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		sendError(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	request := snapshot.Request{}
	if err := readJSON(r, &request); err != nil {
		failWithID(w, r, "etcd-snapshot", http.StatusInternalServerError, err)
		return
	}
	settings := request.Over(s.SnapshotDefaults)
	if request.Operation == "delete" && slices.ContainsFunc(request.Name, func(name string) bool { return filepath.Base(name) != name }) {
		sendError(w, http.StatusBadRequest, "invalid snapshot name: path traversal not allowed")
		return
	}
	if err := s.Snapshots.Check(r.Context(), settings); err != nil {
		refuse(w, r, http.StatusBadRequest, err)
		return
	}
	var answer any
	var err error
	switch request.Operation {
	case "save":
		answer, err = s.Snapshots.Save(r.Context(), settings)
	case "list":
		answer, err = s.Snapshots.List(r.Context(), settings)
	case "prune":
		answer, err = s.Snapshots.Prune(r.Context(), settings)
	case "delete":
		answer, err = s.Snapshots.Delete(r.Context(), settings, request.Name)
	default:
		failWithID(w, r, "etcd-snapshot", http.StatusBadRequest, errors.New("invalid snapshot operation"))
		return
	}
	if err != nil {
		failWithID(w, r, "etcd-snapshot", http.StatusInternalServerError, err)
		return
	}
	sendJSON(w, answer)
}

// token answers `k3s token rotate`.
func (s *Supervisor) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		sendError(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	request := struct {
		NewToken string `json:"newToken"`
	}{}
	if err := readJSON(r, &request); err != nil {
		refuse(w, r, http.StatusBadRequest, err)
		return
	}
	if err := s.RotateToken(r.Context(), request.NewToken); err != nil {
		failWithID(w, r, "token", http.StatusInternalServerError, err)
	}
}

func readJSON(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// failWithID tells the client a number under which the log has the reason, as K3s does.
func failWithID(w http.ResponseWriter, r *http.Request, what string, status int, err error) {
	id := fmt.Sprintf("%s error ID %05d", what, rand.IntN(100000))
	logrus.Errorf("%s: %v", id, err)
	refuse(w, r, status, errors.New(id))
}
