package testaws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// NewLake starts an S3 that also copies and deletes objects, as one that holds a
// lake has to. It ends with the test.
func NewLake(t testing.TB) *S3 {
	s := &S3{objects: map[string]stored{}, faults: map[string][]Fault{}}
	srv := httptest.NewServer(lake{s})
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

type lake struct{ s *S3 }

// ServeHTTP answers DELETE of an object and PUT of a copy; their faults are
// those of "DELETE" and "COPY".
func (l lake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	source := r.Header.Get("x-amz-copy-source")
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	method := r.Method
	if source != "" {
		method = "COPY"
	}
	if key == "" || method != "COPY" && method != http.MethodDelete {
		l.s.ServeHTTP(w, r)
		return
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	name := bucket + "/" + key
	l.s.requests = append(l.s.requests, method+" "+name)
	fault := l.s.nextFault(method + " " + name)
	switch fault {
	case Denied:
		refuse(w, 403, "AccessDenied")
		return
	case SlowDown:
		refuse(w, 503, "SlowDown")
		return
	}
	if method == http.MethodDelete {
		delete(l.s.objects, name)
		if fault == LostResponse {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	from, err := url.PathUnescape(strings.TrimPrefix(source, "/"))
	if err != nil {
		refuse(w, 400, "InvalidArgument")
		return
	}
	o, ok := l.s.objects[from]
	if !ok {
		refuse(w, 404, "NoSuchKey")
		return
	}
	if _, there := l.s.objects[name]; there && r.Header.Get("If-None-Match") == "*" {
		refuse(w, 412, "PreconditionFailed")
		return
	}
	etag := l.s.store(name, o.body, o.typ)
	if fault == LostResponse {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<CopyObjectResult><ETag>"%s"</ETag><LastModified>2026-11-22T13:05:00.000Z</LastModified></CopyObjectResult>`, etag)
}
