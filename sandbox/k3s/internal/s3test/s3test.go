// Package s3test is an S3 of a few calls for tests, which it keeps in memory: buckets of known names, objects whole and
// with their metadata, lists of a prefix. It looks at the access key and at no signature. Where a real S3 server is to
// be had, test with that.
package s3test

import (
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server answers for its buckets.
type Server struct {
	AccessKey string
	Buckets   []string

	mutex   sync.Mutex
	objects map[string]object // by BUCKET/KEY
}

type object struct {
	content  []byte
	header   http.Header // content type and x-amz-meta-…
	modified time.Time
}

// Keys are all BUCKET/KEY.
func (s *Server) Keys() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var keys []string
	for key := range s.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Age makes an object older.
func (s *Server) Age(key string, by time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	o := s.objects[key]
	o.modified = o.modified.Add(-by)
	s.objects[key] = o
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	path := strings.Trim(r.URL.Path, "/")
	bucket, key, _ := strings.Cut(path, "/")
	switch {
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="+s.AccessKey+"/"):
		refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied.")
	case !slices.Contains(s.Buckets, bucket):
		refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case key == "" && r.URL.Query().Has("location"):
		answer(w, struct {
			XMLName xml.Name `xml:"LocationConstraint"`
		}{})
	case key == "" && r.Method == http.MethodGet:
		s.list(w, bucket, r.URL.Query().Get("prefix"))
	case key == "":
	case r.Method == http.MethodPut:
		s.put(w, r, path)
	case r.Method == http.MethodDelete:
		delete(s.objects, path)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.get(w, r, path)
	}
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, path string) {
	content, err := io.ReadAll(r.Body)
	if err == nil && strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		content, err = unchunk(content)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "IncompleteBody", err.Error())
		return
	}
	header := http.Header{"Content-Type": r.Header["Content-Type"]}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			header[name] = values
		}
	}
	if s.objects == nil {
		s.objects = map[string]object{}
	}
	o := object{content: content, header: header, modified: time.Now().UTC()}
	s.objects[path] = o
	w.Header().Set("ETag", o.etag())
}

// unchunk reads `SIZE;chunk-signature=…`, the chunk, and so on up to an empty one.
func unchunk(body []byte) (content []byte, err error) {
	for rest := string(body); ; {
		head, after, found := strings.Cut(rest, "\r\n")
		size := 0
		if _, err := fmt.Sscanf(head, "%x", &size); err != nil || !found || size+2 > len(after) && size > 0 {
			return nil, fmt.Errorf("no chunk: %.40q", head)
		}
		if size == 0 {
			return content, nil
		}
		content, rest = append(content, after[:size]...), after[size+2:]
	}
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, path string) {
	o, found := s.objects[path]
	if !found {
		refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	for name, values := range o.header {
		w.Header()[name] = values
	}
	w.Header().Set("ETag", o.etag())
	http.ServeContent(w, r, "", o.modified, strings.NewReader(string(o.content)))
}

func (o object) etag() string { return fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(o.content))) }

type entry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

func (s *Server) list(w http.ResponseWriter, bucket, prefix string) {
	result := struct {
		XMLName     xml.Name `xml:"ListBucketResult"`
		Name        string
		IsTruncated bool
		Contents    []entry
	}{Name: bucket}
	for path, o := range s.objects {
		if key, here := strings.CutPrefix(path, bucket+"/"); here && strings.HasPrefix(key, prefix) {
			result.Contents = append(result.Contents, entry{key, o.modified.Format("2006-01-02T15:04:05.000Z"), o.etag(), len(o.content)})
		}
	}
	slices.SortFunc(result.Contents, func(a, b entry) int { return strings.Compare(a.Key, b.Key) })
	answer(w, result)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(value)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: message})
}
