package snapshot

// Request is what `k3s etcd-snapshot` sends to the server; the names are K3s's own. What is nil is as the server has
// it, except for S3.
type Request struct {
	Operation string   `json:"operation"`
	Name      []string `json:"name,omitempty"`
	Dir       *string  `json:"dir,omitempty"`
	Compress  *bool    `json:"compress,omitempty"`
	Retention *int     `json:"retention,omitempty"`
	S3        *S3      `json:"s3,omitempty"`
}

// Over puts a request over the server's own settings.
func (r Request) Over(s Settings) Settings {
	if len(r.Name) > 0 {
		s.Name = r.Name[0]
	}
	if r.Dir != nil {
		s.Dir = *r.Dir
	}
	if r.Compress != nil {
		s.Compress = *r.Compress
	}
	if r.Retention != nil {
		s.Retention = *r.Retention
	}
	s.S3 = r.S3 // the command line has read the server's file, where that says etcd-s3
	return s
}
